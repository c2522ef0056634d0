/* SPDX-License-Identifier: MIT */
/* What a node does, and how a whole program runs and ends. */
#include <stdlib.h>

#include "program.h"

static void spin(uint32_t ns)
{
	for (uint32_t i = 0; i < ns / 4; i++)
		/* Not optimized away, and no more than that. */
		__asm__ volatile("" ::: "memory");
}

static void pause_now(const struct node *node, enum pause how)
{
	struct skua_pool *pool = pool_of(node);

	switch (how) {
	case NO_PAUSE:
		break;
	case YIELD:
		skua_yield();
		break;
	case SLEEP:
		EXPECT(node, skua_sleep(node->pause_ns) == 0);
		break;
	case SPIN:
		spin(node->pause_ns);
		break;
	case LOOK:
		EXPECT(node, skua_pool_workers(pool) ==
				     node->program->scopes[node->pool].workers);
		EXPECT(node, skua_pool_pending(pool) < SIZE_MAX / 2);
		EXPECT(node, skua_pool_running(pool) < SIZE_MAX / 2);
		break;
	case TRIM:
		EXPECT(node, skua_pool_trim(pool) == 0);
		break;
	}
}

/* The worker it runs on, which does not change. */
static int check_place(const struct node *node)
{
	int worker = skua_worker();

	if (node->kind == THREAD) {
		EXPECT(node, worker == -1);
		EXPECT(node, skua_pool_current() == NULL);
	}
	if (node->kind == FRAME || node->kind == PLAIN) {
		EXPECT(node, worker >= 0);
		EXPECT(node,
		       (unsigned)worker < skua_pool_workers(pool_of(node)));
		EXPECT(node, skua_pool_current() == pool_of(node));
	}
	return worker;
}

static void launch_all(struct node *node, skua_here *here)
{
	for (uint32_t i = 0; i < node->children; i++) {
		struct node *child = child_of(node, i);

		pause_now(node, child->before);
		if (child->launch != MANY)
			launch(node, child, here);
		else if (child->group)
			launch_many(child);
		progress();
	}
}

/* Forks are joined in reverse order; the others may be settled in between,
 * before or after. */
static void settle_all(struct node *node, skua_here *here, bool late)
{
	enum {
		MIXED,
		FORKS_FIRST,
		FORKS_LAST
	};

	for (int pass = 0; pass < 2; pass++) {
		for (uint32_t i = node->children; i-- > 0;) {
			struct node *child = child_of(node, i);
			bool first = (child->launch == FORK) ==
				     (node->order == FORKS_FIRST);

			if (child->late != late)
				continue;
			if (node->order == MIXED ? pass : first == pass)
				continue;
			settle(child, here);
			progress();
		}
	}
}

/* From a task of the pool itself: it can only be told to end. */
static void shut_own_pool(struct node *node)
{
	struct skua_pool *pool = pool_of(node);
	unsigned flags = node->program->scopes[node->pool].flags;

	EXPECT(node, skua_pool_shutdown(pool, flags & SKUA_CLOSE_CANCEL) ==
			     SKUA_EDEADLK);
	EXPECT(node, skua_pool_shutdown(pool, flags | SKUA_CLOSE_DETACH) == 0);
}

static void open_pool(struct node *node)
{
	struct scope *scope = &node->program->scopes[node->pool];
	struct skua_pool_options options = SKUA_POOL_OPTIONS;

	options.workers = scope->workers;
	options.stack_bytes = scope->stack_bytes;
	options.seed = node->program->seed + node->pool;
	options.name = "soak";
	EXPECT(node, skua_pool_open(&scope->handle, &options) == 0);
	scope->opened = true;
}

static void shut_pool(struct node *node)
{
	struct scope *scope = &node->program->scopes[node->pool];

	EXPECT(node, skua_pool_shutdown(scope->handle, scope->flags) == 0);
}

/* ---- isolated ---- */

/* Who has isolated itself on this thread and has not ended that: nothing but
 * what descends from it may run here. */
static _Thread_local const struct node *isolated;

static void check_isolated(const struct node *node)
{
	const struct node *nodes = node->program->nodes;
	const struct node *above = node;

	if (!isolated || isolated->program != node->program)
		return;
	while (above != isolated && above->id)
		above = &nodes[above->parent];
	EXPECT(node, above == isolated);
}

struct body {
	struct node *node;
	skua_here *here;
};

static void do_work(void *arg)
{
	const struct body *body = arg;
	struct node *node = body->node;

	launch_all(node, body->here);
	if (node->shuts)
		shut_own_pool(node);
	settle_all(node, body->here, false);
}

static void do_isolated(struct body *body)
{
	struct node *node = body->node;
	struct program *program = node->program;
	bool outermost = !program->nodes[node->parent].inside;
	const struct node *before;

	if (outermost)
		EXPECT(node, pthread_mutex_lock(&program->plain) == 0);
	before = isolated;
	isolated = node;
	EXPECT(node, skua_isolate(do_work, body) == 0);
	EXPECT(node, isolated == node);
	isolated = before;
	if (outermost)
		EXPECT(node, pthread_mutex_unlock(&program->plain) == 0);
}

static void make_plain(pthread_mutex_t *mutex)
{
	pthread_mutexattr_t attributes;

	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ERRORCHECK);
	pthread_mutex_init(mutex, &attributes);
	pthread_mutexattr_destroy(&attributes);
}

uintptr_t perform(struct node *node, skua_here *here)
{
	struct body body = { node, here };
	int worker = check_place(node);

	/* Relaxed, as all the counts of the record: they are compared when
	 * everything has ended. */
	EXPECT(node, atomic_fetch_add_explicit(&node->runs, 1,
					       memory_order_relaxed) == 0);
	progress();
	if (node->kind == SCOPE)
		open_pool(node);
	check_isolated(node);
	if (node->isolated)
		do_isolated(&body);
	else
		do_work(&body);
	check_isolated(node);
	if (node->kind == SCOPE) {
		shut_pool(node);
		settle_all(node, here, true);
	}
	pause_now(node, node->after);
	if (node->fails)
		EXPECT(node, skua_fail(node->fails) == NULL);
	EXPECT(node, skua_worker() == worker);
	node->value = value_of(node);
	atomic_fetch_add_explicit(&node->ends, 1, memory_order_relaxed);
	progress();
	return node->value;
}

/* It was shut down, and may have been left to end by itself. */
static void end_pool(struct program *program, uint32_t i)
{
	struct scope *scope = &program->scopes[i];
	struct node *root = &program->nodes[0];

	EXPECT(root, skua_pool_shutdown(scope->handle, SKUA_CLOSE_WAIT) == 0);
	EXPECT(root, skua_pool_pending(scope->handle) == 0);
	EXPECT(root, skua_pool_running(scope->handle) == 0);
	EXPECT(root, skua_post(scope->handle, free, root) == SKUA_ECLOSED);
	progress();
}

void program_execute(struct program *program)
{
	struct node *root = &program->nodes[0];

	make_plain(&program->plain);
	open_pool(root);
	perform(root, NULL);
	shut_pool(root);
	/* One that a pool's task opens has a higher number: when its turn
	 * comes, all that could open it have ended. */
	for (uint32_t i = 0; i < program->pools; i++)
		if (program->scopes[i].opened)
			end_pool(program, i);
	/* Not before: a task of any may have used the main one. */
	for (uint32_t i = 0; i < program->pools; i++)
		if (program->scopes[i].opened)
			skua_pool_release(program->scopes[i].handle);
	pthread_mutex_destroy(&program->plain);
}
