/* SPDX-License-Identifier: MIT */
/*
 * The fork stack, each operation alone: in every state of a small part or of
 * all of a segment. In turns and in threads: see forkstack/.
 */
#include "forkstack/one_segment.h"

TestSuite(forkstack, .timeout = LIMIT);

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

/* All that is private; nothing changes where nothing is. */
static void show_in(struct ski_segment *segment, uint32_t top, uint32_t split,
		    uint32_t here, unsigned wish)
{
	uint32_t count = here - split;

	set_state(segment, top, split, wish);
	cr_assert_eq(ski_forkstack_show(segment, here), count);
	cr_assert(is_state(segment, top, here, count ? 0 : wish),
		  "split %u, here %u, wish %u", split, here, wish);
}

Test(forkstack, show)
{
	struct ski_segment *segment = new_segment();

	for (uint32_t split = 0; split <= FRAMES; split++)
		for (uint32_t n = 0; n <= 4 * KEEP; n++) {
			uint32_t left = FRAMES - split;
			uint32_t here = split + (n < left ? n : left);

			for (unsigned wish = 0; wish < WISHES; wish++) {
				show_in(segment, 0, split, here, wish);
				show_in(segment, split, split, here, wish);
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
