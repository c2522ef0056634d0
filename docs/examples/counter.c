/* SPDX-License-Identifier: MIT */
/*
 * counter: one number, one lock, and several who count: two threads, two
 * tasks, one of each, a thousand tasks. Each time it ends at 2,000,000.
 *
 * The lock is the same for all of them. A thread that waits for it blocks; a
 * task that waits is suspended, and its worker runs another one meanwhile.
 */
#include <pthread.h>
#include <skua/skua.h>
#include <stdio.h>

enum {
	TOTAL = 2000000,
	MOST = 1000
};

static struct {
	struct skua_mutex mutex;
	long value;
	long times; /* that each of them adds 1 */
} counter = { .mutex = SKUA_MUTEX_INIT };

/* pthread_create() and skua_submit() take the same functions. */
static void *count(void *unused)
{
	for (long i = 0; i < counter.times; i++)
		SKUA_LOCKED(&counter.mutex)
			counter.value++;
	return unused;
}

/* Those who have started are waited for, also if one could not start. */
static int count_to_total(struct skua_pool *pool, int threads, int tasks)
{
	pthread_t thread[MOST];
	struct skua_future *task[MOST];
	int started = 0, submitted = 0, error = 0;

	counter.value = 0;
	counter.times = TOTAL / (threads + tasks);
	for (; started < threads && !error; started += !error)
		if (pthread_create(&thread[started], NULL, count, NULL))
			error = SKUA_EAGAIN;
	for (; submitted < tasks && !error; submitted += !error)
		error = skua_submit(pool, count, NULL, &task[submitted]);

	while (started > 0)
		pthread_join(thread[--started], NULL);
	while (submitted > 0) {
		int end = skua_future_result(task[--submitted], SKUA_FOREVER,
					     NULL);

		error = error ? error : end;
		skua_future_release(task[submitted]);
	}
	if (!error)
		printf("%d threads, %d tasks: %ld\n", threads, tasks,
		       counter.value);
	return error;
}

int main(void)
{
	struct skua_pool *pool;
	int error = skua_pool_open(&pool, NULL);

	if (!error) {
		error = count_to_total(pool, 2, 0);
		error = error ? error : count_to_total(pool, 0, 2);
		error = error ? error : count_to_total(pool, 1, 1);
		error = error ? error : count_to_total(pool, 0, MOST);
		skua_pool_close(pool, SKUA_CLOSE_WAIT);
	}
	if (error)
		fprintf(stderr, "counter: %s\n", skua_strerror(error));
	return error || fflush(stdout) != 0;
}
