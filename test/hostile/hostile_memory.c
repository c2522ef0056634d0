/* SPDX-License-Identifier: MIT */
/*
 * hostile_memory.c - address space, data or mappings run out while tasks
 * suspend, fork and are submitted. What cannot be had is said, or done without;
 * nothing is lost, and when there is memory again all is as before.
 *
 * Each case is a process of its own, since limits stay.
 */
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "stress.h"

enum {
	CHAIN = 2000, /* tasks that wait at once */
	FLAT = 20000, /* futures at once */
	LIMIT_SECONDS = 120,
	PAGE_BYTES = 4096,
	MAPS = 65530, /* the usual vm.max_map_count */
	MAPS_LEFT = 300, /* for a hundred stacks or so */
};

static atomic_size_t accepted, runs, waits_failed, submits_failed;

static void *count_run(void *arg)
{
	atomic_fetch_add(&runs, 1);
	return arg;
}

static bool noted(int error)
{
	EXPECT(error == 0 || error == SKUA_ENOMEM);
	atomic_fetch_add(error ? &submits_failed : &accepted, 1);
	return !error;
}

SKUA_TASK(long, fib, int, n)
{
	long right;

	if (n < 2)
		return n;
	fib_fork(&here, n - 1);
	right = fib(here, n - 2);
	return fib_join(&here) + right;
}

/* Each submits the next and waits for it. */
static void *wait_for_next(void *arg)
{
	uintptr_t left = (uintptr_t)arg;
	struct skua_future *next = NULL;
	long value = 0;
	int error;

	if (left && noted(skua_submit(skua_pool_current(), wait_for_next,
				      number(left - 1), &next))) {
		error = skua_future_result(next, SKUA_FOREVER, NULL);
		EXPECT(error == 0 || error == SKUA_ENOMEM);
		if (error)
			atomic_fetch_add(&waits_failed, 1);
		skua_future_release(next);
	}
	error = skua_sleep(1);
	EXPECT(error == 0 || error == SKUA_ENOMEM);
	error = fib_run(skua_pool_current(), &value, 8);
	EXPECT(error == SKUA_ENOMEM || (error == 0 && value == 21));
	return count_run(arg);
}

static void run_chain(struct skua_pool *pool)
{
	struct skua_future *first = NULL;

	if (!noted(skua_submit(pool, wait_for_next, number(CHAIN), &first)))
		return;
	EXPECT(skua_future_result(first, SKUA_FOREVER, NULL) == 0);
	skua_future_release(first);
}

static void run_flat(struct skua_pool *pool)
{
	static struct skua_future *futures[FLAT];

	for (size_t i = 0; i < FLAT; i++) {
		futures[i] = NULL;
		(void)noted(skua_submit(pool, count_run, NULL, &futures[i]));
	}
	for (size_t i = 0; i < FLAT; i++) {
		if (futures[i])
			EXPECT(skua_future_result(futures[i], SKUA_FOREVER,
						  NULL) == 0);
		skua_future_release(futures[i]);
	}
}

static void use(struct skua_pool *pool)
{
	long value = 0;
	int error;

	run_chain(pool);
	run_flat(pool);
	error = fib_run(pool, &value, 20);
	EXPECT(error == SKUA_ENOMEM || (error == 0 && value == 6765));
	EXPECT(skua_pool_trim(pool) == 0);
}

static struct skua_pool *try_open(void)
{
	struct skua_pool_options options = SKUA_POOL_OPTIONS;
	struct skua_pool *pool = NULL;
	int error;

	options.workers = stress.workers;
	error = skua_pool_open(&pool, &options);
	EXPECT(error == 0 || error == SKUA_ENOMEM || error == SKUA_EAGAIN);
	return pool;
}

/* A task whose wait failed does not wait for the rest of its chain. */
static void await_stragglers(void)
{
	while (atomic_load(&runs) < atomic_load(&accepted))
		sched_yield();
}

/* With plenty the same pool does all of it. */
static void use_with_plenty(struct skua_pool *pool)
{
	size_t failed =
		atomic_load(&waits_failed) + atomic_load(&submits_failed);
	long value = 0;

	run_chain(pool);
	EXPECT(fib_run(pool, &value, 20) == 0 && value == 6765);
	EXPECT(atomic_load(&waits_failed) + atomic_load(&submits_failed) ==
	       failed);
}

/* ---- what runs out ---- */

/* For the workers and a few stacks more. */
static size_t room(void)
{
	return (size_t)(stress.workers + 4) * 12 << 20;
}

static size_t field_of_statm(unsigned field)
{
	FILE *f = fopen("/proc/self/statm", "re");
	size_t pages = 0;

	EXPECT(f != NULL);
	for (unsigned i = 0; i <= field; i++)
		EXPECT(fscanf(f, "%zu", &pages) == 1);
	fclose(f);
	return pages * PAGE_BYTES;
}

static void set_limit(int which, rlim_t bytes)
{
	struct rlimit limit;

	EXPECT(getrlimit(which, &limit) == 0);
	limit.rlim_cur = bytes;
	EXPECT(setrlimit(which, &limit) == 0);
}

static void address_space_runs_out(void)
{
	set_limit(RLIMIT_AS, field_of_statm(0) + room());
}

static void address_space_comes_back(void)
{
	set_limit(RLIMIT_AS, RLIM_INFINITY);
}

/* Private memory that may be written. */
static void data_runs_out(void)
{
	set_limit(RLIMIT_DATA, field_of_statm(5) + room());
}

static void data_comes_back(void)
{
	set_limit(RLIMIT_DATA, RLIM_INFINITY);
}

static char *many_maps;

/* Every other page of a large mapping has another protection. */
static void mappings_run_out(void)
{
	size_t bytes = (size_t)2 * MAPS * PAGE_BYTES, made = 0;

	many_maps = mmap(NULL, bytes, PROT_NONE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	EXPECT(many_maps != MAP_FAILED);
	while (made < MAPS && mprotect(many_maps + 2 * made * PAGE_BYTES,
				       PAGE_BYTES, PROT_READ) == 0)
		made++;
	if (made == MAPS) {
		printf("more than %d mappings are allowed here\n", MAPS);
		return;
	}
	/* Two for each page that is made equal to its neighbours. */
	for (size_t i = 1; i <= MAPS_LEFT / 2; i++)
		EXPECT(mprotect(many_maps + 2 * (made - i) * PAGE_BYTES,
				PAGE_BYTES, PROT_NONE) == 0);
}

static void mappings_come_back(void)
{
	EXPECT(munmap(many_maps, (size_t)2 * MAPS * PAGE_BYTES) == 0);
}

struct shortage {
	const char *name;
	void (*begin)(void), (*end)(void);
};

static const struct shortage shortages[] = {
	{ "address space", address_space_runs_out, address_space_comes_back },
	{ "data", data_runs_out, data_comes_back },
	{ "mappings", mappings_run_out, mappings_come_back },
};

/* ---- one case ---- */

static void in_child(const struct shortage *shortage, bool open_before)
{
	struct skua_pool *pool = open_before ? try_open() : NULL;
	size_t rounds = stress_rounds(2, 20);

	shortage->begin();
	for (size_t i = 0; i < rounds; i++) {
		if (!pool)
			pool = try_open();
		if (pool)
			use(pool);
		if (pool && !open_before) {
			stress_close(pool);
			pool = NULL;
		}
	}
	/* Fewer stacks than tasks that wait: it was short, or it was nothing
	 * that this has shown. */
	EXPECT(atomic_load(&waits_failed) + atomic_load(&submits_failed) > 0);
	await_stragglers();
	shortage->end();
	if (!pool)
		pool = try_open();
	use_with_plenty(pool);
	stress_close(pool);
	EXPECT(atomic_load(&runs) == atomic_load(&accepted));
}

static void one_case(const struct shortage *shortage, bool open_before)
{
	int status = -1;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		alarm(LIMIT_SECONDS);
		in_child(shortage, open_before);
		_exit(0);
	}
	EXPECT(pid > 0 && waitpid(pid, &status, 0) == pid);
	if (status) {
		fprintf(stderr, "%s, opened %s: status %#x\n", shortage->name,
			open_before ? "before" : "then", (unsigned)status);
		EXPECT(status == 0);
	}
}

static void body(void)
{
	for (size_t i = 0; i < sizeof(shortages) / sizeof(*shortages); i++) {
		one_case(&shortages[i], true);
		one_case(&shortages[i], false);
	}
}

int main(int argc, char *argv[])
{
	return stress_main(argc, argv, body);
}
