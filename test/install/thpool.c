/* SPDX-License-Identifier: MIT */
/*
 * A program written for C-Thread-Pool, as it would be with that pool: built
 * against the installed library by what pkg-config says of skua-thpool. In C and
 * in C++.
 */
#include <pthread.h>
#include <stdio.h>

#include "thpool.h"

enum {
	JOBS = 1000
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static long sum;

static void add(void *number)
{
	pthread_mutex_lock(&mutex);
	sum += *(int *)number;
	pthread_mutex_unlock(&mutex);
}

int main(void)
{
	static int numbers[JOBS];
	threadpool first = thpool_init(2);
	threadpool second = thpool_init(2);
	int i;

	if (!first || !second)
		return 1;
	thpool_pause(second);
	for (i = 0; i < JOBS; i++) {
		numbers[i] = i;
		if (thpool_add_work(i % 2 ? first : second, add, &numbers[i]))
			return 1;
	}
	thpool_wait(first);
	/* One pool that ends, another that goes on. */
	thpool_destroy(first);
	thpool_resume(second);
	thpool_wait(second);
	printf("sum %ld, working %d\n", sum,
	       thpool_num_threads_working(second));
	thpool_destroy(second);
	return sum != (long)JOBS * (JOBS - 1) / 2;
}
