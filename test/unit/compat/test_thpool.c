/* SPDX-License-Identifier: MIT */
/*
 * test_thpool.c - C-Thread-Pool's interface: what it promises there, and its
 * known defects, each as a test that shows it gone.
 */
#include <limits.h>
#include <signal.h>
#include <skua/compat/thpool.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../sched/sched_test.h"

static atomic_size_t done;
static struct gate gate, second;

static void count(void *arg)
{
	atomic_fetch_add((atomic_size_t *)arg, 1);
}

static void hold_work(void *arg)
{
	hold(arg);
}

static threadpool init(int threads)
{
	threadpool pool = thpool_init(threads);

	cr_assert_not_null(pool);
	return pool;
}

static void add(threadpool pool, void (*work)(void *), void *arg)
{
	CHECK(thpool_add_work(pool, work, arg) == 0);
}

enum {
	JOBS = SCALED(20000) + 100
};

Test(thpool, all_work_is_done, .timeout = LIMIT)
{
	for (int threads = 1; threads <= 8; threads *= 2) {
		threadpool pool = init(threads);

		atomic_store(&done, 0);
		thpool_wait(pool);
		for (int i = 0; i < JOBS; i++)
			add(pool, count, &done);
		thpool_wait(pool);
		cr_assert_eq(atomic_load(&done), JOBS);
		cr_assert_eq(thpool_num_threads_working(pool), 0);
		thpool_destroy(pool);
	}
	settle(0);
}

static threadpool own;

static void add_children(void *arg)
{
	size_t depth = (uintptr_t)arg;

	atomic_fetch_add(&done, 1);
	for (int i = 0; depth && i < 2; i++)
		add(own, add_children, number(depth - 1));
}

/* Work that adds work is waited for, too. */
Test(thpool, work_adds_work, .timeout = LIMIT)
{
	own = init(2);
	atomic_store(&done, 0);
	add(own, add_children, number(10));
	thpool_wait(own);
	cr_assert_eq(atomic_load(&done), 2047);
	thpool_destroy(own);
	settle(0);
}

Test(thpool, threads_working, .timeout = LIMIT)
{
	threadpool pool = init(4);

	gate_close(&gate);
	for (int i = 1; i <= 4; i++) {
		add(pool, hold_work, &gate);
		gate_await(&gate, (unsigned)i);
		cr_assert_eq(thpool_num_threads_working(pool), i);
	}
	add(pool, hold_work, &gate);
	cr_assert_eq(thpool_num_threads_working(pool), 4);
	gate_open(&gate);
	thpool_wait(pool);
	cr_assert_eq(thpool_num_threads_working(pool), 0);
	thpool_destroy(pool);
}

/* What runs goes on, nothing new starts. */
Test(thpool, pause, .timeout = LIMIT)
{
	threadpool pool = init(2);

	atomic_store(&done, 0);
	gate_close(&gate);
	add(pool, hold_work, &gate);
	gate_await(&gate, 1);
	thpool_pause(pool);
	thpool_pause(pool);
	for (int i = 0; i < 10; i++)
		add(pool, count, &done);
	gate_open(&gate);
	while (thpool_num_threads_working(pool))
		sched_yield();
	cr_assert_eq(atomic_load(&done), 0);
	thpool_resume(pool);
	thpool_wait(pool);
	cr_assert_eq(atomic_load(&done), 10);
	/* At once: there the threads might miss it, and hang. */
	for (int i = 0; i < SCALED(1000) + 10; i++) {
		add(pool, count, &done);
		thpool_pause(pool);
		thpool_resume(pool);
	}
	thpool_wait(pool);
	cr_assert_eq(atomic_load(&done), SCALED(1000) + 20);
	thpool_destroy(pool);
}

/* A paused one may be destroyed; what has not started is dropped. */
Test(thpool, destroy, .timeout = LIMIT)
{
	threadpool pool = init(1);

	atomic_store(&done, 0);
	thpool_pause(pool);
	for (int i = 0; i < 10; i++)
		add(pool, count, &done);
	thpool_destroy(pool);
	cr_assert_eq(atomic_load(&done), 0);
}

/* The state of one is not that of the other. */
Test(thpool, pools_are_apart, .timeout = LIMIT)
{
	threadpool one = init(1), two = init(1), three;
	static atomic_size_t others;

	atomic_store(&done, 0);
	thpool_pause(one);
	add(one, count, &done);
	add(two, count, &others);
	thpool_wait(two);
	cr_assert_eq(atomic_load(&others), 1);
	thpool_pause(two);
	thpool_resume(two);
	cr_assert_eq(atomic_load(&done), 0);
	three = init(2);
	thpool_destroy(two);
	add(three, count, &others);
	thpool_wait(three);
	cr_assert_eq(atomic_load(&others), 2);
	cr_assert_eq(atomic_load(&done), 0);
	thpool_resume(one);
	thpool_wait(one);
	cr_assert_eq(atomic_load(&done), 1);
	thpool_destroy(three);
	thpool_destroy(one);
	settle(0);
}

static void *wait_for_pool(void *pool)
{
	gate_arrive(&second);
	thpool_wait(pool);
	return pool;
}

Test(thpool, several_wait, .timeout = LIMIT)
{
	threadpool pool = init(2);
	pthread_t threads[3];

	gate_close(&gate);
	gate_close(&second);
	add(pool, hold_work, &gate);
	for (int i = 0; i < 3; i++)
		CHECK(pthread_create(&threads[i], NULL, wait_for_pool, pool) ==
		      0);
	gate_await(&second, 3);
	gate_open(&gate);
	for (int i = 0; i < 3; i++)
		CHECK(pthread_join(threads[i], NULL) == 0);
	thpool_destroy(pool);
	settle(0);
}

/* What the kernel says of a thread: its state, and how often it gave its CPU
 * away to sleep. */
struct account {
	char state;
	unsigned long sleeps;
};

static struct account account_of(int thread)
{
	struct account a = { 0, ULONG_MAX };
	char name[64], line[256];
	FILE *status;

	snprintf(name, sizeof(name), "/proc/self/task/%d/status", thread);
	status = fopen(name, "r");
	if (!status)
		return a;
	while (fgets(line, sizeof(line), status)) {
		sscanf(line, "State: %c", &a.state);
		sscanf(line, "voluntary_ctxt_switches: %lu", &a.sleeps);
	}
	fclose(status);
	return a;
}

struct waiter {
	threadpool pool;
	atomic_int thread; /* its number, before it waits */
	pthread_t pthread;
	clockid_t cpu_clock;
};

static void *wait_as_waiter(void *arg)
{
	struct waiter *w = arg;

	atomic_store(&w->thread, (int)syscall(SYS_gettid));
	thpool_wait(w->pool);
	return arg;
}

static int64_t cpu_ms(const struct waiter *w)
{
	struct timespec used;

	CHECK(clock_gettime(w->cpu_clock, &used) == 0);
	return used.tv_sec * INT64_C(1000) + used.tv_nsec / 1000000;
}

static void start_waiter(struct waiter *w, threadpool pool)
{
	w->pool = pool;
	atomic_init(&w->thread, 0);
	CHECK(pthread_create(&w->pthread, NULL, wait_as_waiter, w) == 0);
	CHECK(pthread_getcpuclockid(w->pthread, &w->cpu_clock) == 0);
	while (!atomic_load(&w->thread))
		sched_yield();
}

/* A wait sleeps once, until it is told. One that polls sleeps once more each
 * time that it looks, or never: then it uses CPU time. The ticks are what goes by
 * meanwhile, a second at least; nothing waits for them. */
Test(thpool, wait_does_not_poll, .timeout = LIMIT)
{
	enum {
		TICKS = 500,
		SLEEPS = 2, /* it may be seen asleep on the way there */
		CPU_MS = 500
	};
	threadpool pool = init(1);
	struct waiter w;
	struct account before, after;

	if (ONLY_POSIX || account_of((int)getpid()).sleeps == ULONG_MAX) {
		thpool_destroy(pool);
		cr_skip_test("who waits takes a lock, or Linux is not there");
	}
	gate_close(&gate);
	add(pool, hold_work, &gate);
	gate_await(&gate, 1);
	start_waiter(&w, pool);
	do {
		before = account_of(atomic_load(&w.thread));
		cr_assert(cpu_ms(&w) < CPU_MS, "it spins");
	} while (before.state != 'S' && !sched_yield());
	for (int i = 0; i < TICKS; i++)
		CHECK(skua_sleep(SKUA_MILLISECONDS(2)) == 0);
	after = account_of(atomic_load(&w.thread));
	cr_assert(after.sleeps - before.sleeps <= SLEEPS,
		  "it slept %lu times while %d ticks went by",
		  after.sleeps - before.sleeps, TICKS);
	cr_assert(cpu_ms(&w) < CPU_MS, "it spins");
	gate_open(&gate);
	CHECK(pthread_join(w.pthread, NULL) == 0);
	thpool_destroy(pool);
	settle(0);
}

static void use_own(void *arg)
{
	thpool_wait(own);
	atomic_fetch_add(&done, 1);
	if (arg)
		thpool_destroy(own);
	gate_arrive(&gate);
}

/* There it never ends. */
Test(thpool, by_its_own_work, .timeout = LIMIT)
{
	own = init(1);
	atomic_store(&done, 0);
	gate_close(&gate);
	add(own, use_own, NULL);
	thpool_wait(own);
	add(own, use_own, &gate);
	gate_await(&gate, 2);
	cr_assert_eq(atomic_load(&done), 2);
	settle(0);
}

Test(thpool, without_threads, .timeout = LIMIT)
{
	for (int threads = -1; threads <= 0; threads++) {
		threadpool pool = init(threads);

		atomic_store(&done, 0);
		thpool_wait(pool);
		add(pool, count, &done);
		cr_assert_eq(thpool_num_threads_working(pool), 0);
		thpool_destroy(pool);
		cr_assert_eq(atomic_load(&done), 0);
	}
	settle(0);
}

Test(thpool, wrong_arguments, .timeout = LIMIT)
{
	threadpool pool = init(1);

	cr_assert_null(thpool_init(SKUA_WORKERS_MAX + 1));
	cr_assert_null(thpool_init(INT32_MAX));
	cr_assert_eq(thpool_add_work(NULL, count, NULL), -1);
	cr_assert_eq(thpool_add_work(pool, NULL, NULL), -1);
	cr_assert_eq(thpool_num_threads_working(NULL), 0);
	thpool_wait(NULL);
	thpool_pause(NULL);
	thpool_resume(NULL);
	thpool_destroy(NULL);
	thpool_destroy(pool);
}

static void name_it(void *arg)
{
	strcpy(arg, skua_thread_name());
}

Test(thpool, names_and_signals, .timeout = LIMIT)
{
	struct sigaction before, after;
	threadpool pool;
	char name[16] = "";

	cr_assert_eq(sigaction(SIGUSR1, NULL, &before), 0);
	pool = init(1);
	add(pool, name_it, name);
	thpool_wait(pool);
	cr_assert_str_eq(name, "thpool-0");
	cr_assert_eq(sigaction(SIGUSR1, NULL, &after), 0);
	cr_assert_eq(before.sa_handler, after.sa_handler);
	thpool_destroy(pool);
}

Test(thpool, after_fork, .timeout = LIMIT)
{
	threadpool pool = init(1);
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		alarm(100);
		CHECK(thpool_add_work(pool, count, &done) == -1);
		CHECK(thpool_num_threads_working(pool) == 0);
		thpool_wait(pool);
		thpool_destroy(pool);
		_exit(atomic_load(&failed_check) ? 1 : 0);
	}
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	cr_assert_eq(status, 0);
	thpool_destroy(pool);
}
