/* SPDX-License-Identifier: MIT */
/* What runs in the tasks, and what the driver is told of it. */
#include <pthread.h>

#include "fuzz.h"

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

void lock(void)
{
	pthread_mutex_lock(&mutex);
}

/* What was changed meanwhile may be what somebody waits for. */
void unlock(void)
{
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&mutex);
}

void await(const bool *event)
{
	pthread_mutex_lock(&mutex);
	while (!*event)
		pthread_cond_wait(&changed, &mutex);
	pthread_mutex_unlock(&mutex);
}

void await_end(const struct job *job)
{
	pthread_mutex_lock(&mutex);
	while (!job->ends)
		pthread_cond_wait(&changed, &mutex);
	pthread_mutex_unlock(&mutex);
}

/* ---- fork-join ---- */

SKUA_TASK(long, fib, int, n)
{
	long right;

	if (n < 2)
		return n;
	fib_fork(&here, n - 1);
	right = fib(here, n - 2);
	return fib_join(&here) + right;
}

long fib_of(int n)
{
	return n < 2 ? n : fib_of(n - 1) + fib_of(n - 2);
}

int run_fib(struct skua_pool *pool, long *result, int n)
{
	return fib_run(pool, result, n);
}

/* ---- actions ---- */

static void post_child(struct job *job)
{
	bool cancelling;
	int error;

	lock();
	cancelling = job->pool->cancelling;
	unlock();
	error = skua_post(skua_pool_current(), run_post, job->child);
	EXPECT(error == (cancelling ? SKUA_ECLOSED : 0));
	lock();
	job->child->posted = !error;
	unlock();
}

static void run_forks(struct job *job)
{
	long value = -1;
	bool cancelling;
	int error;

	lock();
	cancelling = job->pool->cancelling;
	unlock();
	error = run_fib(skua_pool_current(), &value, 6);
	EXPECT(error == (cancelling ? SKUA_ECLOSED : 0));
	EXPECT(value == (error ? -1 : fib_of(6)));
}

static void nest_pool(void)
{
	struct skua_pool_options options = SKUA_POOL_OPTIONS;
	struct skua_pool *inner = NULL;
	long value = 0;

	options.workers = 1;
	EXPECT(skua_pool_open(&inner, &options) == 0);
	EXPECT(run_fib(inner, &value, 5) == 0 && value == fib_of(5));
	EXPECT(skua_pool_close(inner, SKUA_CLOSE_WAIT) == 0);
}

static void wait_for_self(struct job *job)
{
	void *result = job;

	if (!job->self)
		return;
	EXPECT(skua_future_result(job->self, SKUA_FOREVER, &result) ==
	       SKUA_EDEADLK);
	EXPECT(skua_future_result(job->self, 1000, &result) == SKUA_EDEADLK);
	EXPECT(skua_future_result(job->self, 0, &result) == SKUA_ETIMEDOUT);
	EXPECT(result == job);
	EXPECT(skua_future_cancel(job->self) == SKUA_EBUSY);
	EXPECT(skua_future_running(job->self));
}

static void act(struct job *job)
{
	struct skua_pool *pool = skua_pool_current();

	switch (job->action) {
	case FAIL:
		EXPECT(!skua_fail(job->fails));
		break;
	case FAIL_TWICE:
		EXPECT(!skua_fail(job->fails));
		EXPECT(!skua_fail(-job->fails));
		break;
	case FAIL_NOT:
		EXPECT(!skua_fail(0));
		break;
	case POST_CHILD:
		post_child(job);
		break;
	case GIVE_WAY:
		skua_yield();
		EXPECT(skua_sleep(1000) == 0);
		break;
	case TRIM_POOL:
		EXPECT(skua_pool_trim(pool) == 0);
		break;
	case RUN_FORKS:
		run_forks(job);
		break;
	case NEST_POOL:
		nest_pool();
		break;
	case WAIT_FOR_SELF:
		wait_for_self(job);
		break;
	case SHUT_POOL:
		EXPECT(skua_pool_shutdown(pool, SKUA_CLOSE_WAIT) ==
		       SKUA_EDEADLK);
		EXPECT(skua_pool_shutdown(pool, SKUA_CLOSE_CANCEL) ==
		       SKUA_EDEADLK);
		EXPECT(skua_pool_close(pool, SKUA_CLOSE_WAIT) == SKUA_EDEADLK);
		break;
	case DETACH_POOL:
		EXPECT(skua_pool_shutdown(pool, SKUA_CLOSE_DETACH) == 0);
		break;
	default:
		break;
	}
}

/* ---- jobs ---- */

static void wait_at_gate(struct job *job)
{
	bool open = false;

	if (job->gate == HARD)
		await(&job->open);
	while (job->gate == SOFT && !open) {
		EXPECT(skua_sleep(20000) == 0);
		lock();
		open = job->open;
		unlock();
	}
}

void begin(struct job *job)
{
	int worker = skua_worker();

	EXPECT(skua_pool_current() == job->pool->handle);
	EXPECT(worker >= 0 && (unsigned)worker < job->pool->workers);
	lock();
	job->runs++;
	job->started = true;
	unlock();
	wait_at_gate(job);
	act(job);
	EXPECT(skua_worker() == worker);
}

void end(struct job *job)
{
	lock();
	job->ends++;
	unlock();
}

void *run_job(void *arg)
{
	struct job *job = arg;
	void *value = value_of(job);

	begin(job);
	/* After that the world may be another. */
	end(job);
	return value;
}

void run_post(void *arg)
{
	run_job(arg);
}

void drop_arg(void *arg)
{
	lock();
	((struct job *)arg)->arg_drops++;
	unlock();
}

void drop_result(void *result)
{
	lock();
	((struct job *)result)->result_drops++;
	unlock();
}
