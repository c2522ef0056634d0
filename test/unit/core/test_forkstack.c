/* SPDX-License-Identifier: MIT */
/*
 * The fork stack: each operation in every state of a small part or of all of a
 * segment; owner and thief in turns, against a plain model; and threads that
 * steal from each other as the runtime does. The slow paths of fork.h are the
 * runtime's; here are such that know one segment and no pool.
 */
#include "core_test.h"

#include "forkstack.h"
#include "futex.h"

TestSuite(forkstack, .timeout = LIMIT);

enum {
	FRAMES = SKI_SEGMENT_FRAMES,
	KEEP = SKI_KEEP,
};

static struct ski_segment *new_segment(void)
{
	struct ski_segment *segment = ski_block_alloc(SKUA_SEGMENT_BYTES);

	cr_assert_not_null(segment);
	ski_segment_reset(segment);
	return segment;
}

static void free_segment(struct ski_segment *segment)
{
	ski_block_free(segment, SKUA_SEGMENT_BYTES);
}

static uintptr_t limit_of(struct ski_segment *segment)
{
	return atomic_load_explicit(&segment->pub.limit, memory_order_relaxed);
}

static uintptr_t split_hint(struct ski_segment *segment)
{
	return atomic_load_explicit(&segment->pub.split, memory_order_relaxed);
}

static uint64_t word_of(struct ski_segment *segment)
{
	return atomic_load_explicit(&segment->word, memory_order_relaxed);
}

/* Where limit goes when split is frame @i. */
static uintptr_t limit_at(struct ski_segment *segment, uint32_t i)
{
	return ski_segment_at(segment, i + KEEP < FRAMES ? i + KEEP : FRAMES);
}

enum {
	HUNGRY = 1, /* limit is base */
	POISONED = 2,
	WISHES = 4
};

static void set_state(struct ski_segment *segment, uint32_t top, uint32_t split,
		      unsigned wish)
{
	atomic_store_explicit(&segment->word, ski_word(top, split),
			      memory_order_relaxed);
	atomic_store_explicit(&segment->pub.limit,
			      wish & HUNGRY ? ski_segment_base(segment) :
					      limit_at(segment, split),
			      memory_order_relaxed);
	atomic_store_explicit(&segment->pub.split,
			      wish & POISONED ? SKI_POISON :
						ski_segment_at(segment, split),
			      memory_order_relaxed);
}

static bool is_state(struct ski_segment *segment, uint32_t top, uint32_t split,
		     unsigned wish)
{
	return word_of(segment) == ski_word(top, split) &&
	       limit_of(segment) == (wish & HUNGRY ?
					     ski_segment_base(segment) :
					     limit_at(segment, split)) &&
	       split_hint(segment) == (wish & POISONED ?
					       SKI_POISON :
					       ski_segment_at(segment, split));
}

/* As every frame must be that is not forked. */
static bool is_free(struct skua_frame *frame)
{
	return !frame->job.run && ski_frame_state(frame) == SKUA_FRAME_PENDING;
}

static struct skua_frame *steal(struct ski_segment *segment, bool ask)
{
	bool again = false;
	struct skua_frame *frame = ski_forkstack_steal(segment, ask, &again);

	cr_assert_not(again);
	return frame;
}

/* ---- each operation alone ---- */

Test(forkstack, layout)
{
	struct ski_segment *segment = new_segment();

	cr_expect_eq((uintptr_t)segment % SKUA_SEGMENT_BYTES, 0);
	cr_expect_eq(offsetof(struct ski_segment, pub), 0);
	cr_expect_eq(offsetof(struct ski_segment, word) % SKI_LINE, 0);
	cr_expect_eq(offsetof(struct ski_segment, frame) % SKI_LINE, 0);
	cr_expect_leq(ski_segment_at(segment, FRAMES),
		      (uintptr_t)segment + SKUA_SEGMENT_BYTES);
	cr_expect_gt(ski_segment_at(segment, FRAMES + 1),
		     (uintptr_t)segment + SKUA_SEGMENT_BYTES);
	for (uint32_t i = 0; i < FRAMES; i++) {
		struct skua_frame *frame = &segment->frame[i];

		cr_assert_eq(ski_segment_of(frame), segment);
		cr_assert_eq(ski_segment_index(segment, frame), i);
		cr_assert_eq(ski_segment_at(segment, i), (uintptr_t)frame);
	}
	free_segment(segment);
}

Test(forkstack, word)
{
	static const uint32_t some[] = { 0, 1, 59, 1020, UINT32_MAX };

	for (size_t i = 0; i < COUNT_OF(some); i++)
		for (size_t j = 0; j < COUNT_OF(some); j++) {
			uint64_t word = ski_word(some[i], some[j]);

			cr_expect_eq(ski_word_top(word), some[i]);
			cr_expect_eq(ski_word_split(word), some[j]);
		}
}

/* New, or after anything: empty, and the first fork looks for the idle. */
Test(forkstack, reset)
{
	struct ski_segment *segment = new_segment();

	for (int round = 0; round < 2; round++) {
		cr_expect(is_state(segment, 0, 0, HUNGRY));
		cr_expect(ski_segment_hungry(segment));
		cr_expect_not(ski_segment_ready(segment));
		cr_expect_eq(ski_segment_split(segment), 0);
		cr_expect_null(steal(segment, false));
		set_state(segment, 5, 7, POISONED);
		ski_segment_reset(segment);
	}
	free_segment(segment);
}

Test(forkstack, ask_and_listen)
{
	struct ski_segment *segment = new_segment();

	for (unsigned wish = 0; wish < WISHES; wish++) {
		set_state(segment, 3, 7, wish);
		cr_expect_eq(ski_segment_hungry(segment), wish & HUNGRY);
		cr_expect(ski_segment_ready(segment));
		ski_segment_listen(segment);
		cr_expect(is_state(segment, 3, 7, wish | HUNGRY));
		set_state(segment, 7, 7, wish);
		cr_expect_not(ski_segment_ready(segment));
		ski_segment_ask(segment);
		cr_expect(is_state(segment, 7, 7, HUNGRY | POISONED));
	}
	free_segment(segment);
}

/* The oldest first, to the last one; then who asks is heard. */
Test(forkstack, steal)
{
	struct ski_segment *segment = new_segment();

	for (uint32_t split = 0; split <= FRAMES; split++)
		for (unsigned wish = 0; wish < WISHES; wish++) {
			uint32_t top = split < 9 ? 0 : split - 9;

			set_state(segment, top, split, wish);
			for (; top < split; top++) {
				cr_assert_eq(steal(segment, true),
					     &segment->frame[top]);
				cr_assert(is_state(segment, top + 1, split,
						   wish));
			}
			cr_assert_null(steal(segment, false));
			cr_assert(is_state(segment, split, split, wish));
			cr_assert_null(steal(segment, true));
			cr_assert(is_state(segment, split, split,
					   HUNGRY | POISONED));
		}
	free_segment(segment);
}

/* The older half of the private frames, rounded up for somebody hungry; all at
 * the end of the segment. */
static void fork_in(struct ski_segment *segment, uint32_t top, uint32_t split,
		    uint32_t here, unsigned wish)
{
	uint32_t count = here - split, exposed;

	if (here < FRAMES)
		count = wish & HUNGRY ? count - count / 2 : count / 2;
	set_state(segment, top, split, wish);
	exposed = ski_forkstack_fork(segment, here);
	cr_assert_eq(exposed, count);
	/* Poison stays if there was nothing to make public. */
	cr_assert(is_state(segment, top, split + count,
			   count ? 0 : wish & POISONED),
		  "split %u, here %u, wish %u", split, here, wish);
}

Test(forkstack, fork)
{
	struct ski_segment *segment = new_segment();

	for (uint32_t split = 0; split < FRAMES; split++)
		for (uint32_t n = 1; n <= 4 * KEEP; n++) {
			/* Up to what is left, and that itself. */
			uint32_t left = FRAMES - split;
			uint32_t here = split + (n < left ? n : left);

			for (unsigned wish = 0; wish < WISHES; wish++) {
				fork_in(segment, 0, split, here, wish);
				fork_in(segment, split, split, here, wish);
				fork_in(segment, split, split, FRAMES, wish);
			}
		}
	free_segment(segment);
}

/* Public frames come back, as many as KEEP / 2, one only if others want some,
 * whom the next fork will hear; none if all were stolen. */
static void join_public(struct ski_segment *segment, uint32_t top,
			uint32_t split, unsigned wish)
{
	uint32_t count = split - top;
	enum ski_join how;

	if (count > KEEP / 2)
		count = KEEP / 2;
	if (count && wish)
		count = 1;
	set_state(segment, top, split, wish);
	how = ski_forkstack_join(segment, split - 1);
	if (count) {
		cr_assert_eq(how, SKI_JOIN_MINE);
		cr_assert(is_state(segment, top, split - count,
				   wish ? HUNGRY : 0),
			  "top %u, split %u, wish %u", top, split, wish);
	} else {
		cr_assert_eq(how, SKI_JOIN_STOLEN);
		cr_assert(is_state(segment, top, split, wish));
	}
}

Test(forkstack, join_of_a_public_frame)
{
	struct ski_segment *segment = new_segment();

	for (uint32_t split = 1; split <= FRAMES; split++)
		for (uint32_t top = split < 3 * KEEP ? 0 : split - 3 * KEEP;
		     top <= split; top++)
			for (unsigned wish = 0; wish < WISHES; wish++)
				join_public(segment, top, split, wish);
	free_segment(segment);
}

/* Poison sends joins of private frames here: all older become public. */
Test(forkstack, join_of_a_private_frame)
{
	struct ski_segment *segment = new_segment();

	for (uint32_t split = 0; split < FRAMES; split++)
		for (uint32_t i = split; i < split + 3 * KEEP && i < FRAMES;
		     i++)
			for (unsigned hungry = 0; hungry < 2; hungry++) {
				uintptr_t limit;

				set_state(segment, split / 2, split,
					  POISONED | hungry);
				limit = limit_of(segment);
				cr_assert_eq(ski_forkstack_join(segment, i),
					     SKI_JOIN_EXPOSED);
				cr_assert_eq(word_of(segment),
					     ski_word(split / 2, i));
				cr_assert_eq(split_hint(segment),
					     ski_segment_at(segment, i));
				cr_assert_eq(limit_of(segment), limit);
			}
	free_segment(segment);
}

Test(forkstack, rebase)
{
	struct ski_segment *segment = new_segment();

	for (uint32_t i = 0; i < FRAMES; i++)
		for (unsigned wish = 0; wish < WISHES; wish++) {
			struct skua_frame *frame = &segment->frame[i];

			set_state(segment, i + 1, i + 1, wish);
			cr_assert_null(ski_frame_finish(frame));
			ski_forkstack_rebase(segment, i);
			cr_assert(is_state(segment, i, i, HUNGRY));
			cr_assert(is_free(frame));
		}
	free_segment(segment);
}

static void run_nothing(skua_here here, struct skua_job *job)
{
	(void)here;
	(void)job;
}

/* As if @count frames were forked. */
static void set_forked(struct ski_segment *segment, uint32_t count)
{
	for (uint32_t i = 0; i < FRAMES; i++)
		segment->frame[i].job.run = i < count ? run_nothing : NULL;
}

/* All up to the first free frame, or to the end of the segment. */
Test(forkstack, expose_all)
{
	static const uint32_t counts[] = { 0,	     1,		 2,	KEEP,
					   3 * KEEP, FRAMES - 1, FRAMES };
	struct ski_segment *segment = new_segment();

	for (size_t i = 0; i < COUNT_OF(counts); i++) {
		uint32_t count = counts[i];

		set_forked(segment, count);
		for (uint32_t split = 0; split <= count; split++) {
			uintptr_t limit;

			set_state(segment, split / 2, split, 0);
			limit = limit_of(segment);
			cr_assert_eq(ski_forkstack_expose_all(segment),
				     count - split);
			cr_assert_eq(word_of(segment),
				     ski_word(split / 2, count));
			cr_assert_eq(split_hint(segment),
				     ski_segment_at(segment, count));
			cr_assert_eq(limit_of(segment), limit);
		}
	}
	free_segment(segment);
}

static _Alignas(4) uint32_t somebody;

Test(forkstack, frame_done_before_anybody_waits)
{
	struct ski_segment *thief = new_segment();
	struct skua_frame frame = { .job.state = SKUA_FRAME_PENDING };

	cr_expect_eq(ski_frame_state(&frame), SKUA_FRAME_PENDING);
	ski_frame_name_thief(&frame, thief);
	cr_expect_eq(ski_frame_state(&frame), (uint64_t)(uintptr_t)thief);
	cr_expect_null(ski_frame_finish(&frame));
	cr_expect_eq(ski_frame_state(&frame), SKUA_FRAME_DONE);
	cr_expect_not(ski_frame_wait(&frame, &somebody));
	cr_expect_eq(ski_frame_state(&frame), SKUA_FRAME_DONE);
	free_segment(thief);
}

Test(forkstack, frame_with_a_waiter)
{
	struct ski_segment *thief = new_segment();
	uint64_t waiting = (uint64_t)(uintptr_t)&somebody | SKI_FRAME_WAITER;

	for (int named_first = 0; named_first < 2; named_first++) {
		struct skua_frame frame = { .job.state = SKUA_FRAME_PENDING };

		if (named_first)
			ski_frame_name_thief(&frame, thief);
		cr_expect(ski_frame_wait(&frame, &somebody));
		cr_expect_eq(ski_frame_state(&frame), waiting);
		/* The waiter is not lost to a name that comes late. */
		ski_frame_name_thief(&frame, thief);
		cr_expect_eq(ski_frame_state(&frame), waiting);
		cr_expect_eq(ski_frame_finish(&frame), &somebody);
		cr_expect_eq(ski_frame_state(&frame), SKUA_FRAME_DONE);
	}
	free_segment(thief);
}

Test(forkstack, proxy)
{
	struct ski_segment *segment = new_segment();

	for (int round = 0; round < 2; round++) {
		cr_expect(ski_proxy_offer(segment));
		cr_expect_not(ski_proxy_offer(segment));
		cr_expect_not(ski_proxy_offer(segment));
		ski_proxy_popped(segment);
	}
	cr_expect(ski_proxy_offer(segment));
	/* A queued proxy survives the reuse of its segment. */
	ski_segment_reset(segment);
	cr_expect_not(ski_proxy_offer(segment));
	free_segment(segment);
}

/* ---- the slow paths, of one segment ---- */

static atomic_uint slow_forks, exposures, stolen_joins;

/* What an owner does until @frame, which was stolen, is done. */
static void (*wait_for)(struct skua_frame *frame);

static void add(atomic_uint *count, unsigned n)
{
	atomic_fetch_add_explicit(count, n, memory_order_relaxed);
}

skua_here skua_fork_slow_1(skua_here here)
{
	struct ski_segment *segment = ski_segment_of(here - 1);
	uint32_t i = ski_segment_index(segment, here);

	add(&slow_forks, 1);
	CHECK(i <= FRAMES);
	add(&exposures, ski_forkstack_fork(segment, i));
	return here;
}

uintptr_t skua_join_slow_1(skua_here here)
{
	struct ski_segment *segment = ski_segment_of(here - 1);
	struct skua_frame *frame = here - 1;
	uint32_t i = ski_segment_index(segment, frame);

	if (ski_forkstack_join(segment, i) != SKI_JOIN_STOLEN)
		return (uintptr_t)frame | 1;
	add(&stolen_joins, 1);
	wait_for(frame);
	ski_forkstack_rebase(segment, i);
	return (uintptr_t)frame;
}

/* ---- owner and thief in turns ---- */

/* The frames of the owner, [0, here), and which of them a thief has. */
static struct {
	struct ski_segment *segment;
	skua_here here;
	uint32_t stolen; /* frames [0, stolen) */
	bool asked; /* and nothing came of it yet */
	bool done[FRAMES];
	uint64_t id[FRAMES], last_id;
} model;

static uint32_t model_depth(void)
{
	return ski_segment_index(model.segment, model.here);
}

/* What must hold between any two operations. */
static void check_model(void)
{
	struct ski_segment *segment = model.segment;
	uint64_t word = word_of(segment);
	uint32_t split = ski_word_split(word);
	uintptr_t limit = limit_of(segment);

	cr_assert_leq(model.stolen, ski_word_top(word));
	cr_assert_eq(ski_word_top(word), model.stolen);
	cr_assert_leq(model.stolen, split);
	cr_assert_leq(split, model_depth());
	cr_assert(limit == ski_segment_base(segment) ||
		  limit == limit_at(segment, split));
	cr_assert(split_hint(segment) == SKI_POISON ||
		  split_hint(segment) == ski_segment_at(segment, split));
	/* A request is heard at the next fork, whatever came between. */
	if (model.stolen < split)
		model.asked = false;
	cr_assert(!model.asked || ski_segment_hungry(segment));
	for (uint32_t i = 0; i < FRAMES; i++)
		cr_assert(is_free(&segment->frame[i]) == (i >= model_depth()));
}

static void model_fork(void)
{
	uint32_t i = model_depth();
	bool asked = model.asked;

	if (i == FRAMES)
		return;
	model.id[i] = model.here->data[0] = ++model.last_id;
	model.done[i] = false;
	model.here = skua_fork(model.here, run_nothing);
	cr_assert_eq(model_depth(), i + 1);
	if (asked || i + 1 == FRAMES)
		cr_assert_gt(ski_segment_split(model.segment), model.stolen);
}

static void model_finish(uint32_t i)
{
	struct skua_frame *frame = &model.segment->frame[i];

	if (model.done[i])
		return;
	cr_assert_eq(frame->data[0], model.id[i]);
	frame->data[0] = ~model.id[i];
	model.done[i] = true;
	cr_assert_null(ski_frame_finish(frame));
}

/* Called from the slow path. */
static void model_wait(struct skua_frame *frame)
{
	model_finish(ski_segment_index(model.segment, frame));
}

static void model_join(void)
{
	uint32_t depth = model_depth();
	uint32_t i = depth - 1;
	uint32_t split = ski_segment_split(model.segment);
	bool poisoned = split_hint(model.segment) == SKI_POISON;
	bool was_stolen = i < model.stolen;
	uintptr_t taken;

	if (!depth)
		return;
	taken = skua_take(model.here, run_nothing);
	model.here = (skua_here)(taken & ~(uintptr_t)1);
	cr_assert_eq(model_depth(), i);
	cr_assert_eq(taken & 1, !was_stolen);
	cr_assert_eq(model.here->data[0],
		     was_stolen ? ~model.id[i] : model.id[i]);
	if (was_stolen)
		model.stolen = i;
	else if (poisoned && i > split)
		cr_assert_eq(ski_segment_split(model.segment), i);
}

static void model_steal(bool ask)
{
	bool is_public = model.stolen < ski_segment_split(model.segment);
	struct skua_frame *frame = steal(model.segment, ask);

	if (!is_public) {
		cr_assert_null(frame);
		model.asked |= ask;
		return;
	}
	cr_assert_eq(frame, &model.segment->frame[model.stolen]);
	cr_assert_eq(frame->data[0], model.id[model.stolen]);
	ski_frame_name_thief(frame, model.segment);
	model.stolen++;
}

static void model_step(unsigned what, uint64_t *random)
{
	if (what < 4)
		model_fork();
	else if (what < 7)
		model_join();
	else if (what < 9)
		model_steal(what == 7);
	else if (model.stolen)
		model_finish(random_below(random, model.stolen));
}

/* Forks and joins in waves between the ends of the segment, and steals in
 * between, rarely and often. */
Test(forkstack, owner_and_thief_in_turns)
{
	uint64_t random = random_stream(0);
	unsigned deep = 0;

	model.segment = new_segment();
	model.here = model.segment->frame;
	wait_for = model_wait;
	for (unsigned step = 0; step < SCALED(200000); step++) {
		unsigned what = random_below(&random, 10);
		bool up = step / (3 * FRAMES) % 2;

		if (what >= 7 && step / 700 % 3 == 0)
			what = random_below(&random, 10);
		if (random_below(&random, 2))
			what = up ? 0 : 4;
		model_step(what, &random);
		deep += model_depth() == FRAMES;
		check_model();
	}
	while (model_depth())
		model_join();
	cr_expect_eq(word_of(model.segment), 0);
	/* It did come to the end, and each way was gone. */
	cr_expect_gt(deep, 0);
	cr_expect_gt(exposures, 0);
	cr_expect_gt(stolen_joins, 0);
	free_segment(model.segment);
}

/* With nobody there only one in many forks and joins goes the slow way. */
Test(forkstack, alone)
{
	struct ski_segment *segment = new_segment();
	skua_here here = segment->frame;

	for (uint32_t i = 0; i < FRAMES; i++) {
		here->data[0] = i;
		here = skua_fork(here, run_nothing);
	}
	cr_expect_eq(here, &segment->frame[FRAMES]);
	cr_expect_leq(slow_forks, 2 + 2 * FRAMES / KEEP);
	for (uint32_t i = FRAMES; i-- > 0;) {
		uintptr_t taken = skua_take(here, run_nothing);

		cr_assert_eq(taken, (uintptr_t)&segment->frame[i] | 1);
		here = (skua_here)(taken & ~(uintptr_t)1);
		cr_assert_eq(here->data[0], i);
	}
	cr_expect_eq(word_of(segment), 0);
	cr_expect_eq(stolen_joins, 0);
	free_segment(segment);
}

/* ---- threads that steal from each other ---- */

enum {
	WORKERS_MOST = 8
};

static struct worker {
	_Alignas(SKI_LINE) struct ski_segment *segment;
	atomic_uint *fiber; /* a thing of its own that the segment names */
	uint64_t random;
} workers[WORKERS_MOST];

static unsigned worker_count;
static atomic_bool over;
static atomic_uint won, finished, waits, again_count;

/* One who waits for a frame sleeps on this. */
struct waiter {
	_Alignas(8) _Atomic uint32_t told;
};

static void finish(struct skua_frame *frame)
{
	struct waiter *waiter = ski_frame_finish(frame);

	add(&finished, 1);
	if (!waiter)
		return;
	/* Release: the result, once more. The last touch: after that it is
	 * only an address. */
	atomic_store_explicit(&waiter->told, 1, memory_order_release);
	ski_futex_wake(&waiter->told, 1);
}

static bool is_a_segment(uint64_t state)
{
	for (unsigned i = 0; i < worker_count; i++)
		if (state == (uint64_t)(uintptr_t)workers[i].segment)
			return true;
	return false;
}

static void sleep_until_done(struct skua_frame *frame)
{
	struct waiter waiter = { 0 };

	if (!ski_frame_wait(frame, &waiter))
		return;
	add(&waits, 1);
	while (!atomic_load_explicit(&waiter.told, memory_order_acquire))
		ski_futex_wait(&waiter.told, 0, -1);
	CHECK(ski_frame_state(frame) == SKUA_FRAME_DONE);
}

/* Look for a while at who has it, then sleep. */
static void wait_for_thief(struct skua_frame *frame)
{
	for (int looks = 0; looks < 5; looks++) {
		uint64_t state = ski_frame_state(frame);

		if (state == SKUA_FRAME_DONE)
			return;
		if (state == SKUA_FRAME_PENDING) {
			sched_yield();
			continue;
		}
		CHECK(is_a_segment(state));
		/* Plain: published with the name. */
		CHECK(ski_segment_fiber(
			(struct ski_segment *)(uintptr_t)state));
	}
	sleep_until_done(frame);
}

static bool steal_and_run(struct worker *self, struct ski_segment *victim,
			  bool ask)
{
	struct skua_frame *frame;
	bool again = false;

	if (victim == self->segment)
		return false;
	frame = ski_forkstack_steal(victim, ask, &again);
	add(&again_count, again);
	CHECK(!again || !frame);
	if (!frame)
		return again;
	add(&won, 1);
	ski_frame_name_thief(frame, self->segment);
	frame->job.run(self->segment->frame, &frame->job);
	finish(frame);
	return true;
}

static void thieve(struct worker *self)
{
	unsigned vain = 0;

	while (!atomic_load_explicit(&over, memory_order_acquire)) {
		unsigned victim = random_below(&self->random, worker_count);

		if (steal_and_run(self, workers[victim].segment,
				  random_below(&self->random, 4) == 0))
			vain = 0;
		else if (++vain > 3)
			sched_yield();
	}
}

static void open_workers(unsigned count)
{
	static atomic_uint fiber;

	worker_count = count;
	wait_for = wait_for_thief;
	atomic_store_explicit(&over, false, memory_order_relaxed);
	atomic_store_explicit(&won, 0, memory_order_relaxed);
	atomic_store_explicit(&finished, 0, memory_order_relaxed);
	atomic_store_explicit(&stolen_joins, 0, memory_order_relaxed);
	for (unsigned i = 0; i < count; i++) {
		workers[i].segment = new_segment();
		ski_segment_give(workers[i].segment, &fiber);
		workers[i].random = random_stream(i);
	}
}

/* All joined: nothing is left in any segment. */
static void close_workers(void)
{
	cr_assert_eq(finished, won);
	cr_assert_eq(stolen_joins, won);
	for (unsigned i = 0; i < worker_count; i++) {
		struct ski_segment *segment = workers[i].segment;

		cr_assert_eq(word_of(segment), 0);
		for (uint32_t n = 0; n < FRAMES; n++)
			cr_assert(is_free(&segment->frame[n]));
		free_segment(segment);
	}
}

enum {
	JOBS = SCALED(200000),
	YIELDS = 300, /* on average so many jobs from one to the next */
};

static atomic_uint had[JOBS];
static unsigned rounds;

static void have(skua_here here, struct skua_job *job)
{
	struct skua_frame *frame = (struct skua_frame *)(void *)job;

	(void)here;
	CHECK(frame->data[0] < JOBS);
	CHECK(frame->data[1] == ~frame->data[0]);
	add(&had[frame->data[0]], 1);
	frame->data[2] = frame->data[0] * 7;
}

/* Forks and joins up and down, as a task and its children would. */
static void fork_and_join(struct worker *self)
{
	struct ski_segment *segment = self->segment;
	skua_here here = segment->frame;
	uint64_t next = 0;

	while (next < JOBS || here != segment->frame) {
		uint32_t most = 1 + random_below(&self->random, FRAMES);
		unsigned down = random_below(&self->random, FRAMES);

		while (next < JOBS && ski_segment_index(segment, here) < most) {
			here->data[0] = next;
			here->data[1] = ~next++;
			here = skua_fork(here, have);
			if (random_below(&self->random, YIELDS) == 0)
				sched_yield();
		}
		while (here != segment->frame && (down-- || next == JOBS)) {
			uintptr_t taken = skua_take(here, have);

			here = (skua_here)(taken & ~(uintptr_t)1);
			if (taken & 1)
				have(here, &here->job);
			CHECK(here->data[2] == here->data[0] * 7);
		}
	}
}

/* Until somebody has stolen, however late the thieves are. */
static void fork_until_stolen(void)
{
	do {
		fork_and_join(&workers[0]);
		rounds++;
	} while (!atomic_load_explicit(&won, memory_order_relaxed));
	atomic_store_explicit(&over, true, memory_order_release);
}

static void fork_or_thieve(unsigned self)
{
	if (self == 0)
		fork_until_stolen();
	else
		thieve(&workers[self]);
}

Test(forkstack, each_frame_is_won_once)
{
	for (unsigned n = 2; n <= WORKERS_MOST; n *= 2) {
		memset(had, 0, sizeof(had));
		rounds = 0;
		open_workers(n);
		crew_run(n, fork_or_thieve);
		for (size_t i = 0; i < JOBS; i++)
			cr_assert_eq(had[i], rounds,
				     "frame %zu, SKUA_TEST_SEED=%#" PRIx64, i,
				     test_seed());
		close_workers();
	}
}

/* ---- tasks ---- */

enum {
	FIB_N = SKI_ASAN || SKI_TSAN ? 20 : 25,
	ROUNDS = 20,
};

static const long fib_known[] = {
	[20] = 6765,
	[25] = 75025,
};

/* Plain recursion on the fork stacks: each value is what it must be. */
SKUA_TASK(long, fib, int, n)
{
	long right;

	if (n < 2)
		return n;
	fib_fork(&here, n - 1);
	if (n == FIB_N / 2) /* on one core thieves run now or never */
		sched_yield();
	right = fib(here, n - 2);
	return fib_join(&here) + right;
}

static void fib_or_thieve(unsigned self)
{
	if (self) {
		thieve(&workers[self]);
		return;
	}
	do {
		CHECK(fib(workers[0].segment->frame, FIB_N) ==
		      fib_known[FIB_N]);
		sched_yield();
	} while (++rounds < ROUNDS ||
		 (!atomic_load_explicit(&won, memory_order_relaxed) &&
		  worker_count > 1));
	atomic_store_explicit(&over, true, memory_order_release);
}

Test(forkstack, tasks_are_stolen_from_thieves_too)
{
	for (unsigned n = 1; n <= WORKERS_MOST; n *= 2) {
		rounds = 0;
		open_workers(n);
		crew_run(n, fib_or_thieve);
		close_workers();
	}
}

/* ---- proxies ---- */

enum {
	POPPERS = 3,
	SPELLS = SCALED(4000),
};

/* A deque of proxies that has room for one, which is as many as there are. */
static atomic_uint proxies;
static atomic_uint pops;

static void push_proxy(struct ski_segment *segment)
{
	if (ski_proxy_offer(segment))
		CHECK(!atomic_exchange_explicit(&proxies, 1,
						memory_order_release));
}

/* As lib/sched/run.c: pop, win one, push again if there are more, run it. */
static void pop_proxy(struct ski_segment *segment)
{
	struct skua_frame *frame;
	bool again;

	if (!atomic_exchange_explicit(&proxies, 0, memory_order_acquire)) {
		sched_yield();
		return;
	}
	add(&pops, 1);
	ski_proxy_popped(segment);
	do {
		again = false;
		frame = ski_forkstack_steal(segment, false, &again);
	} while (again);
	if (!frame)
		return;
	add(&won, 1);
	if (ski_segment_ready(segment))
		push_proxy(segment);
	ski_frame_name_thief(frame, segment);
	frame->job.run(segment->frame, &frame->job);
	finish(frame);
}

/* Some frames, then what a wait does: all are public, and one proxy stands for
 * them. They are only waited for: what is out of reach is a hang. */
static void expose_and_wait(struct worker *self, uint64_t *next)
{
	struct ski_segment *segment = self->segment;
	uint32_t count = 1 + random_below(&self->random, 3 * KEEP);
	skua_here here = segment->frame;

	for (uint32_t i = 0; i < count; i++) {
		here->data[0] = *next % JOBS;
		here->data[1] = ~here->data[0];
		++*next;
		here = skua_fork(here, have);
		if (random_below(&self->random, 4) == 0 &&
		    ski_segment_ready(segment))
			push_proxy(segment);
	}
	if (ski_forkstack_expose_all(segment) || ski_segment_ready(segment))
		push_proxy(segment);
	for (uint32_t i = 0; i < count; i++)
		sleep_until_done(&segment->frame[i]);
	while (here != segment->frame)
		here = (skua_here)skua_take(here, have);
	CHECK(word_of(segment) == 0);
}

static void expose_or_pop(unsigned self)
{
	uint64_t next = 0;

	if (self) {
		while (!atomic_load_explicit(&over, memory_order_acquire))
			pop_proxy(workers[0].segment);
		return;
	}
	for (int i = 0; i < SPELLS; i++)
		expose_and_wait(&workers[0], &next);
	for (uint64_t i = 0; i < JOBS; i++)
		CHECK(had[i] == next / JOBS + (i < next % JOBS));
	CHECK(won == next);
	atomic_store_explicit(&over, true, memory_order_release);
}

Test(forkstack, a_proxy_leaves_nothing_behind)
{
	open_workers(1);
	crew_run(1 + POPPERS, expose_or_pop);
	cr_expect_gt(pops, 0);
	cr_expect_leq(atomic_load(&proxies), 1);
	close_workers();
}
