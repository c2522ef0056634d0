/* SPDX-License-Identifier: MIT */
/* A child of each kind: how it starts and, if it is joined, how it ends. */
#include "program.h"

/* ---- what runs ---- */

SKUA_TASK(uintptr_t, visit, struct node *, node)
{
	return perform(node, &here);
}

static void *run_plain(void *arg)
{
	struct node *node = arg;
	uintptr_t value = perform(node, NULL);

	if (node->null_result)
		return NULL;
	/* So that drop_result() knows whose it was. */
	return node->launch == WITH ? node : word(value);
}

static void run_post(void *arg)
{
	perform(arg, NULL);
}

static void *run_thread(void *arg)
{
	struct node *node = arg;

	perform(node, NULL);
	/* Release: the record. Pairs with settle_thread(). */
	atomic_store_explicit(&node->over, true, memory_order_release);
	return NULL;
}

static void run_echo(void *arg)
{
	struct node *node = arg;

	atomic_fetch_add_explicit(&node->echoed, 1, memory_order_relaxed);
	progress();
}

/* In who drops something: a worker, a thread that closes the pool, or the last
 * to hold the future. They may submit. */
static void echo(struct node *node)
{
	int error;

	if (!node->echoes)
		return;
	error = skua_post(pool_of(node), run_echo, node);
	EXPECT(node, error == 0 || error == SKUA_ECLOSED);
	if (!error)
		atomic_fetch_add_explicit(&node->posted, 1,
					  memory_order_relaxed);
}

static void drop_arg(void *arg)
{
	struct node *node = arg;

	atomic_fetch_add_explicit(&node->arg_drops, 1, memory_order_relaxed);
	progress();
	echo(node);
}

static void drop_result(void *result)
{
	struct node *node = result;

	atomic_fetch_add_explicit(&node->result_drops, 1, memory_order_relaxed);
	progress();
	echo(node);
}

/* ---- the second who knows it ---- */

static void *watch(void *arg)
{
	struct node *child = arg;
	/* Its own reference: the parent may release its one, and does not
	 * change the pointer. */
	struct skua_future *future = child->future;
	int64_t timeout_ns = child->second == WITNESS ? SKUA_FOREVER :
							child->pause_ns;

	if (child->second == CANCELLER)
		try_cancel(child, future);
	else
		for (int i = 0; i < 3; i++)
			note(child, future,
			     skua_future_result(future, timeout_ns, NULL));
	skua_future_release(future);
	return NULL;
}

static void drop_watch(void *arg)
{
	struct node *child = arg;

	skua_future_release(child->future);
}

static void bring_second(struct node *child)
{
	struct skua_submit_options options = SKUA_SUBMIT_OPTIONS;
	int error;

	if (child->second == NOBODY)
		return;
	options.drop_arg = drop_watch;
	skua_future_retain(child->future);
	error = skua_submit_with(pool_of(child), watch, child, &options, NULL);
	if (!error)
		return;
	/* As the child itself was accepted, only a close may have come. */
	EXPECT(child, error == SKUA_ECLOSED);
	skua_future_release(child->future);
}

/* ---- starting ---- */

static void submitted(struct node *child, int error)
{
	if (error) {
		EXPECT(child, error == SKUA_ECLOSED);
		child->outcome = REFUSED;
		return;
	}
	if (child->settle == DROP) {
		child->outcome = LET_GO;
		return;
	}
	if (child->cancel)
		try_cancel(child, child->future);
	bring_second(child);
}

static int submit_with(struct node *child, struct skua_future **out)
{
	struct skua_submit_options options = SKUA_SUBMIT_OPTIONS;

	options.drop_arg = drop_arg;
	options.drop_result = drop_result;
	options.name = "soak";
	return skua_submit_with(pool_of(child), run_plain, child, &options,
				out);
}

void launch_many(struct node *children)
{
	struct skua_future *futures[NODES_MOST];
	void *args[NODES_MOST];
	bool wanted = children->settle != DROP;
	int error;

	for (uint32_t i = 0; i < children->group; i++)
		args[i] = &children[i];
	error = skua_submit_many(pool_of(children), run_plain, args,
				 children->group, wanted ? futures : NULL);
	for (uint32_t i = 0; i < children->group; i++) {
		if (wanted && !error)
			children[i].future = futures[i];
		submitted(&children[i], error);
	}
}

static void call(struct node *child, uintptr_t value)
{
	child->outcome = RETURNED;
	child->taken = value;
}

/* visit_run(), which tells no code and no value of one that failed. */
static void run(struct node *child)
{
	int error = visit_run(pool_of(child), &child->taken, child);

	if (error == SKUA_ECLOSED)
		child->outcome = REFUSED;
	else if (error == SKUA_ECANCELLED)
		child->outcome = CANCELLED;
	else if (error == SKUA_EFAILED)
		child->outcome = FAILED;
	else
		child->outcome = RETURNED;
	EXPECT(child, !error || child->outcome != RETURNED);
}

void launch(struct node *parent, struct node *child, skua_here *here)
{
	struct skua_future **out = child->settle == DROP ? NULL :
							   &child->future;

	switch (child->launch) {
	case FORK:
		visit_fork(here, child);
		break;
	case CALL:
		call(child, visit(*here, child));
		break;
	case RUN:
		run(child);
		break;
	case BOX:
		submitted(child, visit_submit(pool_of(child), out, child));
		break;
	case SUBMIT:
		submitted(child,
			  skua_submit(pool_of(child), run_plain, child, out));
		break;
	case POST:
		submitted(child, skua_post(pool_of(child), run_post, child));
		break;
	case WITH:
		submitted(child, submit_with(child, out));
		break;
	case GUEST:
		EXPECT(parent, pthread_create(&child->thread, NULL, run_thread,
					      child) == 0);
		break;
	case NEST:
		call(child, perform(child, NULL));
		break;
	case MANY:
		break;
	}
}

/* ---- and ending ---- */

int box_result(struct node *child, uintptr_t *value)
{
	return visit_result(child->future, 0, value);
}

void settle(struct node *child, skua_here *here)
{
	if (child->outcome != NOTHING)
		return;
	if (child->launch == FORK)
		call(child, visit_join(here));
	else if (child->launch == GUEST)
		settle_thread(child);
	else
		settle_future(child);
}
