/* SPDX-License-Identifier: MIT */
/*
 * registration.c - liburcu ends the process if it gets no memory for a thread
 * that it registers. So threads of the program are never made to register, by
 * whatever they do to a pool; and workers do so while the memory for it is
 * kept ready, or the pool does not open.
 *
 * This program's own mmap() and mremap() stand before libc's. The library,
 * which uses mmap64(), does not come here.
 */
#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fault.h"

enum {
	THREADS = 40, /* liburcu asks for memory at 1, 9, 25, 57, … */
	PENDING = 5,
	IDLE = 40, /* stacks: more than a worker keeps for itself */
	WORKERS = 30,
	LIMIT_SECONDS = 60,
	PAGE_BYTES = 4096,
};

_Noreturn void fault_fail(const char *what)
{
	fprintf(stderr, "%s\n", what);
	_exit(1);
}

pthread_t fault_thread(void *(*fn)(void *), void *arg)
{
	pthread_t thread;

	EXPECT(pthread_create(&thread, NULL, fn, arg) == 0);
	return thread;
}

/* ---- liburcu gets no memory ---- */

static atomic_bool refusing;
static atomic_uint refused;

static bool refuses(const void *caller)
{
	Dl_info info;

	if (!atomic_load(&refusing) || !dladdr(caller, &info) ||
	    !strstr(info.dli_fname, "liburcu"))
		return false;
	atomic_fetch_add(&refused, 1);
	errno = ENOMEM;
	return true;
}

void *plain_mmap(void *at, size_t bytes, int protection, int flags, int file,
		 long offset) __asm__("mmap");
void *plain_mmap(void *at, size_t bytes, int protection, int flags, int file,
		 long offset)
{
	if (refuses(__builtin_return_address(0)))
		return MAP_FAILED;
	return (void *)syscall(SYS_mmap, at, bytes, protection, flags, file,
			       offset);
}

void *mremap(void *old, size_t bytes, size_t more, int flags, ...)
{
	va_list rest;
	void *to = NULL;

	va_start(rest, flags);
	if (flags & MREMAP_FIXED)
		to = va_arg(rest, void *);
	va_end(rest);
	if (refuses(__builtin_return_address(0)))
		return MAP_FAILED;
	return (void *)syscall(SYS_mremap, old, bytes, more, flags, to);
}

/* ---- threads of the program ---- */

static pthread_barrier_t all_have_looked, all_are_through;
static atomic_int staying;

static void *meet(void *all)
{
	EXPECT(skua_barrier_wait(all) == 0);
	return NULL;
}

/* Its worker has registered then, and there is something to trim. */
static void suspend_some(struct skua_pool *pool)
{
	struct skua_future *tasks[IDLE];
	struct skua_barrier all;

	EXPECT(skua_barrier_init(&all, IDLE) == 0);
	for (int i = 0; i < IDLE; i++)
		EXPECT(skua_submit(pool, meet, &all, &tasks[i]) == 0);
	for (int i = 0; i < IDLE; i++) {
		EXPECT(skua_future_result(tasks[i], SKUA_FOREVER, NULL) == 0);
		skua_future_release(tasks[i]);
	}
	EXPECT(skua_barrier_destroy(&all) == 0);
}

static void *cancel_and_close(void *pool)
{
	EXPECT(skua_pool_shutdown(pool,
				  SKUA_CLOSE_CANCEL | SKUA_CLOSE_DETACH) == 0);
	EXPECT(skua_pool_trim(pool) == 0);
	/* All at once: those that exit would make room. */
	pthread_barrier_wait(&all_have_looked);
	EXPECT(skua_pool_close(pool, SKUA_CLOSE_WAIT) == 0);
	pthread_barrier_wait(&all_are_through);
	return NULL;
}

/* The worker, too, would make room. */
static void *stay(void *arg)
{
	atomic_fetch_add(&staying, 1);
	pthread_barrier_wait(&all_have_looked);
	return arg;
}

static void hold_worker(struct skua_pool *pool)
{
	int before = atomic_load(&staying);

	EXPECT(skua_submit(pool, stay, NULL, NULL) == 0);
	while (atomic_load(&staying) == before)
		sched_yield();
}

static void submit_some(struct skua_pool *pool)
{
	for (int i = 0; i < PENDING; i++)
		skua_future_release(fault_submit_optioned(pool));
}

/* Half of the pools are freed by the thread that closes them. */
static void threads_never_register(void)
{
	struct skua_pool *pools[THREADS];
	pthread_t threads[THREADS];

	EXPECT(pthread_barrier_init(&all_have_looked, NULL, 2 * THREADS) == 0);
	EXPECT(pthread_barrier_init(&all_are_through, NULL, THREADS) == 0);
	for (int i = 0; i < THREADS; i++) {
		pools[i] = fault_open(1);
		suspend_some(pools[i]);
		hold_worker(pools[i]);
		if (i % 2)
			skua_pool_retain(pools[i]);
	}
	atomic_store(&refusing, true);
	for (int i = 0; i < THREADS; i++) {
		submit_some(pools[i]);
		threads[i] = fault_thread(cancel_and_close, pools[i]);
	}
	for (int i = 0; i < THREADS; i++)
		EXPECT(pthread_join(threads[i], NULL) == 0);
	for (int i = 1; i < THREADS; i += 2)
		skua_pool_release(pools[i]);
	EXPECT(atomic_load(&refused) == 0);
	fault_balance();
}

/* ---- workers ---- */

static size_t address_space(void)
{
	FILE *f = fopen("/proc/self/statm", "re");
	size_t pages = 0;

	EXPECT(f && fscanf(f, "%zu", &pages) == 1);
	fclose(f);
	return pages * PAGE_BYTES;
}

static void limit_address_space(size_t bytes)
{
	struct rlimit limit;

	EXPECT(getrlimit(RLIMIT_AS, &limit) == 0);
	limit.rlim_cur = bytes;
	EXPECT(setrlimit(RLIMIT_AS, &limit) == 0);
}

/* With @room bytes left: opens, or says that it cannot. */
static bool opens(size_t room)
{
	struct skua_pool_options options = SKUA_POOL_OPTIONS;
	struct skua_pool *pool = NULL;
	int error;

	options.workers = WORKERS;
	options.stack_bytes = 64 << 10;
	limit_address_space(address_space() + room);
	error = skua_pool_open(&pool, &options);
	EXPECT(error == 0 || fault_shortage(error));
	if (error)
		return false;
	fault_take(fault_submit(pool));
	fault_close(pool);
	return true;
}

/* In a process of its own. */
static bool child_opens(size_t room)
{
	int status = -1;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		alarm(LIMIT_SECONDS);
		/* One heap: the room is taken by what is tested. */
		mallopt(M_ARENA_MAX, 1);
		_exit(opens(room) ? 0 : 3);
	}
	EXPECT(pid > 0 && waitpid(pid, &status, 0) == pid);
	if (!WIFEXITED(status) ||
	    (WEXITSTATUS(status) != 0 && WEXITSTATUS(status) != 3)) {
		fprintf(stderr, "with room for %zu bytes: status %#x\n", room,
			(unsigned)status);
		exit(1);
	}
	return WEXITSTATUS(status) == 0;
}

/* Every page more, around the point where there begins to be enough. */
static void workers_register_or_fail_to_open(void)
{
	size_t most = 1 << 20, least, step = (size_t)16 * PAGE_BYTES;

	while (!child_opens(most))
		most *= 2;
	least = most / 2;
	while (most - least > step) {
		size_t room = least + (most - least) / 2;

		if (child_opens(room))
			most = room;
		else
			least = room;
	}
	for (size_t room = most - 32 * step; room < most + 2 * step;
	     room += PAGE_BYTES)
		(void)child_opens(room);
}

int main(int argc, char *argv[])
{
	if (argc == 2 && strcmp(argv[1], "threads") == 0) {
		alarm(LIMIT_SECONDS);
		threads_never_register();
	} else if (argc == 2 && strcmp(argv[1], "workers") == 0) {
		workers_register_or_fail_to_open();
	} else {
		printf("usage: fault-registration threads|workers\n");
		return 2;
	}
	return 0;
}
