/* SPDX-License-Identifier: MIT */
/*
 * Owner and thief of one segment in turns, against a plain model of it: which
 * frames there are, which are stolen, and what was asked for.
 */
#include "one_segment.h"

TestSuite(forkstack_turns, .timeout = LIMIT);

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
Test(forkstack_turns, owner_and_thief_in_turns)
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
Test(forkstack_turns, alone)
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
