/* SPDX-License-Identifier: MIT */
/*
 * stress_open_close.c - pools of no workers or more opened and closed with up to
 * ten jobs of every kind in flight, and closed in every way. Nothing may be left behind: no
 * job, thread, file, mapping or byte.
 */
#include <dirent.h>
#include <malloc.h>

#include "../support/threads.h"
#include "stress.h"

/* So many that what the allocator keeps for itself is little; under a sanitizer
 * that is not counted. */
#if defined(UNDER_TSAN)
#define ROUNDS 100
#elif defined(UNDER_ASAN)
#define ROUNDS 400
#else
#define ROUNDS 2000
#endif

static atomic_size_t runs;

static void *count_run(void *arg)
{
	atomic_fetch_add(&runs, 1);
	return arg;
}

static void *sleep_and_count(void *arg)
{
	EXPECT(skua_sleep(1000) == 0);
	return count_run(arg);
}

static void *wait_and_count(void *arg)
{
	struct skua_future *future =
		stress_submit(skua_pool_current(), count_run, arg);
	int error = skua_future_result(future, SKUA_FOREVER, NULL);

	EXPECT(error == 0 || error == SKUA_ECANCELLED);
	skua_future_release(future);
	return count_run(arg);
}

/* What the program has of malloc; 0 with a C library that does not say. */
static size_t heap_bytes(void)
{
#ifdef __GLIBC__
	return mallinfo2().uordblks;
#else
	return 0;
#endif
}

static unsigned open_files(void)
{
	DIR *folder = opendir("/proc/self/fd");
	unsigned count = 0;

	EXPECT(folder != NULL);
	while (readdir(folder))
		count++;
	closedir(folder);
	return count;
}

static unsigned mappings(void)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	unsigned count = 0;
	int c;

	EXPECT(maps != NULL);
	while ((c = getc(maps)) != EOF)
		count += c == '\n';
	fclose(maps);
	return count;
}

static struct skua_pool *open_some(uint64_t *random)
{
	unsigned workers = stress_below(random, stress.workers + 1);
	struct skua_pool *pool = stress_open(workers ? workers : 1);

	if (!workers)
		EXPECT(skua_pool_resize(pool, 0) == 0);
	return pool;
}

/* Opens, submits and closes; with WAIT every job has run when it returns. */
static void one_round(uint64_t *random)
{
	static skua_fn *const kinds[] = { count_run, sleep_and_count,
					  wait_and_count };
	struct skua_pool *pool = open_some(random);
	unsigned jobs = stress_below(random, 11);
	unsigned flags = stress_below(random, 2);
	size_t expected = 0;

	atomic_store(&runs, 0);
	for (unsigned i = 0; i < jobs; i++) {
		unsigned kind = stress_below(random, 3);

		EXPECT(skua_submit(pool, kinds[kind], number(i), NULL) == 0);
		expected += kind == 2 ? 2 : 1;
	}
	EXPECT(skua_pool_close(pool, flags) == 0);
	EXPECT(flags ? atomic_load(&runs) <= expected :
		       atomic_load(&runs) == expected);
}

struct belongings {
	unsigned files, maps;
	size_t bytes;
};

static struct belongings take_stock(void)
{
	/* The kernel lets go of a joined thread's entry a moment later; under
	 * a sanitizer one thread may be its own. */
	while (threads_of_process() > 2)
		sched_yield();
	return (struct belongings){ open_files(), mappings(), heap_bytes() };
}

static void body(void)
{
	uint64_t random = stress_stream(0);
	size_t rounds = stress_rounds(ROUNDS, SCALED(100000));
	size_t first = SCALED(500) + 20;
	struct belongings before, after;

	/* Enough for every cache of libc to have been filled once. */
	for (size_t i = 0; i < first; i++)
		one_round(&random);
	before = take_stock();
	for (size_t i = 0; i < rounds; i++)
		one_round(&random);
	after = take_stock();
	EXPECT(after.files == before.files);
	/* One lost in every other round would be more; the allocator has a
	 * little room. */
	EXPECT(after.maps <= before.maps + rounds / 2);
	/* As would the smallest block. 0 of 0 under a sanitizer. */
	EXPECT(after.bytes <= before.bytes + 16 * rounds);
}

int main(int argc, char *argv[])
{
	return stress_main(argc, argv, body);
}
