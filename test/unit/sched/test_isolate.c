/* SPDX-License-Identifier: MIT */
/*
 * test_isolate.c - skua_isolate(): a plain mutex held across waits, and that
 * nothing else gets onto the thread; and that a wait never runs anything on top
 * of the stack that waits (promise 3).
 *
 * The mutex is one that tells a thread that has it already: that is how a
 * stranger on the thread of the task that holds it shows. If it waits on another
 * thread instead, it must not keep what the holder waits for from running.
 */
#include "isolate_test.h"

/* --- The call. --- */

static void count_call(void *arg)
{
	atomic_fetch_add((atomic_size_t *)arg, 1);
}

static void *call_in_task(void *arg)
{
	CHECK(skua_isolate(NULL, arg) == SKUA_EINVAL);
	CHECK(skua_isolate(count_call, arg) == 0);
	return NULL;
}

static void call_body(struct skua_pool *pool, unsigned workers)
{
	static atomic_size_t calls;

	(void)workers;
	atomic_store(&calls, 0);
	call_in_task(&calls);
	cr_assert_eq(atomic_load(&calls), 1);
	take(submit(pool, call_in_task, &calls));
	cr_assert_eq(atomic_load(&calls), 2);
}

Test(isolate, calls_the_function_in_tasks_and_threads, .timeout = LIMIT)
{
	with_pools(call_body);
}

static void *call_without_stack(void *arg)
{
	CHECK(skua_isolate(count_call, arg) == SKUA_ENOMEM);
	CHECK(skua_isolate(NULL, arg) == SKUA_EINVAL);
	return NULL;
}

Test(isolate, without_a_stack_it_is_not_called, .timeout = LIMIT)
{
	struct skua_pool *pool = open_starved(0);
	atomic_size_t calls = 0;

	take(submit(pool, call_without_stack, &calls));
	cr_assert_eq(atomic_load(&calls), 0);
	/* And nothing is left of it. */
	take(submit(pool, do_nothing, NULL));
	cr_assert_eq(skua_pool_close(pool, SKUA_CLOSE_WAIT), 0);
	settle(1);
}

/* --- Without it. --- */

static void *give_way(void *arg)
{
	for (int i = 0; i < 200; i++)
		skua_yield();
	return arg;
}

static void wait_for_one(void *arg)
{
	(void)arg;
	take(submit(skua_pool_current(), give_way, NULL));
}

struct holder {
	bool isolated;
};

static void *hold_plain(void *arg)
{
	struct holder *holder = arg;

	CHECK(pthread_mutex_lock(&plain) == 0);
	post_strangers(skua_pool_current(), 1);
	if (holder->isolated)
		CHECK(skua_isolate(wait_for_one, NULL) == 0);
	else
		wait_for_one(NULL);
	CHECK(pthread_mutex_unlock(&plain) == 0);
	return NULL;
}

/* One worker: what comes in comes onto this thread. */
static size_t count_intrusions(bool isolated)
{
	struct skua_pool *pool = open_pool(1);
	struct holder holder = { isolated };

	begin();
	take(submit(pool, hold_plain, &holder));
	CHECK(skua_pool_close(pool, SKUA_CLOSE_WAIT) == 0);
	CHECK(atomic_load(&strangers) == 1);
	settle(1);
	return atomic_load(&intrusions);
}

Test(isolate, keeps_a_stranger_out_that_comes_in_without_it, .timeout = LIMIT)
{
	cr_assert_eq(count_intrusions(false), 1);
	cr_assert_eq(count_intrusions(true), 0);
}

/* --- Promise 3: never on top of the stack that waits. --- */

static uintptr_t waiting_at;
static atomic_size_t on_top;

/* A frame on the same stack is near; another stack, of a MiB at least, is not.
 * Inlined or not, here is the stack that it runs on. */
static void note_where(void *arg)
{
	volatile char here = 0;
	uintptr_t at = (uintptr_t)&here;
	uintptr_t apart = at < waiting_at ? waiting_at - at : at - waiting_at;

	(void)arg;
	atomic_fetch_add(&ran, 1);
	if (apart < 1 << 17)
		atomic_fetch_add(&on_top, 1);
}

static void *wait_under_others(void *arg)
{
	char here = 0;
	struct skua_pool *pool = skua_pool_current();

	(void)arg;
	waiting_at = (uintptr_t)&here;
	for (int i = 0; i < STRANGERS; i++)
		CHECK(skua_post(pool, note_where, NULL) == 0);
	take(submit(pool, give_way, NULL));
	CHECK(atomic_load(&ran) == STRANGERS);
	CHECK(atomic_load(&on_top) == 0);
	/* As a runtime would that helps on the stack of who waits. */
	note_where(NULL);
	return NULL;
}

Test(isolate, a_wait_runs_nothing_on_top_of_its_stack, .timeout = LIMIT)
{
	struct skua_pool *pool = open_pool(1);

	begin();
	atomic_store(&on_top, 0);
	take(submit(pool, wait_under_others, NULL));
	cr_assert_eq(atomic_load(&on_top), 1);
	cr_assert_eq(skua_pool_close(pool, SKUA_CLOSE_WAIT), 0);
	settle(1);
}

/* --- Each way to wait for what was started inside. --- */

SKUA_TASK(long, fib, int, n)
{
	if (n < 2)
		return n;
	fib_fork(&here, n - 1);
	long right = fib(here, n - 2);
	return fib_join(&here) + right;
}

static void *compute(void *arg)
{
	long value = 0;

	CHECK(fib_run(skua_pool_current(), &value, 12) == 0);
	CHECK(value == 144);
	return arg;
}

static void inside_fork_join(void *arg)
{
	compute(arg);
}

/* Leaves that yield, fork and wait. */
SKUA_TASK_VOID(branch, int, height)
{
	if (!height) {
		compute(NULL);
		skua_yield();
		atomic_fetch_add(&ran, 1);
		return;
	}
	branch_fork(&here, height - 1);
	branch(here, height - 1);
	branch_join(&here);
}

static void inside_tree(void *arg)
{
	(void)arg;
	CHECK(branch_run(skua_pool_current(), 5) == 0);
}

static void *sleep_a_little(void *arg)
{
	CHECK(skua_sleep(20000) == 0);
	return arg;
}

static void inside_futures(void *arg)
{
	struct skua_future *futures[16];
	struct skua_pool *pool = skua_pool_current();

	(void)arg;
	for (size_t i = 0; i < 16; i++)
		futures[i] = submit(pool, i % 2 ? compute : sleep_a_little,
				    number(i));
	for (size_t i = 0; i < 16; i++)
		CHECK(take(futures[i]) == number(i));
}

/* Adds to the group, and ends before what it has added has begun. */
static int grow(skua_here here, void *arg)
{
	struct skua_group *group = arg;

	(void)here;
	if (atomic_fetch_add(&ran, 1) % 8)
		return 0;
	skua_yield();
	for (int i = 0; i < 3; i++)
		CHECK(skua_group_run(group, grow, group) == 0);
	return 0;
}

static void inside_group(void *arg)
{
	struct skua_group group;

	(void)arg;
	CHECK(skua_group_init(&group, skua_pool_current()) == 0);
	for (int i = 0; i < 8; i++)
		CHECK(skua_group_run(&group, grow, &group) == 0);
	CHECK(skua_group_wait(&group, SKUA_FOREVER) == 0);
	CHECK(skua_group_destroy(&group) == 0);
}

struct shared {
	struct skua_mutex mutex;
	size_t count;
};

static void *count_locked(void *arg)
{
	struct shared *shared = arg;

	for (int i = 0; i < 10; i++) {
		CHECK(skua_mutex_lock(&shared->mutex) == 0);
		shared->count++;
		skua_yield();
		CHECK(skua_mutex_unlock(&shared->mutex) == 0);
	}
	return NULL;
}

static void inside_locks(void *arg)
{
	struct shared shared = { SKUA_MUTEX_INIT, 0 };
	struct skua_future *futures[4];

	(void)arg;
	for (size_t i = 0; i < 4; i++)
		futures[i] = submit(skua_pool_current(), count_locked, &shared);
	for (size_t i = 0; i < 4; i++)
		take(futures[i]);
	CHECK(shared.count == 40);
}

/* Another mutex, held inside, which the children of the outer one want. */
static pthread_mutex_t inner;

static void under_inner(void *arg)
{
	compute(arg);
	inside_tree(arg);
}

static void *want_inner(void *arg)
{
	CHECK(pthread_mutex_lock(&inner) == 0);
	CHECK(skua_isolate(under_inner, arg) == 0);
	CHECK(pthread_mutex_unlock(&inner) == 0);
	return arg;
}

static void inside_nested(void *arg)
{
	struct skua_future *futures[6];

	for (size_t i = 0; i < 6; i++)
		futures[i] = submit(skua_pool_current(), want_inner, arg);
	want_inner(arg);
	for (size_t i = 0; i < 6; i++)
		take(futures[i]);
}

Test(isolate, fork_join_under_a_plain_mutex, .timeout = LIMIT)
{
	try_inside(inside_fork_join);
}

Test(isolate, trees_that_wait_under_a_plain_mutex, .timeout = LIMIT)
{
	try_inside(inside_tree);
}

Test(isolate, futures_under_a_plain_mutex, .timeout = LIMIT)
{
	try_inside(inside_futures);
}

Test(isolate, growing_groups_under_a_plain_mutex, .timeout = LIMIT)
{
	try_inside(inside_group);
}

Test(isolate, locks_of_tasks_under_a_plain_mutex, .timeout = LIMIT)
{
	try_inside(inside_locks);
}

Test(isolate, one_in_another_under_two_plain_mutexes, .timeout = LIMIT)
{
	make_plain(&inner);
	try_inside(inside_nested);
}

/* --- All other workers stand at the mutex. --- */

static atomic_size_t at_the_mutex;

static void *stand_at_mutex(void *arg)
{
	atomic_fetch_add(&at_the_mutex, 1);
	CHECK(pthread_mutex_lock(&plain) == 0);
	CHECK(pthread_mutex_unlock(&plain) == 0);
	return arg;
}

static void *alone(void *arg)
{
	size_t others = (uintptr_t)arg;
	struct skua_pool *pool = skua_pool_current();

	CHECK(pthread_mutex_lock(&plain) == 0);
	for (size_t i = 0; i < others; i++)
		CHECK(skua_submit(pool, stand_at_mutex, NULL, NULL) == 0);
	while (atomic_load(&at_the_mutex) < others)
		sched_yield();
	CHECK(skua_isolate(inside_tree, NULL) == 0);
	CHECK(skua_isolate(inside_futures, NULL) == 0);
	CHECK(skua_isolate(inside_group, NULL) == 0);
	CHECK(pthread_mutex_unlock(&plain) == 0);
	return NULL;
}

static void alone_body(struct skua_pool *pool, unsigned workers)
{
	begin();
	atomic_store(&at_the_mutex, 0);
	take(submit(pool, alone, number(workers - 1)));
}

Test(isolate, goes_on_while_all_others_stand_at_the_mutex, .timeout = LIMIT)
{
	with_pools(alone_body);
}

/* --- Children forked with `here`. --- */

struct at {
	skua_here here;
	struct skua_event event;
	long value;
};

/* Wants the mutex: must not be run by the wait of who holds it. */
SKUA_TASK_VOID(older, int, unused)
{
	(void)here;
	(void)unused;
	stranger(NULL);
}

/* --- Who joins a child that isolates helps it, isolated too. --- */

/* Its frames are within reach for long, and wait. */
SKUA_TASK_VOID(twig, int, height)
{
	if (!height) {
		CHECK(skua_sleep(1000) == 0);
		atomic_fetch_add(&ran, 1);
		return;
	}
	twig_fork(&here, height - 1);
	twig_fork(&here, height - 1);
	skua_yield();
	twig_join(&here);
	twig_join(&here);
}

static void inside_twigs(void *arg)
{
	twig(((struct at *)arg)->here, 3);
}

SKUA_TASK_VOID(isolates, int, unused)
{
	struct at at = { .here = here };

	(void)unused;
	CHECK(pthread_mutex_lock(&plain) == 0);
	CHECK(skua_isolate(inside_twigs, &at) == 0);
	CHECK(pthread_mutex_unlock(&plain) == 0);
}

SKUA_TASK_VOID(joins_isolating, int, children)
{
	for (int i = 0; i < children; i++)
		if (i % 2)
			older_fork(&here, i);
		else
			isolates_fork(&here, i);
	post_strangers(skua_pool_current(), 2);
	for (int i = children; i-- > 0;)
		if (i % 2)
			older_join(&here);
		else
			isolates_join(&here);
}

/* What is won while a child is joined that holds the mutex must wait without
 * letting in the stranger who is next. */
static atomic_int step;

static void await_step(int value)
{
	while (atomic_load(&step) < value)
		sched_yield();
}

SKUA_TASK_VOID(grandchild, int, unused)
{
	(void)here;
	(void)unused;
	atomic_store(&step, 2);
	CHECK(skua_sleep(100000) == 0);
}

static void fork_grandchild(void *arg)
{
	struct at *at = arg;

	grandchild_fork(&at->here, 0);
	skua_show(at->here);
	atomic_store(&step, 1);
	await_step(2);
	grandchild_join(&at->here);
}

SKUA_TASK_VOID(child_that_holds, int, unused)
{
	struct at at = { .here = here };

	(void)unused;
	CHECK(pthread_mutex_lock(&plain) == 0);
	CHECK(skua_isolate(fork_grandchild, &at) == 0);
	CHECK(pthread_mutex_unlock(&plain) == 0);
}

SKUA_TASK_VOID(parent_that_helps, int, unused)
{
	(void)unused;
	child_that_holds_fork(&here, 0);
	skua_show(here);
	await_step(1);
	post_strangers(skua_pool_current(), 4);
	child_that_holds_join(&here);
}

Test(isolate, who_helps_a_child_that_isolates_is_isolated, .timeout = LIMIT)
{
	struct skua_pool *pool = open_pool(2);

	for (int i = 0; i < 20; i++) {
		begin();
		atomic_store(&step, 0);
		CHECK(parent_that_helps_run(pool, 0) == 0);
		await_strangers(4);
		CHECK(atomic_load(&intrusions) == 0);
	}
	cr_assert_eq(skua_pool_close(pool, SKUA_CLOSE_WAIT), 0);
	settle(2);
}

static void joins_isolating_body(struct skua_pool *pool, unsigned workers)
{
	int rounds = workers > 8 ? 10 : 100;

	begin();
	for (int i = 0; i < rounds; i++)
		CHECK(joins_isolating_run(pool, 1 + i % 6) == 0);
	await_strangers((size_t)rounds * 2);
	CHECK(atomic_load(&intrusions) == 0);
}

Test(isolate, children_that_isolate_are_joined, .timeout = LIMIT)
{
	with_pools(joins_isolating_body);
}

/* --- ... before and inside. --- */

SKUA_TASK_VOID(set_event, struct at *, at)
{
	(void)here;
	CHECK(skua_event_set(&at->event) == 0);
}

/* What it waits for is its own child, and no join. */
static void wait_for_child(void *arg)
{
	struct at *at = arg;

	set_event_fork(&at->here, at);
	CHECK(skua_event_wait(&at->event) == 0);
	set_event_join(&at->here);
	CHECK(skua_event_clear(&at->event) == 0);
}

static void in_two_regions(void *arg)
{
	struct at *at = arg;

	fib_fork(&at->here, 8);
	wait_for_child(at);
	CHECK(skua_isolate(wait_for_child, at) == 0);
	CHECK(fib_join(&at->here) == 21);
	CHECK(skua_isolate(wait_for_child, at) == 0);
}

SKUA_TASK_VOID(forks_around, int, children)
{
	struct at at = { .event = SKUA_EVENT_INIT };

	for (int i = 0; i < children; i++)
		older_fork(&here, i);
	at.here = here;
	CHECK(pthread_mutex_lock(&plain) == 0);
	CHECK(skua_isolate(wait_for_child, &at) == 0);
	CHECK(skua_isolate(in_two_regions, &at) == 0);
	CHECK(at.here == here);
	CHECK(pthread_mutex_unlock(&plain) == 0);
	for (int i = 0; i < children; i++)
		older_join(&here);
}

static void forks_around_body(struct skua_pool *pool, unsigned workers)
{
	int rounds = workers > 8 ? 20 : 200;

	begin();
	for (int i = 0; i < rounds; i++)
		CHECK(forks_around_run(pool, i % 40) == 0);
	CHECK(atomic_load(&intrusions) == 0);
}

Test(isolate, children_forked_before_and_inside, .timeout = LIMIT)
{
	with_pools(forks_around_body);
}

static void join_inside(void *arg)
{
	struct at *at = arg;

	wait_for_child(at);
	at->value += fib_join(&at->here);
	wait_for_child(at);
	at->value += fib_join(&at->here);
	at->value += fib_join(&at->here);
	wait_for_child(at);
	fib_fork(&at->here, 7);
	at->value += fib_join(&at->here);
}

SKUA_TASK_VOID(joins_inside, int, children)
{
	struct at at = { .event = SKUA_EVENT_INIT };

	for (int i = 0; i < children; i++)
		fib_fork(&here, 7);
	at.here = here;
	CHECK(skua_isolate(join_inside, &at) == 0);
	here = at.here;
	for (int i = 3; i < children; i++)
		at.value += fib_join(&here);
	CHECK(at.value == 13L * (children + 1));
}

static void joins_inside_body(struct skua_pool *pool, unsigned workers)
{
	int rounds = workers > 8 ? 20 : 200;

	for (int i = 0; i < rounds; i++)
		CHECK(joins_inside_run(pool, 3 + i) == 0);
	/* Around the end of a segment. */
	for (int i = 1010; i < 1030; i++)
		CHECK(joins_inside_run(pool, i) == 0);
}

Test(isolate, children_forked_before_are_joined_inside, .timeout = LIMIT)
{
	with_pools(joins_inside_body);
}

/* In a region in another they are joined, too, and what the outer one forks then
 * in their place is inside: who has it lets nobody else onto his thread. */
static atomic_int waits_on; /* the worker, from 1 */

static void look_at_worker(void *arg)
{
	(void)arg;
	if (atomic_load(&waits_on) == skua_worker() + 1)
		atomic_fetch_add(&intrusions, 1);
	atomic_fetch_add(&strangers, 1);
}

SKUA_TASK_VOID(waits_elsewhere, int, unused)
{
	(void)here;
	(void)unused;
	atomic_store(&waits_on, skua_worker() + 1);
	atomic_store(&step, 1);
	await_step(2);
	give_way(NULL);
	atomic_store(&waits_on, 0);
}

static void join_three(void *arg)
{
	struct at *at = arg;

	for (int i = 0; i < 3; i++)
		at->value += fib_join(&at->here);
}

static void join_three_in_another(void *arg)
{
	struct at *at = arg;

	CHECK(skua_isolate(join_three, at) == 0);
	waits_elsewhere_fork(&at->here, 0);
	skua_show(at->here);
	await_step(1);
	waits_elsewhere_join(&at->here);
}

SKUA_TASK_VOID(joins_in_another, int, children)
{
	struct at at = { .value = 0 };

	for (int i = 0; i < children; i++)
		fib_fork(&here, 7);
	at.here = here;
	CHECK(skua_isolate(join_three_in_another, &at) == 0);
	here = at.here;
	for (int i = 3; i < children; i++)
		at.value += fib_join(&here);
	CHECK(at.value == 13L * children);
}

Test(isolate, children_are_joined_in_a_region_in_another, .timeout = LIMIT)
{
	struct skua_pool *pool = open_pool(2);

	begin();
	/* Around the end of a segment. */
	for (int i = 1010; i < 1030; i++) {
		struct skua_future *future;

		atomic_store(&step, 0);
		CHECK(joins_in_another_submit(pool, &future, i) == 0);
		await_step(1);
		for (int k = 0; k < 4; k++)
			CHECK(skua_post(pool, look_at_worker, NULL) == 0);
		atomic_store(&step, 2);
		CHECK(joins_in_another_result(future, SKUA_FOREVER) == 0);
		skua_future_release(future);
	}
	await_strangers(20 * 4);
	CHECK(atomic_load(&intrusions) == 0);
	cr_assert_eq(skua_pool_close(pool, SKUA_CLOSE_WAIT), 0);
	settle(2);
}

/* --- Thread-local variables. --- */

static _Thread_local int local;

static void look_at_local(void *arg)
{
	(void)arg;
	if (local)
		atomic_fetch_add(&intrusions, 1);
	atomic_fetch_add(&strangers, 1);
}

static void *change_local(void *arg)
{
	for (int i = 0; i < 4; i++)
		CHECK(skua_post(skua_pool_current(), look_at_local, NULL) == 0);
	local = 1;
	CHECK(skua_isolate(inside_tree, arg) == 0);
	CHECK(skua_isolate(inside_futures, arg) == 0);
	CHECK(local == 1);
	local = 0;
	return NULL;
}

static void local_body(struct skua_pool *pool, unsigned workers)
{
	struct skua_future *futures[20];

	(void)workers;
	begin();
	for (size_t i = 0; i < 20; i++)
		futures[i] = submit(pool, change_local, NULL);
	for (size_t i = 0; i < 20; i++)
		take(futures[i]);
	await_strangers(20 * 4);
	CHECK(atomic_load(&intrusions) == 0);
}

Test(isolate, strangers_do_not_see_thread_locals, .timeout = LIMIT)
{
	with_pools(local_body);
}

/* --- What was begun before waits, and goes on after. --- */

static struct skua_event later;
static atomic_size_t done_later;

static void *wait_for_later(void *arg)
{
	if (arg)
		CHECK(skua_event_wait(&later) == 0);
	else
		while (!skua_event_is_set(&later))
			skua_yield();
	atomic_fetch_add(&done_later, 1);
	return NULL;
}

static void set_later(void *arg)
{
	CHECK(skua_event_set(&later) == 0);
	inside_futures(arg);
	/* One worker: none of them has been let onto this thread. */
	CHECK(atomic_load(&done_later) == 0);
}

static void *isolate_later(void *arg)
{
	CHECK(skua_isolate(set_later, arg) == 0);
	return NULL;
}

Test(isolate, suspended_tasks_go_on_when_it_ends, .timeout = LIMIT)
{
	struct skua_pool *pool = open_pool(1);
	struct skua_future *futures[100];

	atomic_store(&done_later, 0);
	for (size_t i = 0; i < 100; i++)
		futures[i] = submit(pool, wait_for_later, number(i % 2));
	take(submit(pool, isolate_later, NULL));
	for (size_t i = 0; i < 100; i++)
		take(futures[i]);
	cr_assert_eq(skua_pool_close(pool, SKUA_CLOSE_WAIT), 0);
	settle(1);
}

/* --- What is left inside when it returns. --- */

static struct skua_future *leftover;

static void leave_some(void *arg)
{
	(void)arg;
	for (int i = 0; i < 4; i++)
		CHECK(skua_submit(skua_pool_current(), sleep_a_little, NULL,
				  NULL) == 0);
	leftover = submit(skua_pool_current(), give_way, NULL);
	skua_yield();
}

static void *leave_and_go_on(void *arg)
{
	CHECK(skua_isolate(leave_some, arg) == 0);
	CHECK(skua_isolate(inside_futures, arg) == 0);
	take(leftover);
	return NULL;
}

static void leftover_body(struct skua_pool *pool, unsigned workers)
{
	(void)workers;
	for (int i = 0; i < 20; i++)
		take(submit(pool, leave_and_go_on, NULL));
}

Test(isolate, what_is_left_inside_goes_on_after, .timeout = LIMIT)
{
	with_pools(leftover_body);
}

/* Nobody is isolated any more for those: the newer one may wait for the older. */
static struct skua_event older_has_run;

static void set_older(void *arg)
{
	(void)arg;
	CHECK(skua_event_set(&older_has_run) == 0);
}

static void *wait_for_older(void *arg)
{
	atomic_fetch_add(&ran, 1);
	if (arg)
		CHECK(skua_event_wait(&older_has_run) == 0);
	else
		while (!skua_event_is_set(&older_has_run))
			skua_yield();
	return arg;
}

static void leave_two(void *arg)
{
	struct skua_pool *pool = skua_pool_current();

	CHECK(skua_event_clear(&older_has_run) == 0);
	CHECK(skua_post(pool, set_older, arg) == 0);
	leftover = submit(pool, wait_for_older, arg);
}

static void *leave_two_and_wait(void *arg)
{
	CHECK(skua_isolate(leave_two, arg) == 0);
	take(leftover);
	return NULL;
}

static void leave_two_body(struct skua_pool *pool, unsigned workers)
{
	(void)workers;
	for (int i = 0; i < 20; i++)
		take(submit(pool, leave_two_and_wait, number(i % 2)));
}

Test(isolate, what_is_left_may_wait_for_what_is_left, .timeout = LIMIT)
{
	with_pools(leave_two_body);
}

/* The other worker has begun one of them: it runs what else there is, as soon
 * as the region has ended. */
static void leave_one_elsewhere(void *arg)
{
	CHECK(skua_event_clear(&older_has_run) == 0);
	leftover = submit(skua_pool_current(), wait_for_older, arg);
	while (!atomic_load(&ran))
		sched_yield();
}

static void *leave_one_and_be_busy(void *arg)
{
	atomic_store(&ran, 0);
	CHECK(skua_isolate(leave_one_elsewhere, arg) == 0);
	CHECK(skua_post(skua_pool_current(), set_older, arg) == 0);
	while (!skua_event_is_set(&older_has_run))
		sched_yield();
	take(leftover);
	return NULL;
}

Test(isolate, no_worker_is_isolated_when_it_has_ended, .timeout = LIMIT)
{
	struct skua_pool *pool = open_pool(2);

	for (int i = 0; i < SCALED(400); i++)
		take(submit(pool, leave_one_and_be_busy, number(i % 2)));
	cr_assert_eq(skua_pool_close(pool, SKUA_CLOSE_WAIT), 0);
	settle(2);
}

/* --- Pools that pause, shrink, are full, or close. --- */

static void submit_while_paused(void *arg)
{
	struct gate *gate = arg;
	struct skua_future *future;

	CHECK(skua_pool_pause(skua_pool_current()) == 0);
	future = submit(skua_pool_current(), compute, NULL);
	gate_arrive(gate);
	take(future);
}

static void *isolate_while_paused(void *arg)
{
	CHECK(skua_isolate(submit_while_paused, arg) == 0);
	return NULL;
}

static void paused_body(struct skua_pool *pool, unsigned workers)
{
	static struct gate gate;

	(void)workers;
	for (int i = 0; i < 50; i++) {
		struct skua_future *future;

		gate_close(&gate);
		future = submit(pool, isolate_while_paused, &gate);
		gate_await(&gate, 1);
		cr_assert_eq(skua_pool_resume(pool), 0);
		take(future);
	}
}

Test(isolate, a_paused_pool_goes_on, .timeout = LIMIT)
{
	with_pools(paused_body);
}

static void submit_while_dismissed(void *arg)
{
	struct gate *gate = arg;

	gate_arrive(gate);
	gate_pass(gate);
	inside_futures(NULL);
	inside_tree(NULL);
}

static void *isolate_while_dismissed(void *arg)
{
	CHECK(skua_isolate(submit_while_dismissed, arg) == 0);
	return NULL;
}

static void dismissed_body(struct skua_pool *pool, unsigned workers)
{
	static struct gate gate;
	struct skua_future *future;

	gate_close(&gate);
	future = submit(pool, isolate_while_dismissed, &gate);
	gate_await(&gate, 1);
	cr_assert_eq(skua_pool_resize(pool, 0), 0);
	gate_open(&gate);
	take(future);
	cr_assert_eq(skua_pool_resize(pool, workers), 0);
	take(submit(pool, compute, NULL));
}

Test(isolate, a_dismissed_worker_ends_what_it_has_begun, .timeout = LIMIT)
{
	with_pools(dismissed_body);
}

static void bounded_body(size_t max_pending, unsigned workers)
{
	struct skua_pool_options options = SKUA_POOL_OPTIONS;
	struct skua_future *futures[10];
	struct skua_pool *pool;

	options.workers = workers;
	options.max_pending = max_pending;
	cr_assert_eq(skua_pool_open(&pool, &options), 0);
	begin();
	inside_now = inside_futures;
	for (size_t i = 0; i < 10; i++) {
		post_strangers(pool, 2);
		futures[i] = submit(pool, locked, &inside_now);
	}
	for (size_t i = 0; i < 10; i++)
		take(futures[i]);
	await_strangers(20);
	CHECK(atomic_load(&intrusions) == 0);
	CHECK(skua_pool_close(pool, SKUA_CLOSE_WAIT) == 0);
}

static void bounded_by_number(unsigned workers)
{
	bounded_body(1, workers);
	bounded_body(5, workers);
}

static void bounded_by_workers(unsigned workers)
{
	bounded_body(SKUA_NO_QUEUE, workers);
}

Test(isolate, a_full_pool_is_submitted_to, .timeout = LIMIT)
{
	with_workers(bounded_by_number);
}

Test(isolate, a_pool_without_a_queue_is_submitted_to, .timeout = LIMIT)
{
	with_workers(bounded_by_workers);
}

/* Two jobs inside, one place, and a stranger's job before them. */
static void *yield_once(void *arg)
{
	skua_yield();
	return arg;
}

static void submit_two_at_once(void *arg)
{
	void *args[2] = { arg, arg };
	struct skua_future *futures[2];

	CHECK(skua_submit_many(skua_pool_current(), yield_once, args, 2,
			       futures) == 0);
	take(futures[0]);
	take(futures[1]);
}

/* The second waits for what its submitter does after the submit. */
static struct skua_event submitted;

static void *await_submitter(void *arg)
{
	CHECK(skua_event_wait(&submitted) == 0);
	return arg;
}

static void submit_one_that_waits(void *arg)
{
	struct skua_future *futures[40];

	CHECK(skua_event_clear(&submitted) == 0);
	for (size_t i = 0; i < 40; i++)
		futures[i] = submit(skua_pool_current(), await_submitter, arg);
	CHECK(skua_event_set(&submitted) == 0);
	for (size_t i = 0; i < 40; i++)
		take(futures[i]);
}

static void *hold_when_full(void *arg)
{
	void (**inside)(void *) = arg;

	CHECK(pthread_mutex_lock(&plain) == 0);
	post_strangers(skua_pool_current(), 1);
	CHECK(skua_isolate(*inside, NULL) == 0);
	CHECK(pthread_mutex_unlock(&plain) == 0);
	return NULL;
}

static void full_body(void (*inside)(void *))
{
	struct skua_pool_options options = SKUA_POOL_OPTIONS;
	struct skua_pool *pool;

	options.workers = 1;
	options.max_pending = 2;
	cr_assert_eq(skua_pool_open(&pool, &options), 0);
	begin();
	take(submit(pool, hold_when_full, &inside));
	CHECK(skua_pool_close(pool, SKUA_CLOSE_WAIT) == 0);
	CHECK(atomic_load(&strangers) == 1);
	CHECK(atomic_load(&intrusions) == 0);
	settle(1);
}

Test(isolate, many_at_once_in_a_full_pool, .timeout = LIMIT)
{
	full_body(submit_two_at_once);
}

Test(isolate, a_job_in_a_full_pool_may_wait_for_its_submitter, .timeout = LIMIT)
{
	full_body(submit_one_that_waits);
}

static struct gate closing;

static void wait_for_cancelled(void *arg)
{
	struct skua_future *future =
		submit(skua_pool_current(), do_nothing, arg);
	int error;

	gate_arrive(&closing);
	gate_pass(&closing);
	error = skua_future_result(future, SKUA_FOREVER, NULL);
	CHECK(error == SKUA_ECANCELLED || error == 0);
	skua_future_release(future);
}

static void *isolate_while_closing(void *arg)
{
	CHECK(skua_isolate(wait_for_cancelled, arg) == 0);
	return NULL;
}

static void closing_body(unsigned workers)
{
	static const unsigned flags[] = { SKUA_CLOSE_WAIT, SKUA_CLOSE_CANCEL };

	for (size_t i = 0; i < 2; i++) {
		struct skua_pool *pool = open_pool(workers);

		gate_close(&closing);
		CHECK(skua_submit(pool, isolate_while_closing, NULL, NULL) ==
		      0);
		gate_await(&closing, 1);
		CHECK(skua_pool_shutdown(pool, flags[i] | SKUA_CLOSE_DETACH) ==
		      0);
		gate_open(&closing);
		CHECK(skua_pool_shutdown(pool, SKUA_CLOSE_WAIT) == 0);
		skua_pool_release(pool);
	}
}

Test(isolate, a_pool_that_closes_ends_it_first, .timeout = LIMIT)
{
	with_workers(closing_body);
}

/* --- Groups that are cancelled, guests. --- */

static int cancel_own(skua_here here, void *arg)
{
	(void)here;
	(void)skua_group_cancel(arg);
	return 0;
}

static void group_that_is_cancelled(void *arg)
{
	struct skua_group group;

	(void)arg;
	CHECK(skua_group_init(&group, skua_pool_current()) == 0);
	for (int i = 0; i < 20; i++)
		CHECK(skua_group_run(&group, cancel_own, &group) == 0);
	CHECK(skua_group_wait(&group, SKUA_FOREVER) == SKUA_ECANCELLED);
	CHECK(skua_group_destroy(&group) == 0);
}

Test(isolate, a_group_is_cancelled_under_a_plain_mutex, .timeout = LIMIT)
{
	try_inside(group_that_is_cancelled);
}

/* From a thread: its waits block, as always. No stranger wants the mutex. */
static void from_thread(void *arg)
{
	struct skua_pool *pool = arg;
	long value = 0;

	CHECK(fib_run(pool, &value, 12) == 0);
	CHECK(value == 144);
	take(submit(pool, sleep_a_little, NULL));
}

static void thread_body(struct skua_pool *pool, unsigned workers)
{
	(void)workers;
	begin();
	CHECK(pthread_mutex_lock(&plain) == 0);
	CHECK(skua_isolate(from_thread, pool) == 0);
	CHECK(pthread_mutex_unlock(&plain) == 0);
}

Test(isolate, waits_of_a_thread_block, .timeout = LIMIT)
{
	with_pools(thread_body);
}

/* --- Jobs that submit themselves until an older one has run. --- */

static atomic_bool old_has_run;

static void run_old(void *arg)
{
	(void)arg;
	atomic_store(&old_has_run, true);
}

static void submit_itself(void *arg)
{
	/* Far more often than it takes, and yet no hang. */
	if (!atomic_load(&old_has_run) && atomic_fetch_add(&ran, 1) < 1000000)
		CHECK(skua_post(skua_pool_current(), submit_itself, arg) == 0);
}

static void post_restless(void *arg)
{
	struct skua_pool *pool = skua_pool_current();

	CHECK(skua_post(pool, run_old, NULL) == 0);
	for (int i = 0; i < 20; i++)
		CHECK(skua_post(pool, submit_itself, arg) == 0);
	while (!atomic_load(&old_has_run) && atomic_load(&ran) < 1000000)
		CHECK(skua_sleep(1000) == 0);
}

static void *hold_restless(void *arg)
{
	CHECK(pthread_mutex_lock(&plain) == 0);
	post_strangers(skua_pool_current(), 4);
	CHECK(skua_isolate(post_restless, arg) == 0);
	CHECK(pthread_mutex_unlock(&plain) == 0);
	return NULL;
}

Test(isolate, the_oldest_job_has_its_turn, .timeout = LIMIT)
{
	struct skua_pool *pool = open_pool(1);

	begin();
	atomic_store(&old_has_run, false);
	take(submit(pool, hold_restless, NULL));
	CHECK(atomic_load(&old_has_run));
	CHECK(skua_pool_close(pool, SKUA_CLOSE_WAIT) == 0);
	CHECK(atomic_load(&strangers) == 4 && !atomic_load(&intrusions));
	settle(1);
}

/* --- Deep nesting: each level has a mutex of its own. --- */

enum {
	LEVELS = 40
};

static pthread_mutex_t level_mutex[LEVELS];

static void *descend(void *arg);

static void go_down(void *arg)
{
	uintptr_t level = (uintptr_t)arg;

	take(submit(skua_pool_current(), descend, number(level + 1)));
	compute(NULL);
}

static void *descend(void *arg)
{
	uintptr_t level = (uintptr_t)arg;

	if (level == LEVELS)
		return NULL;
	CHECK(pthread_mutex_lock(&level_mutex[level]) == 0);
	CHECK(skua_isolate(go_down, arg) == 0);
	CHECK(pthread_mutex_unlock(&level_mutex[level]) == 0);
	return NULL;
}

static void levels_body(struct skua_pool *pool, unsigned workers)
{
	struct skua_future *futures[8];

	(void)workers;
	for (size_t i = 0; i < LEVELS; i++)
		make_plain(&level_mutex[i]);
	for (size_t i = 0; i < 8; i++)
		futures[i] = submit(pool, descend, number(0));
	for (size_t i = 0; i < 8; i++)
		take(futures[i]);
}

Test(isolate, many_levels_each_with_a_mutex, .timeout = LIMIT)
{
	with_pools(levels_body);
}
