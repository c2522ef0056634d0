/* SPDX-License-Identifier: MIT */
/*
 * test_threads.c - plain threads: what they are called, what they return, who
 * may join them and when, and what is left of them.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sched_test.h"

/* An output that must not be touched. */
static char untouched;
#define UNTOUCHED ((void *)&untouched)

static struct skua_thread *start(const char *name, skua_fn *fn, void *arg)
{
	struct skua_thread *thread = NULL;

	CHECK(skua_thread_start(&thread, name, fn, arg) == 0);
	return thread;
}

static void *join(struct skua_thread *thread)
{
	void *result = UNTOUCHED;

	CHECK(skua_thread_join(thread, SKUA_FOREVER, &result) == 0);
	return result;
}

/* --- Results. --- */

static void *count_up(void *arg)
{
	++*(int *)arg;
	return arg;
}

/* What a thread wrote is there after the join, without atomics. */
Test(threads, start_and_join, .timeout = LIMIT)
{
	int count = 0;

	for (int i = 0; i < 200; i++) {
		cr_assert_eq(join(start("t", count_up, &count)), &count);
		cr_assert_eq(count, i + 1);
	}
	cr_assert_eq(skua_thread_join(start("t", count_up, &count),
				      SKUA_FOREVER, NULL),
		     0);
	cr_assert_null(join(start("t", do_nothing, NULL)));
	settle(0);
}

Test(threads, many_at_once, .timeout = LIMIT)
{
	struct skua_thread *threads[100];
	int counts[100] = { 0 };

	for (int i = 0; i < 100; i++)
		threads[i] = start("t", count_up, &counts[i]);
	for (int i = 0; i < 100; i++)
		cr_assert_eq(join(threads[i]), &counts[i]);
	for (int i = 0; i < 100; i++)
		cr_assert_eq(counts[i], 1);
	settle(0);
}

Test(threads, wrong_arguments, .timeout = LIMIT)
{
	struct skua_thread_base base = { NULL, NULL, { 0 } };
	struct skua_thread *thread = UNTOUCHED;
	void *result = UNTOUCHED;

	cr_assert_eq(skua_thread_start(NULL, "t", do_nothing, NULL),
		     SKUA_EINVAL);
	cr_assert_eq(skua_thread_start(&thread, "t", NULL, NULL), SKUA_EINVAL);
	cr_assert_eq(thread, UNTOUCHED);
	cr_assert_eq(skua_thread_join(NULL, 0, &result), SKUA_EINVAL);
	skua_thread_detach(NULL);
	cr_assert_eq(skua_thread_base_start(NULL), SKUA_EINVAL);
	cr_assert_eq(skua_thread_base_start(&base), SKUA_EINVAL);
	cr_assert_eq(skua_thread_base_join(NULL, 0, &result), SKUA_EINVAL);
	/* Not started. */
	cr_assert_eq(skua_thread_base_join(&base, SKUA_FOREVER, &result),
		     SKUA_EINVAL);
	cr_assert_eq(result, UNTOUCHED);
}

static void *leave_early(void *arg)
{
	pthread_exit(arg);
	return UNTOUCHED;
}

static struct gate gate;

/* In no call that TSan intercepts: it would not notice that it is left. */
static void *wait_for_cancel(void *arg)
{
	*(pthread_t *)arg = pthread_self();
	gate_arrive(&gate);
	for (;;) {
		pthread_testcancel();
		sched_yield();
	}
	return arg;
}

/* Not by returning: by pthread_exit(), and cancelled. */
Test(threads, other_ends, .timeout = LIMIT)
{
	struct skua_thread *thread;
	pthread_t handle;
	int value = 0;

	cr_assert_eq(join(start("t", leave_early, &value)), &value);
	gate_close(&gate);
	thread = start("t", wait_for_cancel, &handle);
	gate_await(&gate, 1);
	cr_assert_eq(pthread_cancel(handle), 0);
	cr_assert_eq(join(thread), PTHREAD_CANCELED);
	settle(0);
}

static pthread_key_t key;
static int destroyed;

static void destroy(void *arg)
{
	destroyed += arg == &destroyed;
}

static void *have_a_local(void *arg)
{
	CHECK(pthread_setspecific(key, &destroyed) == 0);
	return arg;
}

/* Who has joined a thread finds it gone, thread-locals too. */
Test(threads, destructors_have_run, .timeout = LIMIT)
{
	cr_assert_eq(pthread_key_create(&key, destroy), 0);
	for (int i = 0; i < 100; i++) {
		join(start("t", have_a_local, NULL));
		cr_assert_eq(destroyed, i + 1);
	}
	settle(0);
}

/* --- Names. --- */

struct look {
	char own[40], of_system[40];
};

/* As ps reads it. */
static void read_name(char out[40])
{
	char path[60];
	ssize_t bytes;
	int fd;

	snprintf(path, sizeof(path), "/proc/self/task/%ld/comm",
		 syscall(SYS_gettid));
	fd = open(path, O_RDONLY);
	bytes = read(fd, out, 39);
	CHECK(bytes > 0 && out[bytes - 1] == '\n');
	out[bytes > 0 ? bytes - 1 : 0] = '\0';
	close(fd);
}

static void *look(void *arg)
{
	struct look *look = arg;

	strcpy(look->own, skua_thread_name());
	read_name(look->of_system);
	return arg;
}

static void expect_names(const struct look *look, const char *expected)
{
	cr_assert_str_eq(look->own, expected);
	if (!ONLY_POSIX)
		cr_assert_str_eq(look->of_system, expected);
}

static void expect_name(const char *given, const char *expected)
{
	struct look seen;

	join(start(given, look, &seen));
	expect_names(&seen, expected);
}

Test(threads, names_as_ps_shows_them, .timeout = LIMIT)
{
	expect_name("reader", "reader");
	expect_name("\u7ebf\u7a0b1", "\u7ebf\u7a0b1");
	expect_name("fifteen-bytes-x", "fifteen-bytes-x");
	expect_name("sixteen-bytes-xy", "sixteen-bytes-x");
	/* Five of three bytes; the sixth does not fit, nor does a part. */
	expect_name("\u7ebf\u7ebf\u7ebf\u7ebf\u7ebf\u7a0b",
		    "\u7ebf\u7ebf\u7ebf\u7ebf\u7ebf");
	expect_name("a\u7ebf\u7ebf\u7ebf\u7ebf\u7a0b",
		    "a\u7ebf\u7ebf\u7ebf\u7ebf");
	expect_name("\U0001f426\U0001f426\U0001f426\U0001f426",
		    "\U0001f426\U0001f426\U0001f426");
	expect_name("", "");
	/* Not UTF-8: cut anywhere. */
	expect_name("\xff\xfe", "\xff\xfe");
	expect_name("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80"
		    "\x80\x80",
		    "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80"
		    "\x80");
	prctl(PR_SET_NAME, "creator");
	if (!ONLY_POSIX)
		expect_name(NULL, "creator");
	settle(0);
}

/* It is copied before the start returns. */
Test(threads, name_may_go_away, .timeout = LIMIT)
{
	char name[] = "first";
	struct skua_thread *thread;
	struct look seen;

	thread = start(name, look, &seen);
	memset(name, 'x', sizeof(name) - 1);
	join(thread);
	expect_names(&seen, "first");
	settle(0);
}

/* Each thread has a name, whoever started it; and asking is not answering for
 * another. */
Test(threads, names_of_others, .timeout = LIMIT, .disabled = ONLY_POSIX)
{
	struct look seen;
	pthread_t foreign;

	prctl(PR_SET_NAME, "main-thread");
	look(&seen);
	expect_names(&seen, "main-thread");
	cr_assert_eq(pthread_create(&foreign, NULL, look, &seen), 0);
	cr_assert_eq(pthread_join(foreign, NULL), 0);
	expect_names(&seen, "main-thread");
	expect_name("another", "another");
	cr_assert_str_eq(skua_thread_name(), "main-thread");
	settle(0);
}

/* Of a worker: the pool's name is cut, never the number. */
static void expect_worker(const char *pool_name, const char *expected)
{
	struct skua_pool_options options = SKUA_POOL_OPTIONS;
	struct skua_pool *pool;
	struct look seen;

	options.workers = 1;
	options.name = pool_name;
	cr_assert_eq(skua_pool_open(&pool, &options), 0);
	take(submit(pool, look, &seen));
	cr_assert_eq(skua_pool_close(pool, SKUA_CLOSE_WAIT), 0);
	expect_names(&seen, expected);
}

Test(threads, names_of_workers, .timeout = LIMIT)
{
	expect_worker(NULL, "skua-0");
	expect_worker("\u7ebf\u7a0b", "\u7ebf\u7a0b-0");
	/* 13 bytes: four of three, and no part of the fifth. */
	expect_worker("\u7ebf\u7ebf\u7ebf\u7ebf\u7a0b",
		      "\u7ebf\u7ebf\u7ebf\u7ebf-0");
	expect_worker("twelve-bytes\u7a0b", "twelve-bytes-0");
	settle(0);
}

/* --- Who joins. --- */

Test(threads, a_timeout_disturbs_nothing, .timeout = LIMIT)
{
	struct skua_thread *thread;
	void *result = UNTOUCHED;

	gate_close(&gate);
	thread = start("t", hold, &gate);
	for (int i = 0; i < 100; i++)
		cr_assert_eq(skua_thread_join(thread, i * INT64_C(1000),
					      &result),
			     SKUA_ETIMEDOUT);
	cr_assert_eq(result, UNTOUCHED);
	gate_open(&gate);
	cr_assert_eq(join(thread), &gate);
	settle(0);
}

/* Looking alone, until it has ended. */
Test(threads, polled, .timeout = LIMIT)
{
	struct skua_thread *thread = start("t", do_nothing, &gate);
	void *result = UNTOUCHED;
	int error;

	while ((error = skua_thread_join(thread, 0, &result)) == SKUA_ETIMEDOUT)
		sched_yield();
	cr_assert_eq(error, 0);
	cr_assert_eq(result, &gate);
}

static struct skua_thread *itself;

static void *join_itself(void *arg)
{
	void *result = UNTOUCHED;

	gate_pass(&gate);
	CHECK(skua_thread_join(itself, SKUA_FOREVER, &result) == SKUA_EDEADLK);
	CHECK(skua_thread_join(itself, 0, &result) == SKUA_EDEADLK);
	CHECK(skua_thread_join(itself, 1000, &result) == SKUA_EDEADLK);
	CHECK(result == UNTOUCHED);
	return arg;
}

static void *base_joins_itself(struct skua_thread_base *self)
{
	CHECK(skua_thread_base_join(self, SKUA_FOREVER, NULL) == SKUA_EDEADLK);
	CHECK(skua_thread_base_start(self) == SKUA_EBUSY);
	return self;
}

Test(threads, join_oneself, .timeout = LIMIT)
{
	struct skua_thread_base base = { base_joins_itself, "b", { 0 } };
	void *result;

	gate_close(&gate);
	itself = start("t", join_itself, &gate);
	gate_open(&gate);
	cr_assert_eq(join(itself), &gate);
	cr_assert_eq(skua_thread_base_start(&base), 0);
	cr_assert_eq(skua_thread_base_join(&base, SKUA_FOREVER, &result), 0);
	cr_assert_eq(result, &base);
	settle(0);
}

/* On one worker: a task joins a thread that waits for another task. If the
 * worker were blocked, that one would never run. */
static void *join_in_task(void *thread)
{
	CHECK(skua_thread_join(thread, SKUA_MILLISECONDS(1), NULL) ==
	      SKUA_ETIMEDOUT);
	gate_arrive(&gate);
	return join(thread);
}

static struct gate second;

static void *open_gate(void *arg)
{
	gate_await(&gate, 1);
	gate_open(arg);
	return arg;
}

static void task_body(struct skua_pool *pool, unsigned workers)
{
	struct skua_future *joiner, *opener;
	struct skua_thread *thread;

	(void)workers;
	gate_close(&gate);
	gate_close(&second);
	thread = start("t", hold, &second);
	joiner = submit(pool, join_in_task, thread);
	gate_await(&gate, 1);
	opener = submit(pool, open_gate, &second);
	CHECK(take(opener) == &second);
	CHECK(take(joiner) == &second);
}

Test(threads, a_task_that_joins_is_suspended, .timeout = LIMIT)
{
	with_pools(task_body);
}

/* Tasks start threads, too; those of another worker join them. */
static void *join_it(void *thread)
{
	return join(thread);
}

static void *start_in_task(void *arg)
{
	struct skua_thread *threads[8];

	for (int i = 0; i < 8; i++)
		threads[i] = start("from-task", do_nothing, &threads[i]);
	for (int i = 0; i < 8; i++)
		CHECK(take(submit(skua_pool_current(), join_it, threads[i])) ==
		      &threads[i]);
	return arg;
}

static void tasks_start_body(struct skua_pool *pool, unsigned workers)
{
	struct skua_future *futures[SCALED(100) + 1];
	size_t count = sizeof(futures) / sizeof(*futures);

	(void)workers;
	for (size_t i = 0; i < count; i++)
		futures[i] = submit(pool, start_in_task, number(i));
	for (size_t i = 0; i < count; i++)
		CHECK(take(futures[i]) == number(i));
}

Test(threads, tasks_start_and_join, .timeout = LIMIT)
{
	with_pools(tasks_start_body);
}

/* --- Detached. --- */

static unsigned long count_threads(void)
{
	unsigned long count = 0;
	char line[200];
	FILE *file = fopen("/proc/self/status", "r");

	while (fgets(line, sizeof(line), file))
		if (strncmp(line, "Threads:", 8) == 0)
			count = strtoul(line + 8, NULL, 10);
	fclose(file);
	return count;
}

static void await_threads(unsigned long count)
{
	while (count_threads() > count)
		sched_yield();
}

/* Nobody says when one of them may be used again. */
static struct {
	struct gate gate;
	struct skua_thread *thread;
} left[100];

static void *detach_itself(void *arg)
{
	size_t i = (uintptr_t)arg;

	gate_pass(&left[i].gate);
	skua_thread_detach(left[i].thread);
	return arg;
}

/* Before it ends, after, and by itself. That all is freed is for a sanitizer
 * to see; that they are gone, for the system. */
Test(threads, detach, .timeout = LIMIT)
{
	struct skua_thread *thread;
	unsigned long before;

	/* A sanitizer starts one of its own with the first. */
	join(start("t", do_nothing, NULL));
	before = count_threads();
	for (int i = 0; i < 100; i += 2) {
		gate_close(&left[i].gate);
		thread = start("t", hold, &left[i].gate);
		skua_thread_detach(thread);
		gate_await(&left[i].gate, 1);
		gate_open(&left[i].gate);
		await_threads(before);

		thread = start("t", do_nothing, NULL);
		await_threads(before);
		skua_thread_detach(thread);

		gate_close(&left[i + 1].gate);
		left[i + 1].thread =
			start("t", detach_itself, number((uintptr_t)i + 1));
		gate_open(&left[i + 1].gate);
		await_threads(before);
	}
	settle(0);
}

/* It is given up after a join that ran out, and while it ends. */
Test(threads, detach_at_the_end, .timeout = LIMIT)
{
	for (int i = 0; i < SCALED(2000) + 20; i++) {
		struct skua_thread *thread = start("t", do_nothing, NULL);

		if (skua_thread_join(thread, i % 2 ? 0 : 20000, NULL))
			skua_thread_detach(thread);
	}
	settle(0);
}

/* --- Embedded. --- */

struct counter {
	long before;
	struct skua_thread_base thread;
	long from, to, sum;
	struct look seen;
};

static struct counter *counter_of(struct skua_thread_base *self)
{
	return (struct counter *)(void *)((char *)self -
					  offsetof(struct counter, thread));
}

static void *count(struct skua_thread_base *self)
{
	struct counter *counter = counter_of(self);

	look(&counter->seen);
	for (long i = counter->from; i < counter->to; i++)
		counter->sum += i;
	return &counter->sum;
}

Test(threads, embedded, .timeout = LIMIT)
{
	struct counter counter = { .thread = { count, "\u7ebf\u7a0b2", { 0 } },
				   .from = 1,
				   .to = 101 };
	void *result = UNTOUCHED;

	for (int i = 0; i < 3; i++) {
		counter.sum = 0;
		cr_assert_eq(skua_thread_base_start(&counter.thread), 0);
		cr_assert_eq(skua_thread_base_join(&counter.thread,
						   SKUA_FOREVER, &result),
			     0);
		cr_assert_eq(result, &counter.sum);
		cr_assert_eq(counter.sum, 5050);
		expect_names(&counter.seen, "\u7ebf\u7a0b2");
		/* Once only; joined as often as one likes. */
		cr_assert_eq(skua_thread_base_start(&counter.thread),
			     SKUA_EBUSY);
		result = UNTOUCHED;
		cr_assert_eq(skua_thread_base_join(&counter.thread, 0, &result),
			     0);
		cr_assert_eq(result, &counter.sum);
		memset(counter.thread.opaque, 0, sizeof(counter.thread.opaque));
	}
	settle(0);
}

static void *hold_base(struct skua_thread_base *self)
{
	hold(&gate);
	return self;
}

static void *join_base(void *base)
{
	void *result = UNTOUCHED;
	int error;

	gate_arrive(&second);
	do {
		error = skua_thread_base_join(base, SKUA_MILLISECONDS(1),
					      &result);
	} while (error == SKUA_ETIMEDOUT);
	CHECK(error == 0 && result == base);
	result = UNTOUCHED;
	CHECK(skua_thread_base_join(base, SKUA_FOREVER, &result) == 0);
	return result;
}

enum {
	JOINERS = 6
};

static void several_body(struct skua_pool *pool, unsigned workers)
{
	struct skua_future *tasks[JOINERS];
	pthread_t threads[JOINERS];

	(void)workers;
	for (int round = 0; round < SCALED(60) + 2; round++) {
		struct skua_thread_base base = { hold_base, NULL, { 0 } };

		gate_close(&gate);
		gate_close(&second);
		CHECK(skua_thread_base_start(&base) == 0);
		for (int i = 0; i < JOINERS; i++) {
			tasks[i] = submit(pool, join_base, &base);
			CHECK(pthread_create(&threads[i], NULL, join_base,
					     &base) == 0);
		}
		gate_await(&second, 2 * JOINERS);
		gate_open(&gate);
		CHECK(join_base(&base) == &base);
		for (int i = 0; i < JOINERS; i++) {
			void *result;

			CHECK(take(tasks[i]) == &base);
			CHECK(pthread_join(threads[i], &result) == 0);
			CHECK(result == &base);
		}
	}
}

/* At once and again, threads and tasks: all get the result. */
Test(threads, joined_by_several, .timeout = LIMIT)
{
	with_pools(several_body);
}

static void *free_others(struct skua_thread_base *self)
{
	struct counter *counter = counter_of(self);

	counter->sum = 7;
	return counter;
}

/* Who has joined it may free it at once. */
Test(threads, freed_after_the_join, .timeout = LIMIT)
{
	for (int i = 0; i < SCALED(1000) + 20; i++) {
		struct counter *counter = calloc(1, sizeof(*counter));
		void *result;

		counter->thread.run = free_others;
		cr_assert_eq(skua_thread_base_start(&counter->thread), 0);
		cr_assert_eq(skua_thread_base_join(&counter->thread,
						   SKUA_FOREVER, &result),
			     0);
		cr_assert_eq(result, counter);
		cr_assert_eq(counter->sum, 7);
		free(counter);
	}
}

/* --- Their locks. --- */

enum {
	INCREMENTS = SCALED(1000000)
};

static struct skua_mutex mutex = SKUA_MUTEX_INIT;
static long counted;

static void *increment(void *arg)
{
	for (int i = 0; i < INCREMENTS; i++)
		SKUA_LOCKED(&mutex) {
			counted++;
		}
	return arg;
}

Test(threads, count_under_a_lock, .timeout = LIMIT)
{
	struct skua_pool *pool = open_pool(2);
	struct skua_thread *one = start("one", increment, NULL);
	struct skua_thread *two = start("two", increment, NULL);
	struct skua_future *task = submit(pool, increment, NULL);

	join(one);
	join(two);
	take(task);
	cr_assert_eq(counted, 3 * (long)INCREMENTS);
	cr_assert_eq(skua_pool_close(pool, SKUA_CLOSE_WAIT), 0);
	settle(2);
}

/* --- fork(). --- */

static void end_child(void)
{
	const char *what = atomic_load(&failed_check);

	if (what)
		(void)!write(STDERR_FILENO, what, strlen(what));
	_exit(what ? 1 : 0);
}

static void child_succeeds(pid_t pid)
{
	int status = -1;

	CHECK(pid > 0);
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

Test(threads, of_the_parent, .timeout = LIMIT)
{
	struct skua_thread_base base = { hold_base, NULL, { 0 } };
	struct skua_thread *thread;
	void *result = UNTOUCHED;
	pid_t pid;

	gate_close(&gate);
	thread = start("t", hold, &gate);
	CHECK(skua_thread_base_start(&base) == 0);
	gate_await(&gate, 2);
	pid = fork();
	if (pid == 0) {
		alarm(100);
		CHECK(skua_thread_join(thread, SKUA_FOREVER, &result) ==
		      SKUA_ECLOSED);
		CHECK(skua_thread_join(thread, 0, &result) == SKUA_ECLOSED);
		CHECK(skua_thread_base_join(&base, SKUA_FOREVER, &result) ==
		      SKUA_ECLOSED);
		CHECK(result == UNTOUCHED);
		skua_thread_detach(thread);
		end_child();
	}
	child_succeeds(pid);
	gate_open(&gate);
	cr_assert_eq(join(thread), &gate);
	cr_assert_eq(skua_thread_base_join(&base, SKUA_FOREVER, &result), 0);
	cr_assert_eq(result, &base);
	settle(0);
}

/* In the child it is the one thread that there is, and goes on. */
static void *fork_here(void *arg)
{
	pid_t pid = fork();

	if (pid == 0) {
		alarm(100);
		CHECK(strcmp(skua_thread_name(), "forks") == 0);
		CHECK(skua_thread_join(itself, SKUA_FOREVER, NULL) < 0);
		skua_thread_detach(itself);
		if (atomic_load(&failed_check))
			_exit(1);
		/* As the last thread ends so does the process, with 0. */
		return NULL;
	}
	child_succeeds(pid);
	return arg;
}

static void *fork_when_told(void *arg)
{
	gate_pass(&gate);
	return fork_here(arg);
}

Test(threads, a_thread_forks, .timeout = LIMIT)
{
	gate_close(&gate);
	itself = start("forks", fork_when_told, &gate);
	gate_open(&gate);
	cr_assert_eq(join(itself), &gate);
	settle(0);
}
