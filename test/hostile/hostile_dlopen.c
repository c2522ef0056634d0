/* SPDX-License-Identifier: MIT */
/*
 * hostile_dlopen.c - the shared library is loaded and let go a thousand times.
 * Threads that submitted to a pool exit after it was let go, and pools that
 * were detached end after it.
 *
 *	hostile_dlopen libskua.so [stress arguments]
 */
#include <dlfcn.h>
#include <semaphore.h>

#include "stress.h"

enum {
	GUESTS = 2,
	JOBS = 10,
};

/* This program is not linked with the library: all by name. */
static struct {
	void *handle;
	int (*open)(struct skua_pool **, const struct skua_pool_options *);
	int (*close)(struct skua_pool *, unsigned);
	int (*submit)(struct skua_pool *, skua_fn *, void *,
		      struct skua_future **);
	int (*result)(struct skua_future *, int64_t, void **);
	void (*release)(struct skua_future *);
	int (*sleep)(int64_t);
} skua;

static const char *path;
static atomic_size_t runs;
static struct skua_pool *pool;
static sem_t submitted, unloaded;

static void find(const char *name, void *function)
{
	void *found = dlsym(skua.handle, name);

	EXPECT(found != NULL);
	*(void **)function = found;
}

static void load(void)
{
	skua.handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!skua.handle) {
		fprintf(stderr, "%s\n", dlerror());
		exit(1);
	}
	find("skua_pool_open", &skua.open);
	find("skua_pool_close", &skua.close);
	find("skua_submit", &skua.submit);
	find("skua_future_result", &skua.result);
	find("skua_future_release", &skua.release);
	find("skua_sleep", &skua.sleep);
}

static void *sleep_and_count(void *arg)
{
	EXPECT(skua.sleep(1000) == 0);
	atomic_fetch_add(&runs, 1);
	return arg;
}

static void use(void)
{
	for (uintptr_t i = 0; i < JOBS; i++) {
		struct skua_future *future = NULL;
		void *result = NULL;

		EXPECT(skua.submit(pool, sleep_and_count, number(i),
				   i % 2 ? &future : NULL) == 0);
		if (!future)
			continue;
		EXPECT(skua.result(future, SKUA_FOREVER, &result) == 0);
		EXPECT(result == number(i));
		skua.release(future);
	}
}

static void await(sem_t *semaphore)
{
	while (sem_wait(semaphore))
		;
}

/* Its destructor runs in a library that nobody has open. */
static void *guest(void *unused)
{
	use();
	sem_post(&submitted);
	await(&unloaded);
	return unused;
}

static void one_round(bool detach)
{
	struct skua_pool_options options = SKUA_POOL_OPTIONS;
	pthread_t guests[GUESTS];

	options.workers = stress.workers;
	load();
	EXPECT(skua.open(&pool, &options) == 0);
	for (int i = 0; i < GUESTS; i++)
		stress_thread(&guests[i], guest, NULL);
	for (int i = 0; i < GUESTS; i++)
		await(&submitted);
	use();
	EXPECT(skua.close(pool, detach ? SKUA_CLOSE_DETACH : SKUA_CLOSE_WAIT) ==
	       0);
	EXPECT(dlclose(skua.handle) == 0);
	for (int i = 0; i < GUESTS; i++)
		sem_post(&unloaded);
	for (int i = 0; i < GUESTS; i++)
		EXPECT(pthread_join(guests[i], NULL) == 0);
}

static void body(void)
{
	size_t rounds = stress_rounds(1000, 20000);

	EXPECT(sem_init(&submitted, 0, 0) == 0);
	EXPECT(sem_init(&unloaded, 0, 0) == 0);
	atomic_store(&runs, 0);
	for (size_t i = 0; i < rounds; i++)
		one_round(i % 4 == 0);
	/* The detached ones end by themselves. */
	while (atomic_load(&runs) < rounds * (GUESTS + 1) * JOBS)
		sched_yield();
	EXPECT(atomic_load(&runs) == rounds * (GUESTS + 1) * JOBS);
}

int main(int argc, char *argv[])
{
	if (argc < 2) {
		printf("usage: %s libskua.so [stress arguments]\n", argv[0]);
		return 2;
	}
	path = argv[1];
	argv[1] = argv[0];
	return stress_main(argc - 1, argv + 1, body);
}
