/* SPDX-License-Identifier: MIT */
/*
 * Pipelines: tokens that carry items through a ring of stages, in the tasks of a
 * group. Called by programs only. Protocol: docs/design/pipeline.md.
 */
#include <stdlib.h>

#include <skua/group.h>
#include <skua/pipeline.h>

#include "handover.h"

/* Tokens for each worker, and more, if not given. */
enum {
	TOKENS_A_WORKER = 2,
	TOKENS_MORE = 2
};

/* By a task, before its worker looks for other work. */
enum {
	CARRIED_MOST = 64
};

/* Apart, so that those in one stage do not disturb those in the next. */
enum {
	LINE = 128
};

enum door {
	OPEN,
	GATE,
	TURNS
};

struct stage {
	_Alignas(LINE) struct skua_stage is; /* I */
	struct ski_gate gate; /* of a serial one, and of the first */
	struct ski_turns turns; /* of one in order but the first */
};

struct token {
	struct ski_token link; /* first: the one is the other */
	struct pipeline *pipeline; /* I */
	bool full; /* has an item */
};

struct pipeline {
	/* I. */
	struct skua_group group;
	size_t count;
	size_t tokens;
	struct stage *stage;
	struct token *token;
	/* Who is in the first stage: items made. */
	uint64_t made;
	_Alignas(LINE) struct ski_ready ready;
};

static struct token *token_of(struct ski_token *link)
{
	return (struct token *)(void *)link;
}

/* ---- in and out of stages ---- */

/* How the stage that a token is on its way to is entered and left. */
static enum door door_of(const struct token *token)
{
	size_t at = token->link.stage;
	enum skua_stage_mode mode = token->pipeline->stage[at].is.mode;

	if (!at)
		return GATE;
	if (mode == SKUA_STAGE_IN_ORDER)
		return TURNS;
	/* Without an item it has nothing to do there. */
	return mode == SKUA_STAGE_SERIAL && token->full ? GATE : OPEN;
}

/* True: in the stage. False: the token was left there. */
static bool enter(struct token *token)
{
	struct stage *stage = &token->pipeline->stage[token->link.stage];

	switch (door_of(token)) {
	case GATE:
		return ski_gate_enter(&stage->gate, &token->link);
	case TURNS:
		return ski_turns_enter(&stage->turns, &token->link);
	default:
		return true;
	}
}

static struct ski_token *leave(struct stage *stage, enum door door,
			       uint64_t number)
{
	switch (door) {
	case GATE:
		return ski_gate_leave(&stage->gate);
	case TURNS:
		return ski_turns_leave(&stage->turns, number);
	default:
		return NULL;
	}
}

/* ---- in a stage ---- */

/* A task that carries tokens. */
struct carrier {
	skua_here here;
	SKUA_ATOMIC(int) * code; /* where skua_fail() tells */
};

static void go_on(struct token *token)
{
	if (++token->link.stage == token->pipeline->count)
		token->link.stage = 0;
}

static bool has_failed(const struct carrier *carrier)
{
	/* Relaxed: this task's own. */
	return carrier->code &&
	       atomic_load_explicit(carrier->code, memory_order_relaxed) != 0;
}

/* With a token that has an item, or is to get one. *@end: the token goes no
 * further, and nobody enters this stage again. */
static int call_stage(const struct carrier *carrier, struct token *token,
		      bool *end)
{
	struct pipeline *pipeline = token->pipeline;
	size_t at = token->link.stage;
	const struct skua_stage *is = &pipeline->stage[at].is;
	int error = is->run(carrier->here, &token->link.item, is->context);

	token->full = false;
	if (!error) {
		if (!at)
			token->link.number = pipeline->made++;
		go_on(token);
		token->full = token->link.stage != 0;
	} else if (error == SKUA_ENONE) {
		*end = !at;
		error = 0;
		if (at)
			go_on(token);
	}
	if (has_failed(carrier))
		error = SKUA_EFAILED;
	*end |= error != 0;
	return error;
}

/* In a stage, with what has come there. */
static int work(const struct carrier *carrier, struct token *token, bool *end)
{
	*end = skua_cancelled(carrier->here);
	if (*end)
		return SKUA_ECANCELLED;
	if (!token->link.stage) {
		token->link.item = NULL;
	} else if (!token->full) {
		go_on(token);
		return 0;
	}
	return call_stage(carrier, token, end);
}

/* ---- tasks ---- */

static int carry_all(skua_here here, void *pipeline);

static int call(struct pipeline *pipeline)
{
	return skua_group_run(&pipeline->group, carry_all, pipeline);
}

/* Tokens that are in their stages, from @first to @last: for whoever comes. If
 * nobody can be called, the caller looks for them itself. */
static void offer(struct pipeline *pipeline, struct ski_token *first,
		  struct ski_token *last)
{
	if (ski_ready_put(&pipeline->ready, first, last) && call(pipeline))
		ski_ready_come(&pipeline->ready);
}

/* One that is in its stage, or NULL. There are no more than serial stages: in
 * each of them is one at most. */
static struct token *next_token(struct pipeline *pipeline)
{
	struct ski_token *token = ski_ready_take(&pipeline->ready);
	struct ski_token *last;

	if (token && token->next) {
		for (last = token->next; last->next; last = last->next)
			;
		offer(pipeline, token->next, last);
	}
	return token_of(token);
}

/* A token that is in its stage, as far as it goes. */
static int carry(const struct carrier *carrier, struct token *token)
{
	struct pipeline *pipeline = token->pipeline;

	do {
		struct stage *stage = &pipeline->stage[token->link.stage];
		enum door door = door_of(token);
		bool end;
		int error = work(carrier, token, &end);
		struct ski_token *next;

		if (end)
			return error;
		next = leave(stage, door, token->link.number);
		if (next)
			offer(pipeline, next, next);
	} while (enter(token));
	return 0;
}

/* There is more to do on this worker than this: true if another carrier comes
 * for what is left. */
static bool give_way(struct pipeline *pipeline)
{
	if (!ski_ready_must_call(&pipeline->ready) || !call(pipeline))
		return true;
	ski_ready_come(&pipeline->ready);
	return false;
}

/* The first error is the group's, which is cancelled by it. */
static int carry_all(skua_here here, void *context)
{
	struct pipeline *pipeline = context;
	struct carrier carrier = { here, skua_task_code_1() };
	struct token *token;
	unsigned carried = 0;
	int error = 0;

	ski_ready_come(&pipeline->ready);
	while (!error && (token = next_token(pipeline))) {
		error = carry(&carrier, token);
		if (++carried >= CARRIED_MOST && !error && give_way(pipeline))
			break;
	}
	return error;
}

/* ---- from beginning to end ---- */

static void free_all(struct pipeline *pipeline)
{
	for (size_t i = 0; pipeline->stage && i < pipeline->count; i++)
		free(pipeline->stage[i].turns.place);
	free(pipeline->stage);
	free(pipeline->token);
}

static int add_turns(struct ski_turns *turns, size_t tokens)
{
	size_t places = 1;

	while (places < tokens)
		places *= 2;
	turns->place = calloc(places, sizeof(turns->place[0]));
	if (!turns->place)
		return SKUA_ENOMEM;
	turns->mask = places - 1;
	atomic_init(&turns->place[0], ski_turns_turn());
	return 0;
}

static int add_stages(struct pipeline *pipeline,
		      const struct skua_stage stages[])
{
	size_t count = pipeline->count;

	if (count > PTRDIFF_MAX / sizeof(struct stage))
		return SKUA_ENOMEM;
	pipeline->stage = aligned_alloc(LINE, count * sizeof(struct stage));
	if (!pipeline->stage)
		return SKUA_ENOMEM;
	for (size_t i = 0; i < count; i++)
		pipeline->stage[i] = (struct stage){ .is = stages[i] };
	for (size_t i = 1; i < count; i++)
		if (stages[i].mode == SKUA_STAGE_IN_ORDER &&
		    add_turns(&pipeline->stage[i].turns, pipeline->tokens))
			return SKUA_ENOMEM;
	return 0;
}

/* All stand at the first stage, the first of them inside, to be carried by the
 * task that is called next. */
static int add_tokens(struct pipeline *pipeline)
{
	struct ski_gate *gate = &pipeline->stage[0].gate;
	size_t tokens = pipeline->tokens;

	pipeline->token = calloc(tokens, sizeof(pipeline->token[0]));
	if (!pipeline->token)
		return SKUA_ENOMEM;
	for (size_t i = tokens; i-- > 0;) {
		struct token *token = &pipeline->token[i];

		token->pipeline = pipeline;
		if (!i)
			break;
		token->link.next = gate->line;
		gate->line = &token->link;
	}
	atomic_init(&gate->word, ski_gate_taken());
	atomic_init(&pipeline->ready.list, &pipeline->token[0].link);
	atomic_init(&pipeline->ready.called, true);
	return 0;
}

static bool is_wrong(const struct skua_stage stages[], size_t count)
{
	if (!stages || !count || stages[0].mode == SKUA_STAGE_PARALLEL)
		return true;
	for (size_t i = 0; i < count; i++)
		if (!stages[i].run ||
		    (unsigned)stages[i].mode > (unsigned)SKUA_STAGE_IN_ORDER)
			return true;
	return false;
}

/* Nothing runs any more. */
static void drop_all(struct pipeline *pipeline)
{
	for (size_t i = 0; i < pipeline->tokens; i++) {
		struct token *token = &pipeline->token[i];
		struct skua_stage *is = &pipeline->stage[token->link.stage].is;

		if (token->full && is->drop)
			is->drop(token->link.item, is->context);
	}
}

static int run(struct pipeline *pipeline)
{
	int error = call(pipeline);

	if (!error) {
		error = skua_group_wait(&pipeline->group, SKUA_FOREVER);
		drop_all(pipeline);
	}
	return error;
}

int skua_pipeline(struct skua_pool *pool, const struct skua_stage stages[],
		  size_t count, size_t tokens)
{
	struct pipeline pipeline = { .count = count, .tokens = tokens };
	int error;

	if (!pool || is_wrong(stages, count))
		return SKUA_EINVAL;
	if (!tokens)
		pipeline.tokens =
			TOKENS_A_WORKER * (size_t)skua_pool_workers(pool) +
			TOKENS_MORE;
	if (pipeline.tokens > PTRDIFF_MAX / sizeof(struct token))
		return SKUA_ENOMEM;
	error = add_stages(&pipeline, stages);
	if (!error)
		error = add_tokens(&pipeline);
	if (!error)
		error = skua_group_init(&pipeline.group, pool);
	if (!error) {
		error = run(&pipeline);
		skua_group_destroy(&pipeline.group);
	}
	free_all(&pipeline);
	return error;
}

int skua_pipeline_in(skua_here here, const struct skua_stage stages[],
		     size_t count, size_t tokens)
{
	if (!here)
		return SKUA_EINVAL;
	return skua_pipeline(skua_pool_current(), stages, count, tokens);
}
