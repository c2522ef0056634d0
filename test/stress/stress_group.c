/* SPDX-License-Identifier: MIT */
/*
 * stress_group.c - trees of groups, from threads and from tasks: children add
 * children, open groups that descend from theirs, fail, and cancel any group
 * above; several wait for one. Every child that was added has run, unless its
 * group was stopped; none runs after a wait has returned; and what a wait
 * returns is what somebody did.
 */
#include "users.h"

enum {
	CODES = 4, /* errors 1 … 3 */
	ROUNDS = 2 /* of a group */
};

static struct skua_pool *pool;
static atomic_size_t next_stream;

struct node {
	struct skua_group group;
	struct node *parent;
	unsigned depth; /* groups below */
	atomic_long budget; /* children to be added by children */
	atomic_ulong added, ran;
	atomic_bool over; /* this round */
	atomic_bool cancelled; /* somebody is about to */
	atomic_bool failed[CODES]; /* a child is about to return that */
};

static void run_group(struct node *parent, uint64_t *random, unsigned depth);

/* It, or one that it descends from, may have been stopped. */
static bool is_stopped(struct node *node)
{
	for (; node; node = node->parent) {
		if (atomic_load(&node->cancelled))
			return true;
		for (int i = 1; i < CODES; i++)
			if (atomic_load(&node->failed[i]))
				return true;
	}
	return false;
}

static int child(skua_here here, void *arg);

static void add_one(struct node *node)
{
	atomic_fetch_add(&node->added, 1);
	EXPECT(skua_group_run(&node->group, child, node) == 0);
}

static void cancel_above(struct node *node, uint64_t *random)
{
	while (node->parent && stress_below(random, 2))
		node = node->parent;
	atomic_store(&node->cancelled, true);
	EXPECT(skua_group_cancel(&node->group) == 0);
}

static int child(skua_here here, void *arg)
{
	struct node *node = arg;
	uint64_t random = stress_stream(atomic_fetch_add(&next_stream, 1));
	unsigned die = (unsigned)stress_below(&random, 400);

	EXPECT(!atomic_load(&node->over));
	atomic_fetch_add(&node->ran, 1);
	EXPECT(!skua_cancelled(here) || is_stopped(node));
	for (unsigned i = 0; i < 3; i++)
		if (atomic_fetch_sub(&node->budget, 1) > 0)
			add_one(node);
	if (die < 40 && node->depth)
		run_group(node, &random, node->depth - 1);
	else if (die < 80)
		skua_yield();
	else if (die < 82)
		cancel_above(node, &random);
	else if (die < 80 + CODES + 2) {
		int code = 1 + (int)stress_below(&random, CODES - 1);

		atomic_store(&node->failed[code], true);
		return code;
	}
	return 0;
}

static void check_answer(struct node *node, int answer)
{
	uint64_t added = atomic_load(&node->added);

	EXPECT(atomic_load(&node->ran) <= added);
	EXPECT(answer != 0 || atomic_load(&node->ran) == added);
	if (answer > 0)
		EXPECT(answer < CODES && atomic_load(&node->failed[answer]));
	else
		EXPECT(!answer || answer == SKUA_ECANCELLED);
	EXPECT(answer != SKUA_ECANCELLED || is_stopped(node));
}

static void *wait_too(void *arg)
{
	struct node *node = arg;

	check_answer(node, skua_group_wait(&node->group, SKUA_FOREVER));
	return NULL;
}

static int wait_for(struct node *node, bool patient)
{
	int answer = SKUA_ETIMEDOUT;

	while (!patient && answer == SKUA_ETIMEDOUT)
		answer = skua_group_wait(&node->group, 20000);
	return patient ? skua_group_wait(&node->group, SKUA_FOREVER) : answer;
}

static void begin_round(struct node *node, uint64_t *random)
{
	atomic_store(&node->over, false);
	atomic_store(&node->cancelled, false);
	for (int i = 1; i < CODES; i++)
		atomic_store(&node->failed[i], false);
	atomic_store(&node->added, 0);
	atomic_store(&node->ran, 0);
	atomic_store(&node->budget, (long)stress_below(random, 60));
}

static void run_round(struct node *node, uint64_t *random)
{
	struct skua_future *other = NULL;

	begin_round(node, random);
	for (uint64_t n = 1 + stress_below(random, 20); n-- > 0;)
		add_one(node);
	/* Not in a child: it would be one that its own group waits for. */
	if (!node->parent && !stress_below(random, 4))
		other = stress_submit(pool, wait_too, node);
	if (!stress_below(random, 16))
		cancel_above(node, random);
	check_answer(node, wait_for(node, stress_below(random, 4)));
	if (other)
		EXPECT(stress_take(other) == NULL);
	atomic_store(&node->over, true);
}

static void run_group(struct node *parent, uint64_t *random, unsigned depth)
{
	struct node node = { .parent = parent, .depth = depth };

	EXPECT(skua_group_init(&node.group, pool) == 0);
	for (unsigned i = 0; i < ROUNDS; i++)
		run_round(&node, random);
	EXPECT(skua_group_destroy(&node.group) == 0);
}

static void *use(void *stream_number)
{
	uint64_t random = stress_stream((uintptr_t)stream_number);

	for (unsigned i = 0; i < 3; i++)
		run_group(NULL, &random, (unsigned)stress_below(&random, 3));
	return NULL;
}

static void body(void)
{
	size_t rounds = stress_rounds(SCALED(400), 20000);

	atomic_store(&next_stream, 1u << 20);
	pool = stress_open(stress.workers);
	for (size_t i = 0; i < rounds; i++)
		users_round(pool, i, use);
	stress_close(pool);
}

int main(int argc, char *argv[])
{
	return stress_main(argc, argv, body);
}
