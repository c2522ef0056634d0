/* SPDX-License-Identifier: MIT */
/*
 * Reductions: ranges as loops have them (range.h), with a value for each part,
 * or a tree of forks where the bits must not depend on who is idle.
 *
 * The owner of a part folds from its lower end upwards, onto one value. A
 * helper takes halves from the upper end, one below the other, onto one value
 * too: it stops if another one has taken what was below its last half. So a
 * part is the owner's value and then one for each helper, by where they begin.
 */
#include <skua/reduce.h>

#include "loop_call.h"
#include "loop_options.h"
#include "value.h"

enum {
	/* Of a part; the last one that took a half comes back for more. */
	HELPERS = 8,
	/* Calls of the body of a deterministic reduction, at the least. */
	LEAVES = 512
};

struct reduce {
	struct ski_call call;
	uint64_t begin, end;
	const struct skua_fold *fold;
	skua_fold_fn *body;
	void *context;
	void *value; /* of all of it */
	uint64_t grain; /* of a leaf */
	bool alone; /* the pool has one worker */
};

/* What one helper of a part has. */
struct slot {
	uint64_t begin;
	void *value; /* NULL: nothing */
	struct ski_box box;
};

static struct reduce *reduce_of(struct ski_loop *loop)
{
	return (struct reduce *)(void *)((char *)loop -
					 offsetof(struct reduce, call.loop));
}

static int run_body(struct ski_loop *loop, skua_here here, uint64_t begin,
		    uint64_t end, void *value)
{
	struct reduce *reduce = reduce_of(loop);

	return reduce->body(here, begin, end, value, reduce->context);
}

/* By where they begin. There are few. */
static void sort_slots(struct slot *sorted[HELPERS], struct slot slots[])
{
	for (int i = 0; i < HELPERS; i++) {
		int at = i;

		for (; at > 0 && sorted[at - 1]->begin > slots[i].begin; at--)
			sorted[at] = sorted[at - 1];
		sorted[at] = &slots[i];
	}
}

static void gather(struct reduce *reduce, struct slot slots[], void *value)
{
	const struct skua_fold *fold = reduce->fold;
	struct slot *sorted[HELPERS];

	sort_slots(sorted, slots);
	for (int i = 0; i < HELPERS; i++) {
		if (!sorted[i]->value)
			continue;
		if (!ski_loop_stopped(&reduce->call.loop))
			fold->combine(value, sorted[i]->value, reduce->context);
		ski_value_drop(fold, sorted[i]->value);
	}
}

/* Fold @begin … @end - 1 onto @value, an identity. */
static void fold_range(skua_here here, struct reduce *reduce, uint64_t begin,
		       uint64_t end, void *value)
{
	struct slot slots[HELPERS];
	struct ski_part part;

	for (int i = 0; i < HELPERS; i++) {
		slots[i].begin = 0;
		slots[i].value = NULL;
	}
	ski_part_open(&part, &reduce->call.loop, begin, end);
	part.slots = slots;
	ski_part_run(here, &part, value);
	gather(reduce, slots, value);
}

/* Take halves of @victim's rest, each just below the one before. What they
 * come to is in *@held, *@spare is room; *@begin is where it begins. */
static bool fold_halves(skua_here here, struct ski_part *victim, void **held,
			void **spare, uint64_t *begin)
{
	struct reduce *reduce = reduce_of(victim->loop);
	const struct skua_fold *fold = reduce->fold;
	bool some = false;
	uint64_t end;

	while (!ski_loop_is_over(victim->loop, here) &&
	       ski_part_steal(victim, some, begin, &end)) {
		void *fresh = *spare;

		/* As in ski_part_help(). */
		skua_show(here);
		ski_value_copy(fold, fresh, fold->identity);
		fold_range(here, reduce, *begin, end, fresh);
		if (some && !ski_loop_stopped(victim->loop))
			fold->combine(fresh, *held, reduce->context);
		*spare = *held;
		*held = fresh;
		some = true;
	}
	return some;
}

static void help(skua_here here, struct ski_part *victim, unsigned index)
{
	const struct skua_fold *fold = reduce_of(victim->loop)->fold;
	struct slot *slot = (struct slot *)victim->slots + index;
	struct ski_box boxes[2];
	void *held = ski_value_room(fold, &boxes[0]);
	void *spare = ski_value_room(fold, &boxes[1]);

	/* Without memory there is one worker less that takes part. */
	if (held && spare &&
	    fold_halves(here, victim, &held, &spare, &slot->begin)) {
		slot->value = held;
		if (ski_value_is_small(fold)) {
			slot->value = slot->box.bytes;
			ski_value_copy(fold, slot->value, held);
		}
		held = NULL;
	}
	ski_value_drop(fold, held);
	ski_value_drop(fold, spare);
}

static int run_lazy(skua_here here, struct ski_call *call)
{
	struct reduce *reduce = (struct reduce *)(void *)call;

	if (reduce->begin != reduce->end)
		fold_range(here, reduce, reduce->begin, reduce->end,
			   reduce->value);
	return 0;
}

/* ---- the tree ---- */

static void run_leaf(skua_here here, struct reduce *reduce, uint64_t leaf,
		     void *value)
{
	uint64_t begin = reduce->begin + leaf * reduce->grain;
	uint64_t count = reduce->end - begin;
	int answer;

	if (ski_loop_is_over(&reduce->call.loop, here))
		return;
	if (count > reduce->grain)
		count = reduce->grain;
	/* It may take long: others may have what was forked on the way. */
	if (!reduce->alone)
		skua_show(here);
	answer = reduce->body(here, begin, begin + count, value,
			      reduce->context);
	if (answer)
		ski_loop_stop(&reduce->call.loop, answer);
}

/* Leaves @from … @to - 1 onto @value, an identity. */
SKUA_DECLARE_TASK_VOID(tree, struct reduce *, reduce, uint64_t, from, uint64_t,
		       to, void *, value);

static void run_halves(skua_here here, struct reduce *reduce, uint64_t from,
		       uint64_t to, void *value)
{
	const struct skua_fold *fold = reduce->fold;
	uint64_t middle = from + (to - from) / 2;
	struct ski_box box;
	void *right = ski_value_room(fold, &box);

	if (!right) {
		ski_loop_stop(&reduce->call.loop, SKUA_ENOMEM);
		return;
	}
	ski_value_copy(fold, right, fold->identity);
	tree_fork(&here, reduce, middle, to, right);
	tree(here, reduce, from, middle, value);
	tree_join(&here);
	if (!ski_loop_stopped(&reduce->call.loop))
		fold->combine(value, right, reduce->context);
	ski_value_drop(fold, right);
}

SKUA_TASK_VOID(tree, struct reduce *, reduce, uint64_t, from, uint64_t, to,
	       void *, value)
{
	if (to - from == 1)
		run_leaf(here, reduce, from, value);
	else if (!ski_loop_stopped(&reduce->call.loop))
		run_halves(here, reduce, from, to, value);
}

static int run_tree(skua_here here, struct ski_call *call)
{
	struct reduce *reduce = (struct reduce *)(void *)call;
	uint64_t count = reduce->end - reduce->begin;

	if (!count)
		return 0;
	if (!reduce->grain)
		reduce->grain = count < LEAVES ? 1 : count / LEAVES;
	reduce->alone = skua_pool_workers(skua_pool_current()) < 2;
	tree(here, reduce, 0, count / reduce->grain + !!(count % reduce->grain),
	     reduce->value);
	return 0;
}

/* ---- calls ---- */

static int open_reduce(struct reduce *reduce, uint64_t begin, uint64_t end,
		       const struct skua_fold *fold, skua_fold_fn *body,
		       void *context)
{
	if (!fold || !fold->bytes || !fold->identity || !fold->combine ||
	    !body || end < begin)
		return SKUA_EINVAL;
	*reduce = (struct reduce){
		.call.run = run_lazy,
		.call.loop.run = run_body,
		.call.loop.help = help,
		.call.loop.helpers_most = HELPERS,
		.begin = begin,
		.end = end,
		.fold = fold,
		.body = body,
		.context = context,
	};
	return 0;
}

static int set_options(struct reduce *reduce,
		       const struct skua_reduce_options *from)
{
	struct skua_reduce_options options = SKUA_REDUCE_OPTIONS;

	if (ski_options_take(&options, sizeof(options), from) ||
	    (options.grain && !options.deterministic))
		return SKUA_EINVAL;
	if (options.deterministic)
		reduce->call.run = run_tree;
	reduce->grain = options.grain;
	return 0;
}

/* One of @pool and @here. */
static int call(struct skua_pool *pool, skua_here here, struct reduce *reduce,
		void *result)
{
	struct ski_box box;
	int error;

	reduce->value = ski_value_room(reduce->fold, &box);
	if (!reduce->value)
		return SKUA_ENOMEM;
	ski_value_copy(reduce->fold, reduce->value, reduce->fold->identity);
	error = pool ? ski_call_on(pool, &reduce->call) :
		       ski_call_in(here, &reduce->call);
	if (!error)
		ski_value_copy(reduce->fold, result, reduce->value);
	ski_value_drop(reduce->fold, reduce->value);
	return error;
}

int skua_reduce(struct skua_pool *pool, uint64_t begin, uint64_t end,
		const struct skua_fold *fold, skua_fold_fn *body, void *context,
		void *result)
{
	return skua_reduce_with(pool, begin, end, fold, body, context, result,
				NULL);
}

int skua_reduce_in(skua_here here, uint64_t begin, uint64_t end,
		   const struct skua_fold *fold, skua_fold_fn *body,
		   void *context, void *result)
{
	return skua_reduce_in_with(here, begin, end, fold, body, context,
				   result, NULL);
}

int skua_reduce_with(struct skua_pool *pool, uint64_t begin, uint64_t end,
		     const struct skua_fold *fold, skua_fold_fn *body,
		     void *context, void *result,
		     const struct skua_reduce_options *options)
{
	struct reduce reduce;

	if (!pool || !result ||
	    open_reduce(&reduce, begin, end, fold, body, context) ||
	    set_options(&reduce, options))
		return SKUA_EINVAL;
	return call(pool, NULL, &reduce, result);
}

int skua_reduce_in_with(skua_here here, uint64_t begin, uint64_t end,
			const struct skua_fold *fold, skua_fold_fn *body,
			void *context, void *result,
			const struct skua_reduce_options *options)
{
	struct reduce reduce;

	if (!here || !result ||
	    open_reduce(&reduce, begin, end, fold, body, context) ||
	    set_options(&reduce, options))
		return SKUA_EINVAL;
	return call(NULL, here, &reduce, result);
}
