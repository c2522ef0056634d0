/* SPDX-License-Identifier: MIT */
/* What becomes of those who wait for room when the pool changes or ends. */
#include <sys/wait.h>
#include <unistd.h>

#include "bounded_test.h"

enum {
	PLACES = 2,
	SUBMITTERS = 6
};

static struct gate gate;

struct submitter {
	struct skua_pool *pool;
	atomic_size_t *ran, *in, *refused;
	int told; /* what it may be told but 0 */
};

static void *submit_once(void *arg)
{
	struct submitter *me = arg;
	int error = skua_submit(me->pool, count_up, me->ran, NULL);

	CHECK(error == 0 || error == me->told);
	atomic_fetch_add(error ? me->refused : me->in, 1);
	return NULL;
}

static void *submit_two(void *arg)
{
	struct submitter *me = arg;
	void *args[2] = { me->ran, me->ran };
	int error = skua_submit_many(me->pool, count_up, args, 2, NULL);

	CHECK(error == 0 || error == me->told);
	atomic_fetch_add(error ? me->refused : me->in, 2);
	return NULL;
}

/* Threads, and tasks of another pool, that submit to a full one. */
struct crowd {
	struct skua_pool *other;
	struct submitter me;
	atomic_size_t ran, in, refused;
	pthread_t threads[SUBMITTERS];
	struct skua_future *tasks[SUBMITTERS];
};

static skua_fn *way(int i)
{
	return i % 3 == 2 ? submit_two : submit_once;
}

static void gather(struct crowd *crowd, struct skua_pool *pool, int told)
{
	crowd->other = open_pool(2);
	atomic_init(&crowd->ran, 0);
	atomic_init(&crowd->in, 0);
	atomic_init(&crowd->refused, 0);
	crowd->me = (struct submitter){ pool, &crowd->ran, &crowd->in,
					&crowd->refused, told };
	for (int i = 0; i < SUBMITTERS; i++) {
		CHECK(pthread_create(&crowd->threads[i], NULL, way(i),
				     &crowd->me) == 0);
		crowd->tasks[i] = submit(crowd->other, way(i), &crowd->me);
	}
}

/* Each was told, and what was let in is so many. */
static void disperse(struct crowd *crowd)
{
	for (int i = 0; i < SUBMITTERS; i++) {
		CHECK(pthread_join(crowd->threads[i], NULL) == 0);
		take(crowd->tasks[i]);
	}
	close_pool(crowd->other);
	CHECK(atomic_load(&crowd->in) + atomic_load(&crowd->refused) ==
	      2 * (SUBMITTERS + SUBMITTERS / 3));
}

static struct skua_pool *open_full(unsigned workers, size_t *full)
{
	struct skua_pool *pool = open_bounded(workers, PLACES);

	gate_close(&gate);
	hold_workers(pool, &gate, workers);
	*full = fill(pool);
	CHECK(*full == PLACES);
	return pool;
}

/* "shutdown (WAIT, CANCEL): waiting submitters are told", though no worker has
 * anything to say: all of them are held. */
static void shut_body(unsigned workers)
{
	static const unsigned flags[] = { SKUA_CLOSE_WAIT, SKUA_CLOSE_CANCEL };

	for (int i = 0; i < 2; i++) {
		static struct crowd crowd;
		size_t full;
		struct skua_pool *pool = open_full(workers, &full);

		gather(&crowd, pool, SKUA_ECLOSED);
		CHECK(skua_pool_shutdown(pool, flags[i] | SKUA_CLOSE_DETACH) ==
		      0);
		disperse(&crowd);
		/* Nobody got in: nothing has started. */
		CHECK(atomic_load(&crowd.in) == 0);
		gate_open(&gate);
		close_pool(pool);
		CHECK(atomic_load(&crowd.ran) == 0);
	}
}

Test(bounded_end, shutdown_tells_those_who_wait, .timeout = LIMIT)
{
	with_workers(shut_body);
}

/* The same while they get in, one after the other. */
static void race_body(unsigned workers)
{
	for (unsigned i = 0; i < SCALED(200); i++) {
		static struct crowd crowd;
		size_t full;
		struct skua_pool *pool = open_full(workers, &full);
		bool cancels = i % 2;

		gather(&crowd, pool, SKUA_ECLOSED);
		gate_open(&gate);
		CHECK(skua_pool_shutdown(pool, cancels ? SKUA_CLOSE_CANCEL :
							 SKUA_CLOSE_WAIT) == 0);
		disperse(&crowd);
		CHECK(skua_pool_pending(pool) == 0);
		skua_pool_release(pool);
		CHECK(cancels ? atomic_load(&crowd.ran) <=
					atomic_load(&crowd.in) :
				atomic_load(&crowd.ran) ==
					atomic_load(&crowd.in));
	}
}

Test(bounded_end, shutdown_races_those_who_wait, .timeout = LIMIT)
{
	with_workers(race_body);
}

/* ---- tasks of the pool itself ---- */

struct children {
	struct skua_pool *pool;
	atomic_size_t *ran;
	int error;
};

static void *submit_children(void *arg)
{
	struct children *me = arg;

	gate_arrive(&gate);
	gate_pass(&gate);
	for (int i = 0; i < 100 && !me->error; i++)
		me->error = skua_submit(me->pool, count_up, me->ran, NULL);
	return arg;
}

static void children_body(unsigned workers)
{
	for (int i = 0; i < 2; i++) {
		struct skua_pool *pool = open_bounded(workers, PLACES);
		atomic_size_t ran = 0;
		struct children me = { pool, &ran, 0 };
		struct skua_future *future;

		gate_close(&gate);
		future = submit(pool, submit_children, &me);
		gate_await(&gate, 1);
		CHECK(skua_pool_shutdown(pool, SKUA_CLOSE_DETACH |
						       (i ? SKUA_CLOSE_CANCEL :
							    0)) == 0);
		gate_open(&gate);
		CHECK(skua_future_result(future, SKUA_FOREVER, NULL) == 0);
		skua_future_release(future);
		close_pool(pool);
		CHECK(me.error == (i ? SKUA_ECLOSED : 0));
		CHECK(atomic_load(&ran) == (i ? 0 : 100));
	}
}

/* With CLOSE_WAIT what they submit belongs to what was submitted before. */
Test(bounded_end, tasks_submit_while_the_pool_closes, .timeout = LIMIT)
{
	with_workers(children_body);
}

static void *wait_inside(void *arg)
{
	struct children *me = arg;

	me->error = skua_submit(me->pool, count_up, me->ran, NULL);
	return arg;
}

/* They wait already: first they are to go on waiting, then they are told. */
static void inside_body(unsigned workers)
{
	struct skua_pool *pool = open_bounded(workers, 1);
	struct children me[4];
	struct skua_future *futures[4];
	atomic_size_t ran = 0;

	for (int i = 0; i < 4; i++) {
		me[i] = (struct children){ pool, &ran, 1 };
		futures[i] = submit(pool, wait_inside, &me[i]);
	}
	/* Those that run may fill it; with no worker left they wait. */
	CHECK(skua_pool_resize(pool, 0) == 0);
	CHECK(skua_pool_shutdown(pool, SKUA_CLOSE_DETACH) == 0);
	CHECK(skua_pool_shutdown(pool, SKUA_CLOSE_CANCEL) == 0);
	for (int i = 0; i < 4; i++) {
		int error = skua_future_result(futures[i], 0, NULL);

		CHECK(error == 0 || error == SKUA_ECANCELLED);
		CHECK(error || me[i].error == 0 || me[i].error == SKUA_ECLOSED);
		skua_future_release(futures[i]);
	}
	CHECK(atomic_load(&ran) <= 4);
	skua_pool_release(pool);
}

Test(bounded_end, tasks_that_wait_are_told_of_a_cancel, .timeout = LIMIT)
{
	for (unsigned i = 0; i < SCALED(100) + 1; i++)
		with_workers(inside_body);
}

/* ---- broken ---- */

static int break_second(void *context, unsigned worker)
{
	(void)context;
	return worker == 1;
}

Test(bounded_end, a_broken_pool_tells_those_who_wait, .timeout = LIMIT)
{
	struct skua_pool_options options = SKUA_POOL_OPTIONS;
	static struct crowd crowd;
	struct skua_pool *pool = NULL;

	options.workers = 1;
	options.max_pending = PLACES;
	options.start = break_second;
	CHECK(skua_pool_open(&pool, &options) == 0);
	gate_close(&gate);
	hold_workers(pool, &gate, 1);
	CHECK(fill(pool) == PLACES);
	gather(&crowd, pool, SKUA_EBROKEN);
	CHECK(skua_pool_resize(pool, 2) == 0);
	disperse(&crowd);
	CHECK(atomic_load(&crowd.in) == 0);
	CHECK(skua_submit(pool, do_nothing, NULL, NULL) == SKUA_EBROKEN);
	gate_open(&gate);
	close_pool(pool);
}

/* ---- paused, and without workers ---- */

Test(bounded_end, a_paused_pool_fills_and_goes_on, .timeout = LIMIT)
{
	struct skua_pool *pool = open_bounded(2, PLACES);
	static struct crowd crowd;

	/* So that no worker is about to start one. */
	gate_close(&gate);
	hold_workers(pool, &gate, 2);
	CHECK(skua_pool_pause(pool) == 0);
	CHECK(fill(pool) == PLACES);
	gate_open(&gate);
	CHECK(submit_within(pool, do_nothing, NULL, 1, NULL) == SKUA_ETIMEDOUT);
	CHECK(skua_pool_pending(pool) == PLACES);
	gather(&crowd, pool, 0);
	CHECK(skua_pool_resume(pool) == 0);
	disperse(&crowd);
	close_pool(pool);
	CHECK(atomic_load(&crowd.ran) == atomic_load(&crowd.in));
}

Test(bounded_end, shutdown_of_a_paused_pool_with_some_who_wait,
     .timeout = LIMIT)
{
	struct skua_pool *pool = open_bounded(2, PLACES);
	static struct crowd crowd;

	CHECK(skua_pool_pause(pool) == 0);
	CHECK(fill(pool) >= PLACES);
	gather(&crowd, pool, SKUA_ECLOSED);
	CHECK(skua_pool_shutdown(pool, SKUA_CLOSE_WAIT) == 0);
	disperse(&crowd);
	skua_pool_release(pool);
	CHECK(atomic_load(&crowd.ran) == atomic_load(&crowd.in));
}

Test(bounded_end, resized_to_none_and_back, .timeout = LIMIT)
{
	static struct crowd crowd;
	size_t full;
	/* Held, so that no worker is about to start one: it looks whether it is
	 * dismissed before it looks for a job, and not again. */
	struct skua_pool *pool = open_full(2, &full);

	CHECK(skua_pool_resize(pool, 0) == 0);
	gate_open(&gate);
	CHECK(submit_within(pool, do_nothing, NULL, 1, NULL) == SKUA_ETIMEDOUT);
	gather(&crowd, pool, 0);
	CHECK(skua_pool_resize(pool, 1) == 0);
	disperse(&crowd);
	CHECK(skua_pool_resize(pool, 3) == 0);
	close_pool(pool);
	CHECK(atomic_load(&crowd.ran) == atomic_load(&crowd.in));
	CHECK(atomic_load(&crowd.refused) == 0);
}

Test(bounded_end, closed_without_workers, .timeout = LIMIT)
{
	static struct crowd crowd;

	for (int i = 0; i < 2; i++) {
		struct skua_pool *pool = open_bounded(2, PLACES);

		CHECK(skua_pool_resize(pool, 0) == 0);
		fill(pool);
		gather(&crowd, pool, SKUA_ECLOSED);
		CHECK(skua_pool_shutdown(pool, i ? SKUA_CLOSE_CANCEL :
						   SKUA_CLOSE_WAIT) == 0);
		disperse(&crowd);
		CHECK(atomic_load(&crowd.ran) <= atomic_load(&crowd.in));
		CHECK(i || atomic_load(&crowd.ran) == atomic_load(&crowd.in));
		CHECK(skua_pool_pending(pool) == 0);
		skua_pool_release(pool);
	}
}

/* ---- all at once ---- */

static atomic_bool stop;

static void *keep_submitting(void *arg)
{
	struct submitter *me = arg;
	size_t made = 0;

	while (!atomic_load(&stop)) {
		int error = submit_within(me->pool, count_up, me->ran,
					  made % 3 ? SKUA_FOREVER : 1000, NULL);

		CHECK(error == 0 || error == SKUA_ETIMEDOUT);
		made += !error;
	}
	return number(made);
}

/* Paused, resumed, grown and shrunk under four threads that submit. */
Test(bounded_end, changes_under_load_lose_nothing, .timeout = LIMIT)
{
	struct skua_pool *pool = open_bounded(2, PLACES);
	atomic_size_t ran = 0;
	struct submitter me = { .pool = pool, .ran = &ran };
	uint64_t random = test_seed();
	pthread_t threads[4];
	size_t made = 0;

	atomic_store(&stop, false);
	for (int i = 0; i < 4; i++)
		CHECK(pthread_create(&threads[i], NULL, keep_submitting, &me) ==
		      0);
	for (size_t i = 0; i < SCALED(1000); i++) {
		CHECK(skua_pool_pause(pool) == 0);
		CHECK(skua_pool_resize(
			      pool, (unsigned)(next_random(&random) % 4)) == 0);
		CHECK(skua_pool_resume(pool) == 0);
		sched_yield();
	}
	CHECK(skua_pool_resize(pool, 2) == 0);
	atomic_store(&stop, true);
	for (int i = 0; i < 4; i++) {
		void *count = NULL;

		CHECK(pthread_join(threads[i], &count) == 0);
		made += (size_t)count;
	}
	close_pool(pool);
	CHECK(atomic_load(&ran) == made);
}

/* ---- fork() ---- */

/* "fork() child: SKUA_ECLOSED", also in a pool that is full. */
Test(bounded_end, a_forks_child_is_refused, .timeout = LIMIT)
{
	size_t full;
	struct skua_pool *pool = open_full(1, &full);
	int status = 1;
	pid_t child = fork();

	if (!child) {
		void *args[1] = { NULL };
		bool all = skua_submit(pool, do_nothing, NULL, NULL) ==
				   SKUA_ECLOSED &&
			   try_submit(pool, do_nothing, NULL) == SKUA_ECLOSED &&
			   skua_submit_many(pool, do_nothing, args, 1, NULL) ==
				   SKUA_ECLOSED;

		_exit(!all);
	}
	CHECK(child > 0);
	CHECK(waitpid(child, &status, 0) == child);
	CHECK(status == 0);
	gate_open(&gate);
	close_pool(pool);
}
