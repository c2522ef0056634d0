/* SPDX-License-Identifier: MIT */
/* A program from its seed. Nothing here depends on anything else. */
#include <string.h>

#include "program.h"

struct dice {
	uint64_t state;
};

/* splitmix64 (Steele, Lea, Flood, OOPSLA 2014): any seed will do. */
static uint64_t throw(struct dice * dice)
{
	uint64_t z = dice->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static uint32_t below(struct dice *dice, uint32_t n)
{
	return (uint32_t)((throw(dice) >> 32) % n);
}

static bool percent(struct dice *dice, uint32_t n)
{
	return below(dice, 100) < n;
}

static enum pause pause_of(struct dice *dice)
{
	static const enum pause pauses[] = { YIELD, YIELD, YIELD, SLEEP, SLEEP,
					     SPIN,  SPIN,  LOOK,  TRIM };

	if (!percent(dice, 20))
		return NO_PAUSE;
	return pauses[below(dice, sizeof(pauses) / sizeof(*pauses))];
}

static enum launch launch_of(struct dice *dice, const struct node *parent)
{
	static const enum launch from_frame[] = { FORK,	  FORK, FORK, FORK,
						  FORK,	  FORK, CALL, RUN,
						  SUBMIT, BOX,	POST, MANY,
						  WITH };
	static const enum launch from_other[] = { RUN,	BOX,  SUBMIT, SUBMIT,
						  POST, MANY, WITH,   WITH };
	struct program *program = parent->program;

	if (!parent->inside && program->guests < GUESTS_MOST &&
	    (parent->race || percent(dice, 2))) {
		program->guests++;
		return GUEST;
	}
	if (!parent->inside && program->pools < POOLS_MOST && percent(dice, 2))
		return NEST;
	if (parent->kind == FRAME)
		return from_frame[below(dice, sizeof(from_frame) /
						      sizeof(*from_frame))];
	return from_other[below(dice, sizeof(from_other) / sizeof(*from_other))];
}

static enum kind kind_of(enum launch launch)
{
	switch (launch) {
	case FORK:
	case CALL:
	case RUN:
	case BOX:
		return FRAME;
	case GUEST:
		return THREAD;
	case NEST:
		return SCOPE;
	default:
		return PLAIN;
	}
}

static void open_scope(struct dice *dice, struct node *node)
{
	struct program *program = node->program;
	struct scope *scope = &program->scopes[program->pools];

	node->pool = program->pools++;
	scope->workers = 1 + below(dice, 3);
	scope->stack_bytes = (size_t)256 << (10 + below(dice, 3));
	scope->flags = percent(dice, 40) ? SKUA_CLOSE_WAIT : below(dice, 4);
	scope->shut_from_inside = percent(dice, 15);
	scope->cancels = scope->flags & SKUA_CLOSE_CANCEL;
	node->sure_own = !scope->shut_from_inside;
	node->race = percent(dice, 50);
}

static void choose_fate(struct dice *dice, const struct node *parent,
			struct node *node)
{
	static const enum settle settles[] = { AWAIT, AWAIT, AWAIT,   AWAIT,
					       POLL,  POLL,  GIVE_UP, DROP };

	node->settle = AWAIT;
	if (node->launch == POST)
		node->settle = DROP;
	if (!has_future(node) && node->launch != GUEST)
		return;
	node->late = parent->race ||
		     (parent->kind == SCOPE && percent(dice, 40));
	if (node->launch == GUEST)
		return;
	node->settle = settles[below(dice, sizeof(settles) / sizeof(*settles))];
	if (node->settle != DROP) {
		node->cancel = percent(dice, 8);
		if (percent(dice, 15))
			node->second = 1 + below(dice, 3);
	}
}

/* See program.h. The parent launches into its own pool, or into the main one;
 * a thread and a scope are outside of theirs. */
static void choose_legal(struct node *parent, struct node *node)
{
	const struct scope *scopes = node->program->scopes;
	bool awaited = node->settle == AWAIT || node->settle == POLL;
	bool inside = node->pool == parent->pool &&
		      (parent->kind == FRAME || parent->kind == PLAIN);
	bool sure = node->pool ? parent->sure_own : parent->sure_main;
	bool joined = node->launch == CALL || node->launch == FORK ||
		      node->launch == GUEST || node->launch == NEST;

	node->sure_main = parent->sure_main && awaited;
	if (node->launch != NEST)
		node->sure_own = sure && awaited && !node->late;
	if (joined)
		return;
	node->may_cancel = node->cancel || node->second == CANCELLER ||
			   (scopes[node->pool].cancels && !node->sure_own);
	node->may_refuse = !sure && (!inside || scopes[node->pool].cancels);
}

static void make_child(struct dice *dice, struct node *parent,
		       struct node *node, enum launch launch)
{
	struct program *program = parent->program;

	node->program = program;
	atomic_init(&node->seen, 1);
	node->id = (uint32_t)(node - program->nodes);
	node->parent = parent->id;
	node->depth = parent->depth + 1;
	node->launch = launch;
	node->kind = kind_of(launch);
	node->pool = parent->pool;
	node->before = pause_of(dice);
	node->after = pause_of(dice);
	node->pause_ns = 100 << below(dice, 11);
	node->order = below(dice, 3);
	node->busy = parent->race && launch == GUEST;
	choose_fate(dice, parent, node);
	if (launch == NEST)
		open_scope(dice, node);
	else if (node->kind == PLAIN && !parent->inside && percent(dice, 8))
		node->pool = 0;
	node->isolated = (node->kind == PLAIN || node->kind == FRAME) &&
			 percent(dice, 6);
	node->inside = parent->inside || node->isolated;
	if ((node->kind == PLAIN || node->kind == FRAME) && percent(dice, 6))
		node->fails = 1 + (int)below(dice, 1000);
	if (node->kind == THREAD && percent(dice, 20))
		node->fails = 7;
	node->null_result = node->fails && percent(dice, 50);
	node->echoes = node->launch == WITH && percent(dice, 40);
	node->shuts = node->kind == PLAIN && node->pool &&
		      program->scopes[node->pool].shut_from_inside &&
		      percent(dice, 30);
	choose_legal(parent, node);
}

/* Neighbours that one call submits: one pool, one way to launch, and futures
 * for all or for none. */
static void join_group(struct node *node, uint32_t size)
{
	node->group = size;
	for (uint32_t i = 1; i < size; i++) {
		struct node *other = node + i;

		other->shuts = other->shuts && other->pool == node->pool;
		other->pool = node->pool;
		if ((other->settle == DROP) != (node->settle == DROP)) {
			other->settle = node->settle;
			other->cancel = node->cancel;
			other->second = node->second;
		}
	}
}

static void make_children(struct dice *dice, struct node *parent, uint32_t most)
{
	struct program *program = parent->program;
	bool many = parent->busy || percent(dice, 5);
	uint32_t want = 1 + below(dice, many ? 60 : 5);

	parent->first = program->count;
	if (want > most)
		want = most;
	while (parent->children < want) {
		struct node *node = &program->nodes[program->count];
		enum launch launch = launch_of(dice, parent);
		uint32_t left = want - parent->children;
		uint32_t size = 1;

		if (launch == MANY)
			size = 1 + below(dice, left < 40 ? left : 40);
		for (uint32_t i = 0; i < size; i++)
			make_child(dice, parent, node + i, launch);
		if (launch == MANY) {
			join_group(node, size);
			for (uint32_t i = 0; i < size; i++)
				choose_legal(parent, node + i);
		}
		program->count += size;
		parent->children += size;
	}
}

void program_generate(struct program *program, uint64_t seed, unsigned workers,
		      uint32_t most)
{
	struct dice dice = { seed };
	struct node *root = &program->nodes[0];

	memset(program, 0, sizeof(*program));
	program->seed = seed;
	program->count = 1;
	program->pools = 1;
	program->scopes[0].workers = workers;
	program->scopes[0].flags = percent(&dice, 60) ? 0 : below(&dice, 4);
	program->scopes[0].cancels = program->scopes[0].flags &
				     SKUA_CLOSE_CANCEL;
	root->program = program;
	atomic_init(&root->seen, 1);
	root->kind = THREAD;
	root->launch = GUEST;
	root->sure_main = true;
	root->sure_own = true;
	if (most > NODES_MOST)
		most = NODES_MOST;
	most = 2 + below(&dice, percent(&dice, 20) ? most - 2 : most / 8);
	/* Breadth first: the children of a node lie side by side. */
	for (uint32_t i = 0; i < program->count && program->count < most; i++)
		if (!i || (program->nodes[i].depth < DEPTH_MOST &&
			   !percent(&dice, 25)))
			make_children(&dice, &program->nodes[i],
				      most - program->count);
}
