/* SPDX-License-Identifier: MIT */
/* The interface of C-Thread-Pool: a threadpool is a struct skua_pool. */
#include <skua/compat/thpool.h>
#include <skua/future.h>
#include <skua/pool.h>
#include <skua/sync.h>

static struct skua_pool *pool_of(threadpool pool)
{
	return (struct skua_pool *)(void *)pool;
}

threadpool thpool_init(int num_threads)
{
	struct skua_pool_options options = SKUA_POOL_OPTIONS;
	struct skua_pool *pool;

	options.name = "thpool";
	/* 0 would be as many as there are CPUs. */
	options.workers = num_threads > 0 ? (unsigned)num_threads : 1;
	if (skua_pool_open(&pool, &options))
		return NULL;
	if (num_threads <= 0 && skua_pool_resize(pool, 0)) {
		skua_pool_close(pool, SKUA_CLOSE_WAIT);
		return NULL;
	}
	return (threadpool)(void *)pool;
}

int thpool_add_work(threadpool pool, void (*function_p)(void *), void *arg_p)
{
	return skua_post(pool_of(pool), function_p, arg_p) ? -1 : 0;
}

void thpool_wait(threadpool pool)
{
	/* A task that finds no stack to switch to lets others run, until
	 * there is one. */
	while (skua_pool_drain(pool_of(pool), SKUA_FOREVER) == SKUA_ENOMEM)
		skua_yield();
}

void thpool_pause(threadpool pool)
{
	skua_pool_pause(pool_of(pool));
}

void thpool_resume(threadpool pool)
{
	skua_pool_resume(pool_of(pool));
}

void thpool_destroy(threadpool pool)
{
	int error = skua_pool_close(pool_of(pool), SKUA_CLOSE_CANCEL);

	/* Its own work, or a task without a stack to switch to. */
	if (error == SKUA_EDEADLK || error == SKUA_ENOMEM ||
	    error == SKUA_EAGAIN)
		skua_pool_close(pool_of(pool),
				SKUA_CLOSE_CANCEL | SKUA_CLOSE_DETACH);
}

int thpool_num_threads_working(threadpool pool)
{
	size_t running = skua_pool_running(pool_of(pool));
	unsigned threads = skua_pool_workers(pool_of(pool));

	/* Of tasks that wait through Skua more may run than there are
	 * threads. */
	return (int)(running < threads ? running : threads);
}
