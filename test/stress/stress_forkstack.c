/* SPDX-License-Identifier: MIT */
/*
 * stress_forkstack.c - some threads run trees of tasks, each on a fork stack of
 * its own, and all others steal from everybody. Each node of each tree runs
 * once.
 *
 * The slow paths of fork.h are the runtime's. Here are such that know one
 * segment a thread, and block where the runtime would leapfrog or suspend.
 */
#include "crew.h"

#include "forkstack.h"

enum {
	THREADS_MOST = CREW_MOST,
	DEPTH = 11,
	CHILDREN = 5, /* at most; DEPTH * CHILDREN frames are never too many */
	YIELDS = 100, /* nodes from one to the next, on average */
};

_Static_assert(DEPTH *CHILDREN <= SKI_SEGMENT_FRAMES, "one segment each");

static struct player {
	_Alignas(SKI_LINE) struct ski_segment *segment;
	uint64_t random;
	size_t nodes, steals;
} players[THREADS_MOST];

static _Thread_local struct player *self;
static _Alignas(SKI_LINE) atomic_uint playing;
static size_t rounds;

/* One who waits for a frame sleeps on this. */
struct waiter {
	_Alignas(8) _Atomic(uint32_t) told;
};

/* ---- what the runtime does, for one segment ---- */

skua_here skua_fork_slow_1(skua_here here)
{
	struct ski_segment *segment = ski_segment_of(here - 1);

	ski_forkstack_fork(segment, ski_segment_index(segment, here));
	return here;
}

static void wait_for(struct skua_frame *frame)
{
	struct waiter waiter = { 0 };

	if (!ski_frame_wait(frame, &waiter))
		return;
	/* Acquire: pairs with finish(). */
	while (!atomic_load_explicit(&waiter.told, memory_order_acquire))
		ski_futex_wait(&waiter.told, 0, -1);
	EXPECT(ski_frame_state(frame) == SKUA_FRAME_DONE);
}

uintptr_t skua_join_slow_1(skua_here here)
{
	struct ski_segment *segment = ski_segment_of(here - 1);
	struct skua_frame *frame = here - 1;
	uint32_t i = ski_segment_index(segment, frame);

	EXPECT(segment == self->segment);
	if (ski_forkstack_join(segment, i) != SKI_JOIN_STOLEN)
		return (uintptr_t)frame | 1;
	wait_for(frame);
	ski_forkstack_rebase(segment, i);
	return (uintptr_t)frame;
}

static void finish(struct skua_frame *frame)
{
	struct waiter *waiter = ski_frame_finish(frame);

	if (!waiter)
		return;
	/* Release: the result. It is only an address after that. */
	atomic_store_explicit(&waiter->told, 1, memory_order_release);
	ski_futex_wake(&waiter->told, 1);
}

static bool steal(struct player *victim)
{
	struct skua_frame *frame;
	bool again;

	if (victim == self)
		return false;
	do {
		again = false;
		frame = ski_forkstack_steal(victim->segment, true, &again);
	} while (again);
	if (!frame)
		return false;
	self->steals++;
	ski_frame_name_thief(frame, self->segment);
	frame->job.run(self->segment->frame, &frame->job);
	finish(frame);
	return true;
}

/* ---- a tree: what a node is depends on its number alone ---- */

static uint64_t mixed(uint64_t x)
{
	x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

static unsigned children_of(uint64_t node, unsigned depth)
{
	return depth == DEPTH ? 0 :
	       depth < 2      ? CHILDREN :
				(unsigned)(mixed(node) % (CHILDREN - 1));
}

static uint64_t child_of(uint64_t node, unsigned i)
{
	return mixed(node + i + 1);
}

struct sum {
	uint64_t nodes, numbers;
};

static struct sum plain_sum(uint64_t node, unsigned depth)
{
	unsigned children = children_of(node, depth);
	struct sum sum = { 1, node };

	for (unsigned i = 0; i < children; i++) {
		struct sum of = plain_sum(child_of(node, i), depth + 1);

		sum.nodes += of.nodes;
		sum.numbers += of.numbers;
	}
	return sum;
}

/* The same, in tasks; some fork all and join then, some one by one. */
SKUA_TASK(struct sum, tree_sum, uint64_t, node, unsigned, depth)
{
	unsigned children = children_of(node, depth);
	unsigned forked = 0, i = 0;
	struct sum sum = { 1, node };

	self->nodes++;
	/* Let thieves in while there is something to steal. */
	if (node % YIELDS == 0)
		sched_yield();
	while (i < children || forked) {
		struct sum of;

		if (i < children && (!forked || node >> forked & 1)) {
			tree_sum_fork(&here, child_of(node, i++), depth + 1);
			forked++;
			continue;
		}
		of = tree_sum_join(&here);
		forked--;
		sum.nodes += of.nodes;
		sum.numbers += of.numbers;
	}
	return sum;
}

/* Returns how many nodes it had. */
static size_t run_tree(void)
{
	uint64_t root = stress_random(&self->random);
	struct sum plain = plain_sum(root, 0);
	struct sum tasks = tree_sum(self->segment->frame, root, 0);

	EXPECT(tasks.nodes == plain.nodes);
	EXPECT(tasks.numbers == plain.numbers);
	/* Nothing is left of it. */
	EXPECT(atomic_load_explicit(&self->segment->word,
				    memory_order_relaxed) == 0);
	EXPECT(!self->segment->frame->job.run);
	return tasks.nodes;
}

static atomic_size_t nodes_expected;

static void run_trees(void)
{
	size_t nodes = 0;

	for (size_t i = 0; i < rounds; i++)
		nodes += run_tree();
	atomic_fetch_add_explicit(&nodes_expected, nodes, memory_order_relaxed);
	atomic_fetch_sub_explicit(&playing, 1, memory_order_relaxed);
}

/* One in four has trees of its own. */
static void play(unsigned number)
{
	unsigned vain = 0;

	self = &players[number];
	if (number % 4 == 0)
		run_trees();
	while (atomic_load_explicit(&playing, memory_order_relaxed)) {
		struct player *victim =
			&players[stress_below(&self->random, stress.workers)];

		if (steal(victim))
			vain = 0;
		else if (++vain > 3)
			sched_yield();
	}
}

static void open_player(struct player *player, unsigned number)
{
	*player = (struct player){
		.segment = ski_block_alloc(SKUA_SEGMENT_BYTES),
		.random = stress_stream(number),
	};
	EXPECT(player->segment);
	ski_segment_reset(player->segment);
}

static void body(void)
{
	unsigned owners = (stress.workers + 3) / 4;
	size_t nodes = 0, steals = 0;

	EXPECT(stress.workers > 0 && stress.workers <= THREADS_MOST);
	rounds = 1 + stress_rounds(SCALED(12000), SCALED(400000)) / owners;
	for (unsigned i = 0; i < stress.workers; i++)
		open_player(&players[i], i);
	atomic_store_explicit(&nodes_expected, 0, memory_order_relaxed);
	atomic_store_explicit(&playing, owners, memory_order_relaxed);
	crew_run(stress.workers, play);
	for (unsigned i = 0; i < stress.workers; i++) {
		nodes += players[i].nodes;
		steals += players[i].steals;
		ski_block_free(players[i].segment, SKUA_SEGMENT_BYTES);
	}
	EXPECT(steals || stress.workers == 1);
	EXPECT(nodes ==
	       atomic_load_explicit(&nodes_expected, memory_order_relaxed));
}

int main(int argc, char *argv[])
{
	return stress_main(argc, argv, body);
}
