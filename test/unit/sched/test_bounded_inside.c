/* SPDX-License-Identifier: MIT */
/* Bounded pools from inside: a worker that submits never deadlocks itself. */
#include "bounded_test.h"

enum {
	PLACES = 3
};

SKUA_TASK(int, add_one, int, n)
{
	(void)here;
	return n + 1;
}

struct flood {
	struct skua_pool *pool;
	atomic_size_t *ran;
	size_t jobs;
};

/* ---- a task and its own pool ---- */

static void *flood(void *arg)
{
	struct flood *me = arg;

	for (size_t i = 0; i < me->jobs; i++)
		CHECK(skua_submit(me->pool, count_up, me->ran, NULL) == 0);
	return arg;
}

static void own_pool_body(unsigned workers)
{
	for (size_t places = 1; places <= PLACES; places++) {
		struct skua_pool *pool = open_bounded(workers, places);
		atomic_size_t ran = 0;
		struct flood me = { pool, &ran, SCALED(2000) };
		struct skua_future *floods[8];

		for (int i = 0; i < 8; i++)
			floods[i] = submit(pool, flood, &me);
		for (int i = 0; i < 8; i++)
			take(floods[i]);
		close_pool(pool);
		CHECK(atomic_load(&ran) == 8 * me.jobs);
	}
}

/* "A worker that submits to its own full pool never deadlocks": one worker,
 * one place too. */
Test(bounded_inside, tasks_fill_their_own_pool, .timeout = LIMIT)
{
	with_workers(own_pool_body);
}

/* With one worker the job in the only place has run when the submit returns, or
 * there would be no place. */
static void *submit_three(void *arg)
{
	struct flood *me = arg;

	CHECK(skua_submit(me->pool, count_up, me->ran, NULL) == 0);
	CHECK(atomic_load(me->ran) == 0);
	CHECK(try_submit(me->pool, count_up, me->ran) == SKUA_EFULL);
	CHECK(skua_submit(me->pool, count_up, me->ran, NULL) == 0);
	CHECK(atomic_load(me->ran) == 1);
	CHECK(submit_within(me->pool, count_up, me->ran, SKUA_SECONDS(1000),
			    NULL) == 0);
	CHECK(atomic_load(me->ran) == 2);
	return arg;
}

Test(bounded_inside, a_wait_for_room_lets_the_queue_drain, .timeout = LIMIT)
{
	struct skua_pool *pool = open_bounded(1, 1);
	atomic_size_t ran = 0;
	struct flood me = { pool, &ran, 0 };

	take(submit(pool, submit_three, &me));
	close_pool(pool);
	CHECK(atomic_load(&ran) == 3);
}

/* In a task a timeout runs out too. */
static void *time_out(void *arg)
{
	struct flood *me = arg;

	CHECK(submit_within(me->pool, count_up, me->ran, SKUA_MILLISECONDS(1),
			    NULL) == SKUA_ETIMEDOUT);
	return arg;
}

Test(bounded_inside, timeouts_run_out_in_tasks, .timeout = LIMIT)
{
	static struct gate gate;
	struct skua_pool *pool = open_bounded(1, PLACES);
	struct skua_pool *other = open_pool(1);
	struct skua_future *futures[20];
	atomic_size_t ran = 0;
	struct flood me = { pool, &ran, 0 };

	gate_close(&gate);
	hold_workers(pool, &gate, 1);
	CHECK(fill(pool) == PLACES);
	for (int i = 0; i < 20; i++)
		futures[i] = submit(other, time_out, &me);
	for (int i = 0; i < 20; i++)
		take(futures[i]);
	gate_open(&gate);
	CHECK(skua_pool_drain(pool, SKUA_FOREVER) == 0);
	CHECK(skua_submit(pool, count_up, &ran, NULL) == 0);
	close_pool(other);
	close_pool(pool);
	CHECK(atomic_load(&ran) == 1);
}

/* ---- trees ---- */

struct tree {
	struct skua_pool *pool;
	atomic_size_t *ran;
	unsigned depth;
};

static void *grow(void *arg)
{
	struct tree *me = arg;
	struct tree child = { me->pool, me->ran, me->depth - 1 };
	struct skua_future *futures[3];

	atomic_fetch_add(me->ran, 1);
	if (!me->depth)
		return NULL;
	for (int i = 0; i < 3; i++)
		futures[i] = submit(me->pool, grow, &child);
	for (int i = 0; i < 3; i++)
		take(futures[i]);
	return NULL;
}

static void tree_body(unsigned workers)
{
	struct skua_pool *pool = open_bounded(workers, 1);
	atomic_size_t ran = 0;
	struct tree root = { pool, &ran, 5 };

	take(submit(pool, grow, &root));
	close_pool(pool);
	CHECK(atomic_load(&ran) == (3 * 243 - 1) / 2);
}

Test(bounded_inside, trees_of_tasks_that_wait_for_each_other, .timeout = LIMIT)
{
	with_workers(tree_body);
}

/* Forks in a task that waits for room are not out of reach. */
SKUA_TASK(long, leaf, atomic_size_t *, ran)
{
	(void)here;
	count_up(ran);
	return 1;
}

SKUA_TASK(long, fork_and_submit, struct flood *, me)
{
	long sum = 0;

	for (int i = 0; i < 10; i++)
		leaf_fork(&here, me->ran);
	for (size_t i = 0; i < me->jobs; i++)
		CHECK(skua_submit(me->pool, count_up, me->ran, NULL) == 0);
	for (int i = 0; i < 10; i++)
		sum += leaf_join(&here);
	return sum;
}

static void forks_body(unsigned workers)
{
	struct skua_pool *pool = open_bounded(workers, 1);
	atomic_size_t ran = 0;
	struct flood me = { pool, &ran, 100 };
	long sum = 0;

	for (int i = 0; i < 20; i++) {
		CHECK(fork_and_submit_run(pool, &sum, &me) == 0);
		CHECK(sum == 10);
	}
	close_pool(pool);
	CHECK(atomic_load(&ran) == 20 * 110);
}

Test(bounded_inside, forks_of_who_waits_for_room, .timeout = LIMIT)
{
	with_workers(forks_body);
}

/* ---- name_run() from a task ---- */

SKUA_TASK(long, down, struct skua_pool *, pool, int, n)
{
	long below = 0;

	(void)here;
	if (n)
		CHECK(down_run(pool, &below, pool, n - 1) == 0);
	return below + 1;
}

static void run_body(unsigned workers)
{
	struct skua_pool *pool = open_bounded(workers, 1);
	long depth = 0;

	CHECK(down_run(pool, &depth, pool, 50) == 0);
	CHECK(depth == 51);
	close_pool(pool);
}

Test(bounded_inside, runs_within_runs, .timeout = LIMIT)
{
	with_workers(run_body);
}

/* ---- two pools that fill each other ---- */

static void *ping(void *arg)
{
	struct tree *me = arg;
	struct tree other = { me[1].pool, me->ran, 0 };

	for (int i = 0; i < 100; i++)
		CHECK(skua_submit(other.pool, count_up, me->ran, NULL) == 0);
	return NULL;
}

Test(bounded_inside, two_pools_that_submit_to_each_other, .timeout = LIMIT)
{
	struct skua_pool *a = open_bounded(1, 1);
	struct skua_pool *b = open_bounded(1, 1);
	atomic_size_t ran = 0;
	struct tree trees[3] = { { a, &ran, 0 },
				 { b, &ran, 0 },
				 { a, &ran, 0 } };
	struct skua_future *futures[8];

	for (int i = 0; i < 8; i++)
		futures[i] = submit(i % 2 ? b : a, ping, &trees[i % 2]);
	for (int i = 0; i < 8; i++)
		take(futures[i]);
	close_pool(a);
	close_pool(b);
	CHECK(atomic_load(&ran) == 800);
}

/* ---- callbacks and hooks ---- */

static void submit_more(struct skua_future *future, void *arg)
{
	struct flood *me = arg;

	(void)future;
	flood(me);
}

/* A callback is no task, and waits like one. */
static void callback_body(unsigned workers)
{
	static struct gate gate;
	struct skua_pool *pool = open_bounded(workers, 1);
	atomic_size_t ran = 0;
	struct flood me = { pool, &ran, 50 };

	for (int i = 0; i < 20; i++) {
		struct skua_future *future;

		gate_close(&gate);
		future = submit(pool, hold, &gate);
		CHECK(skua_future_on_done(future, submit_more, &me) == 0);
		gate_open(&gate);
		take(future);
	}
	close_pool(pool);
	CHECK(atomic_load(&ran) == 20 * 50);
}

Test(bounded_inside, callbacks_wait_for_room, .timeout = LIMIT)
{
	with_workers(callback_body);
}

static struct flood hooked;
static atomic_size_t hook_calls;

static void submit_in_hook(void *arg)
{
	(void)arg;
	CHECK(skua_submit(hooked.pool, count_up, hooked.ran, NULL) ==
	      SKUA_EFULL);
	CHECK(submit_within(hooked.pool, count_up, hooked.ran, SKUA_SECONDS(9),
			    NULL) == SKUA_EFULL);
	CHECK(skua_post(hooked.pool, submit_in_hook, NULL) == SKUA_EFULL);
	atomic_fetch_add(&hook_calls, 1);
}

/* drop_result in the thread that releases, and in a task. */
static void *release_in_task(void *future)
{
	skua_future_release(future);
	return NULL;
}

static struct skua_future *with_hooks(struct skua_pool *pool)
{
	struct skua_submit_options options = SKUA_SUBMIT_OPTIONS;
	struct skua_future *future = NULL;

	options.drop_arg = submit_in_hook;
	options.drop_result = submit_in_hook;
	CHECK(skua_submit_with(pool, do_nothing, NULL, &options, &future) == 0);
	return future;
}

/* "drop_arg, drop_result must not wait": a full pool refuses them. */
Test(bounded_inside, drop_hooks_are_refused_and_do_not_wait, .timeout = LIMIT)
{
	static struct gate gate, other_gate;
	struct skua_pool *pool = open_bounded(1, 1);
	struct skua_pool *other = open_pool(1);
	struct skua_future *future;
	atomic_size_t ran = 0;

	hooked = (struct flood){ pool, &ran, 0 };
	gate_close(&gate);
	hold_workers(pool, &gate, 1);
	CHECK(fill(pool) == 1);
	for (int i = 0; i < 2; i++) {
		future = with_hooks(other);
		CHECK(skua_future_result(future, SKUA_FOREVER, NULL) == 0);
		if (i)
			take(submit(other, release_in_task, future));
		else
			skua_future_release(future);
		CHECK(atomic_load(&hook_calls) == (size_t)i + 1);
	}
	/* drop_arg, in the worker that meets it. */
	gate_close(&other_gate);
	hold_workers(other, &other_gate, 1);
	future = with_hooks(other);
	CHECK(skua_future_cancel(future) == 0);
	skua_future_release(future);
	gate_open(&other_gate);
	CHECK(skua_pool_drain(other, SKUA_FOREVER) == 0);
	CHECK(atomic_load(&hook_calls) == 3);
	/* And in the thread that shuts down. */
	gate_close(&other_gate);
	hold_workers(other, &other_gate, 1);
	skua_future_release(with_hooks(other));
	CHECK(skua_pool_shutdown(other,
				 SKUA_CLOSE_CANCEL | SKUA_CLOSE_DETACH) == 0);
	CHECK(atomic_load(&hook_calls) == 4);
	gate_open(&other_gate);
	close_pool(other);
	/* The thread itself may wait again. */
	gate_open(&gate);
	CHECK(skua_submit(pool, count_up, &ran, NULL) == 0);
	close_pool(pool);
	CHECK(atomic_load(&ran) == 1);
}

struct hooks {
	struct skua_pool *_Atomic pool;
	struct skua_pool *other;
	atomic_int refused;
};

/* The pool is not full when the first worker starts, and is after. */
static int start_hook(void *context, unsigned worker)
{
	struct hooks *me = context;
	int error;

	if (!worker)
		return 0;
	/* The second one, as the pool grows: its caller has filled the pool. */
	error = skua_submit(atomic_load(&me->pool), do_nothing, NULL, NULL);
	CHECK(error == SKUA_EFULL);
	atomic_fetch_add(&me->refused, error == SKUA_EFULL);
	/* Another pool's room may be waited for. */
	CHECK(skua_submit(me->other, do_nothing, NULL, NULL) == 0);
	CHECK(skua_submit(me->other, do_nothing, NULL, NULL) == 0);
	return 0;
}

static void stop_hook(void *context, unsigned worker)
{
	struct hooks *me = context;
	int error = skua_submit(atomic_load(&me->pool), do_nothing, NULL, NULL);

	CHECK(error == (worker ? SKUA_EFULL : SKUA_ECLOSED));
	atomic_fetch_add(&me->refused, worker && error == SKUA_EFULL);
}

/* A worker in its start or stop hook runs nothing: it is not to wait for
 * itself. */
Test(bounded_inside, start_and_stop_hooks_do_not_wait, .timeout = LIMIT)
{
	static struct gate gate;
	static struct hooks hooks;
	struct skua_pool_options options = SKUA_POOL_OPTIONS;
	struct skua_pool *pool = NULL;

	hooks.other = open_bounded(1, 1);
	options.workers = 1;
	options.max_pending = 1;
	options.start = start_hook;
	options.stop = stop_hook;
	options.context = &hooks;
	CHECK(skua_pool_open(&pool, &options) == 0);
	atomic_store(&hooks.pool, pool);
	gate_close(&gate);
	hold_workers(pool, &gate, 1);
	/* Nobody takes it from there: what was hooked meets a full pool. */
	CHECK(skua_pool_pause(pool) == 0);
	CHECK(fill(pool) == 1);
	CHECK(skua_pool_resize(pool, 2) == 0);
	while (atomic_load(&hooks.refused) < 1)
		sched_yield();
	CHECK(skua_pool_resize(pool, 1) == 0);
	while (atomic_load(&hooks.refused) < 2)
		sched_yield();
	gate_open(&gate);
	close_pool(pool);
	close_pool(hooks.other);
}

/* ---- no stack to switch to ---- */

static struct skua_pool *starved;

static void *count_and_fail(void *counter)
{
	count_up(counter);
	return skua_fail(7);
}

static void check_at_once(atomic_size_t *ran)
{
	struct skua_future *futures[2] = { NULL, NULL };
	void *args[2] = { ran, ran };
	int value = 0;

	CHECK(skua_submit(starved, count_and_fail, ran, &futures[0]) == 0);
	CHECK(atomic_load(ran) == 1);
	CHECK(skua_future_result(futures[0], 0, NULL) == SKUA_EFAILED);
	CHECK(skua_future_code(futures[0]) == 7);
	skua_future_release(futures[0]);
	CHECK(submit_within(starved, count_up, ran, 1, NULL) == 0);
	CHECK(atomic_load(ran) == 2);
	CHECK(skua_submit_many(starved, count_up, args, 2, futures) ==
	      SKUA_EFULL);
	CHECK(skua_submit_many(starved, count_up, args, 1, futures) == 0);
	CHECK(atomic_load(ran) == 3);
	CHECK(take(futures[0]) == ran);
	CHECK(add_one_submit(starved, &futures[0], 41) == 0);
	CHECK(add_one_result(futures[0], 0, &value) == 0 && value == 42);
	skua_future_release(futures[0]);
	/* Its wait needs a stack in any pool. */
	CHECK(add_one_run(starved, &value, 41) == SKUA_ENOMEM);
	CHECK(try_submit(starved, count_up, ran) == SKUA_EFULL);
}

static void *submit_starved(void *counter)
{
	atomic_size_t *ran = counter;

	/* That there is none is what skua_sleep() says. */
	CHECK(skua_sleep(1) == SKUA_ENOMEM);
	CHECK(try_submit(starved, do_nothing, NULL) == 0);
	CHECK(try_submit(starved, do_nothing, NULL) == SKUA_EFULL);
	check_at_once(ran);
	/* The one that was queued has waited for us. */
	CHECK(skua_pool_pending(starved) == 1);
	CHECK(skua_pool_running(starved) == 1);
	/* Nothing starts in a paused pool: it is queued all the same. */
	CHECK(skua_pool_pause(starved) == 0);
	CHECK(skua_submit(starved, count_up, ran, NULL) == 0);
	CHECK(atomic_load(ran) == 3);
	CHECK(skua_pool_pending(starved) == 2);
	CHECK(skua_pool_resume(starved) == 0);
	/* It was not this task that failed. */
	return counter;
}

/* "or the job runs at once where nothing else can": the only worker's task
 * cannot be left. */
Test(bounded_inside, without_a_stack_the_job_runs_at_once, .timeout = LIMIT)
{
	atomic_size_t ran = 0;

	starved = open_starved(1);
	CHECK(take(submit(starved, submit_starved, &ran)) == &ran);
	CHECK(skua_pool_drain(starved, SKUA_FOREVER) == 0);
	CHECK(atomic_load(&ran) == 4);
	/* The bound holds again. */
	CHECK(skua_pool_pause(starved) == 0);
	CHECK(fill(starved) == 1);
	close_pool(starved);
}

/* Children that are out belong to their own task: nothing else runs on its
 * stack. */
SKUA_TASK(int, fork_starved, atomic_size_t *, ran)
{
	int sum = 0;

	for (int i = 0; i < 5; i++)
		add_one_fork(&here, i);
	CHECK(try_submit(starved, count_up, ran) == 0);
	for (int i = 0; i < 5; i++)
		CHECK(skua_submit(starved, count_up, ran, NULL) == 0);
	CHECK(atomic_load(ran) == 0);
	CHECK(skua_pool_pending(starved) == 6);
	for (int i = 0; i < 5; i++)
		sum += add_one_join(&here);
	return sum;
}

Test(bounded_inside, without_a_stack_and_with_children, .timeout = LIMIT)
{
	atomic_size_t ran = 0;
	int sum = 0;

	starved = open_starved(1);
	CHECK(fork_starved_run(starved, &sum, &ran) == 0);
	CHECK(sum == 15);
	close_pool(starved);
	CHECK(atomic_load(&ran) == 6);
}
