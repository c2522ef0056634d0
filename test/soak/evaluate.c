/* SPDX-License-Identifier: MIT */
/*
 * The reference: walks the tree as one thread would have run it. What was
 * certain has one outcome; of the rest the record says which it was, and it
 * must be one that the plan allows.
 */
#include "program.h"

static uint64_t mix(uint64_t value, uint64_t with)
{
	value = (value ^ with) * UINT64_C(0xff51afd7ed558ccd);
	return value ^ (value >> 33);
}

uintptr_t value_of(const struct node *node)
{
	uint64_t value = node->id + 1;

	for (uint32_t i = 0; i < node->children; i++) {
		const struct node *child =
			&node->program->nodes[node->first + i];

		value = mix(value, (uint64_t)child->outcome);
		value = mix(value, child->taken);
	}
	/* Some callers take 0 for none. */
	return (uintptr_t)value | 1;
}

static unsigned count(const atomic_uint *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

/* Whether it may be that skua_fail() told its future @code; 0: any. Children of
 * fork.h fail the task they descend from. */
static bool fails_with(struct node *node, int code)
{
	if (node->fails && (!code || node->fails == code))
		return true;
	for (uint32_t i = 0; i < node->children; i++) {
		struct node *child = child_of(node, i);

		if ((child->launch == FORK || child->launch == CALL) &&
		    fails_with(child, code))
			return true;
	}
	return false;
}

static void never_ran(struct node *node)
{
	EXPECT(node, count(&node->runs) == 0);
	for (uint32_t i = 0; i < node->children; i++) {
		EXPECT(node, child_of(node, i)->outcome == NOTHING);
		never_ran(child_of(node, i));
	}
}

/* The result, as far as the parent can learn it. */
static uintptr_t to_be_taken(const struct node *node)
{
	bool unread = node->launch == WITH && !node->order;

	if (node->outcome != RETURNED && node->outcome != FAILED)
		return 0;
	if (unread)
		return 1;
	if (node->outcome == FAILED &&
	    (node->kind == FRAME || node->null_result))
		return 0;
	return node->value;
}

static void check_outcome(struct node *node)
{
	bool ran = count(&node->runs);
	bool failed = (node->kind == FRAME || node->kind == PLAIN) &&
		      fails_with(node, 0);

	switch (node->outcome) {
	case RETURNED:
		EXPECT(node, ran);
		EXPECT(node,
		       !failed || node->launch == FORK || node->launch == CALL);
		break;
	case FAILED:
		EXPECT(node, ran && failed);
		/* visit_run() tells no code. */
		EXPECT(node,
		       node->launch == RUN || fails_with(node, node->code));
		break;
	case CANCELLED:
		EXPECT(node, !ran && node->may_cancel);
		break;
	case REFUSED:
		EXPECT(node, !ran && node->may_refuse);
		break;
	case GAVE_UP:
		EXPECT(node, node->settle == GIVE_UP);
		EXPECT(node, ran || node->may_cancel);
		break;
	case LET_GO:
		EXPECT(node, node->settle == DROP);
		EXPECT(node, ran || node->may_cancel);
		break;
	case NOTHING:
		EXPECT(node, !"launched and settled");
	}
	EXPECT(node, node->taken == to_be_taken(node));
}

/* What several have said of one future. */
static void check_witnesses(struct node *node)
{
	bool ran = count(&node->runs);
	bool failed = fails_with(node, 0);
	int seen = atomic_load_explicit(&node->seen, memory_order_relaxed);

	if (seen == 0)
		EXPECT(node, ran && !failed);
	if (seen == SKUA_EFAILED)
		EXPECT(node, ran && failed);
	if (seen == SKUA_ECANCELLED)
		EXPECT(node, !ran && node->may_cancel);
	EXPECT(node, !ran || !count(&node->cancels));
	EXPECT(node, ran || !count(&node->vain_cancels));
}

/* Each argument was used or dropped, each result read or dropped. */
static void check_drops(struct node *node)
{
	unsigned ran = count(&node->runs);
	unsigned posted = count(&node->posted);
	unsigned echoed = count(&node->echoed);
	bool none = node->null_result;

	EXPECT(node, ran <= 1);
	EXPECT(node, count(&node->ends) == ran);
	if (node->launch != WITH) {
		EXPECT(node, count(&node->arg_drops) == 0);
		EXPECT(node, count(&node->result_drops) == 0);
		return;
	}
	EXPECT(node, count(&node->arg_drops) ==
			     (ran || node->outcome == REFUSED ? 0U : 1U));
	EXPECT(node, count(&node->result_drops) ==
			     (ran && !none && !count(&node->reads) ? 1U : 0U));
	EXPECT(node, node->program->scopes[node->pool].cancels ?
			     echoed <= posted :
			     echoed == posted);
}

static void evaluate(struct node *node)
{
	if (node->id) {
		check_outcome(node);
		check_witnesses(node);
	}
	check_drops(node);
	if (!count(&node->runs)) {
		never_ran(node);
		return;
	}
	for (uint32_t i = 0; i < node->children; i++)
		evaluate(child_of(node, i));
	EXPECT(node, node->value == value_of(node));
}

void program_evaluate(struct program *program)
{
	EXPECT(&program->nodes[0], count(&program->nodes[0].runs) == 1);
	evaluate(&program->nodes[0]);
}
