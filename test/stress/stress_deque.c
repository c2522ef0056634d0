/* SPDX-License-Identifier: MIT */
/*
 * stress_deque.c - as many deques as threads, where everybody steals from
 * everybody. Each job is had exactly once.
 *
 * Every third thread is like a guest of a pool: it never takes from its own
 * deque, so that others may win several jobs of it at once and push them into
 * their own. Outgrown rings are freed meanwhile.
 */
#include "crew.h"

#include "deque.h"
#include "rcu.h"

enum {
	BATCH = 32,
	THREADS_MOST = CREW_MOST
};

static struct player {
	struct ski_deque deque;
	uint64_t random;
	size_t next, end; /* jobs that it has still to push */
	size_t had;
	bool is_guest;
} players[THREADS_MOST];

static atomic_uchar *had;
static size_t jobs;
static _Alignas(SKI_LINE) atomic_size_t left;

static void have(struct player *self, uintptr_t job)
{
	EXPECT(job > 0 && job <= jobs);
	EXPECT(!atomic_fetch_add_explicit(&had[job - 1], 1,
					  memory_order_relaxed));
	self->had++;
	atomic_fetch_sub_explicit(&left, 1, memory_order_relaxed);
}

static void push(struct player *self, unsigned count)
{
	EXPECT(ski_deque_reserve(&self->deque, count) == 0);
	for (; count && self->next < self->end; count--)
		ski_deque_push(&self->deque, ++self->next);
}

static void take(struct player *self, unsigned count)
{
	while (count--) {
		uintptr_t job = ski_deque_take(&self->deque);

		if (!job)
			return;
		have(self, job);
	}
}

/* What a guest had goes into the own deque but for the first. */
static bool steal(struct player *self, struct player *victim)
{
	uintptr_t stolen[BATCH];
	int most = victim->is_guest ? BATCH : 1;
	int got;

	EXPECT(ski_deque_reserve(&self->deque, BATCH) == 0);
	ski_rcu_read_lock();
	got = ski_deque_steal_many(&victim->deque, stolen, most);
	ski_rcu_read_unlock();
	EXPECT(got >= -1 && got <= most);
	for (int i = got - 1; i > 0; i--)
		ski_deque_push(&self->deque, stolen[i]);
	if (got > 0)
		have(self, stolen[0]);
	return got != 0;
}

static void trim(struct player *victim)
{
	struct ski_ring *ring = ski_deque_retired(&victim->deque);

	if (ring)
		ski_rcu_synchronize();
	ski_ring_free_all(ring);
}

static void play(unsigned number)
{
	struct player *self = &players[number];
	unsigned vain = 0;

	while (atomic_load_explicit(&left, memory_order_relaxed)) {
		struct player *victim =
			&players[stress_below(&self->random, stress.workers)];
		unsigned what = stress_below(&self->random, 1000);

		if (what < 300)
			push(self, 1 + what % 100);
		else if (what < 600 && !self->is_guest)
			take(self, 1 + what % 100);
		else if (what == 999)
			trim(victim);
		else if (steal(self, victim))
			vain = 0;
		else if (++vain > 2)
			sched_yield();
	}
}

static void deal(void)
{
	size_t each = jobs / stress.workers;

	for (unsigned i = 0; i < stress.workers; i++) {
		struct player *player = &players[i];

		*player = (struct player){
			.random = stress_stream(i),
			.next = i * each,
			.end = i + 1 == stress.workers ? jobs : (i + 1) * each,
			.is_guest = i % 3 == 2,
		};
		EXPECT(ski_deque_init(&player->deque) == 0);
	}
	memset(had, 0, jobs);
	atomic_store_explicit(&left, jobs, memory_order_relaxed);
}

static void count(void)
{
	size_t sum = 0;

	for (unsigned i = 0; i < stress.workers; i++) {
		EXPECT(players[i].next == players[i].end);
		EXPECT(ski_deque_count(&players[i].deque) == 0);
		ski_deque_destroy(&players[i].deque);
		sum += players[i].had;
	}
	EXPECT(sum == jobs);
	for (size_t i = 0; i < jobs; i++)
		EXPECT(had[i] == 1);
}

static void body(void)
{
	size_t rounds = stress_rounds(20, 600);

	EXPECT(stress.workers > 0 && stress.workers <= THREADS_MOST);
	jobs = SCALED(1000000);
	had = malloc(jobs);
	EXPECT(had);
	while (rounds--) {
		deal();
		crew_run(stress.workers, play);
		count();
	}
	free(had);
}

int main(int argc, char *argv[])
{
	return stress_main(argc, argv, body);
}
