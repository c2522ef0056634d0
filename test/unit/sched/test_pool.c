/* SPDX-License-Identifier: MIT */
/*
 * test_pool.c - pools and their worker threads: how many, what they are
 * called, what a task can ask about them; that pools leave each other and the
 * process alone.
 */
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../../support/threads.h"
#include "sched_test.h"

/* --- Workers. --- */

static void *ask_where(void *pool)
{
	int worker = skua_worker();

	CHECK(skua_pool_current() == pool);
	CHECK(worker >= 0);
	CHECK((unsigned)worker < skua_pool_workers(pool));
	skua_yield();
	CHECK(skua_worker() == worker);
	return number((uintptr_t)worker);
}

static void where_body(struct skua_pool *pool, unsigned workers)
{
	struct skua_pool *other = open_pool(2);

	cr_assert_eq(skua_pool_workers(pool), workers);
	cr_assert_null(skua_pool_current());
	cr_assert_eq(skua_worker(), -1);
	for (unsigned i = 0; i < 100; i++) {
		(void)take(submit(pool, ask_where, pool));
		(void)take(submit(other, ask_where, other));
	}
	cr_assert_null(skua_pool_current());
	CHECK(skua_pool_close(other, SKUA_CLOSE_WAIT) == 0);
}

/* current and worker "in a task; else NULL and -1" */
Test(pool, a_task_knows_its_pool_and_worker, .timeout = LIMIT)
{
	with_pools(where_body);
}

struct roll_call {
	struct gate gate;
	atomic_uint seen[64];
	pthread_t threads[64];
};

static void *answer(void *arg)
{
	struct roll_call *call = arg;
	int worker = skua_worker();

	atomic_fetch_add(&call->seen[worker], 1);
	call->threads[worker] = pthread_self();
	return hold(&call->gate);
}

static void roll_call_body(struct skua_pool *pool, unsigned workers)
{
	static struct roll_call call;

	memset(&call, 0, sizeof(call));
	gate_close(&call.gate);
	for (unsigned i = 0; i < workers; i++)
		CHECK(skua_submit(pool, answer, &call, NULL) == 0);
	gate_await(&call.gate, workers);
	for (unsigned i = 0; i < workers; i++) {
		cr_assert_eq(atomic_load(&call.seen[i]), 1);
		for (unsigned k = 0; k < i; k++)
			cr_assert(!pthread_equal(call.threads[i],
						 call.threads[k]));
	}
	gate_open(&call.gate);
}

/* Each worker has an index of its own below workers, and a thread. */
Test(pool, every_worker_answers_once, .timeout = LIMIT)
{
	with_pools(roll_call_body);
}

static void *submit_and_ask(void *pool)
{
	for (unsigned i = 0; i < 1000; i++) {
		int worker = skua_worker();

		(void)take(submit(pool, do_nothing, NULL));
		CHECK(skua_worker() == worker);
		CHECK(skua_pool_current() == pool);
	}
	return NULL;
}

static void stays_body(struct skua_pool *pool, unsigned workers)
{
	struct skua_future *askers[8];

	(void)workers;
	for (size_t i = 0; i < 8; i++)
		askers[i] = submit(pool, submit_and_ask, pool);
	for (size_t i = 0; i < 8; i++)
		CHECK(take(askers[i]) == NULL);
}

/* "It never changes during a task", waits included. */
Test(pool, the_worker_of_a_task_never_changes, .timeout = LIMIT)
{
	with_pools(stays_body);
}

/* --- Names. --- */

static void *thread_name(void *out)
{
	CHECK(pthread_getname_np(pthread_self(), out, 16) == 0);
	return number((uintptr_t)skua_worker());
}

/* Workers 0 to 9 are "@narrow-<i>", 10 and 11 "@wide-<i>". */
static void are_named(const char *name, const char *narrow, const char *wide)
{
	struct skua_pool_options options = SKUA_POOL_OPTIONS;
	struct skua_pool *pool = NULL;
	char copy[64] = "", found[16], expected[64];

	options.workers = 12;
	if (name)
		options.name = strcpy(copy, name);
	CHECK(skua_pool_open(&pool, &options) == 0);
	memset(copy, '?', sizeof(copy) - 1);
	for (unsigned i = 0; i < 200; i++) {
		uintptr_t worker =
			(uintptr_t)take(submit(pool, thread_name, found));

		snprintf(expected, sizeof(expected), "%s-%u",
			 worker < 10 ? narrow : wide, (unsigned)worker);
		cr_assert_str_eq(found, expected);
	}
	CHECK(skua_pool_close(pool, SKUA_CLOSE_WAIT) == 0);
	settle(12);
}

/* A3 "names <prefix>-<i>"; "NULL: "skua". Copied." */
Test(pool, workers_are_named_and_numbered, .timeout = LIMIT,
     .disabled = ONLY_POSIX)
{
	are_named(NULL, "skua", "skua");
	are_named("mill", "mill", "mill");
}

/* "in 15 bytes: the name is cut, never the number", and not inside a UTF-8
 * character: these have three bytes each. */
Test(pool, long_names_are_cut_before_the_number, .timeout = LIMIT,
     .disabled = ONLY_POSIX)
{
	are_named("abcdefghijklmnopqrstuvwxyz", "abcdefghijklm",
		  "abcdefghijkl");
	are_named("线线线线线线", "线线线线", "线线线线");
	are_named("ab线线线线线", "ab线线线", "ab线线线");
	are_named("a线线线线线", "a线线线线", "a线线线");
}

/* --- Counts. --- */

static struct gate counted_gate;

static void *wait_for(void *future)
{
	return take(future);
}

static void counts_body(struct skua_pool *pool, unsigned workers)
{
	static struct gate keep, finish;
	struct skua_pool *other = open_pool(1);
	struct skua_future *waiter;

	gate_close(&keep);
	gate_close(&finish);
	gate_close(&counted_gate);
	cr_assert_eq(skua_pool_pending(pool), 0);
	cr_assert_eq(skua_pool_running(pool), 0);
	waiter = submit(pool, wait_for, submit(other, hold, &finish));
	while (skua_pool_running(pool) < 1)
		sched_yield();
	hold_workers(pool, &keep, workers);
	for (unsigned i = 0; i < 5; i++)
		CHECK(skua_submit(pool, do_nothing, NULL, NULL) == 0);
	cr_assert_eq(skua_pool_pending(pool), 5, "%u workers", workers);
	cr_assert_eq(skua_pool_running(pool), workers + 1, "%u workers",
		     workers);
	gate_open(&keep);
	gate_open(&finish);
	CHECK(take(waiter) == &finish);
	while (skua_pool_pending(pool) || skua_pool_running(pool))
		sched_yield();
	CHECK(skua_pool_close(other, SKUA_CLOSE_WAIT) == 0);
}

/* "Tasks submitted and not yet started, and tasks started and not yet ended
 * (suspended ones too)": "exact when nothing moves". */
Test(pool, pending_and_running_count_exactly, .timeout = LIMIT)
{
	with_pools(counts_body);
}

/* --- Side by side. --- */

enum {
	POOLS = 20
};

static atomic_uint visits[POOLS];

static void *visit(void *counter)
{
	atomic_fetch_add((atomic_uint *)counter, 1);
	return skua_pool_current();
}

static void side_by_side_body(unsigned workers)
{
	struct skua_pool *pools[POOLS];

	if (workers > 8)
		workers = 8;
	for (size_t i = 0; i < POOLS; i++) {
		atomic_store(&visits[i], 0);
		pools[i] = open_pool(workers);
	}
	for (unsigned round = 0; round < 50; round++)
		for (size_t i = 0; i < POOLS; i++)
			CHECK(take(submit(pools[i], visit, &visits[i])) ==
			      pools[i]);
	/* Every second one goes; the others do not notice. */
	for (size_t i = 0; i < POOLS; i += 2)
		CHECK(skua_pool_close(pools[i], SKUA_CLOSE_WAIT) == 0);
	for (size_t i = 1; i < POOLS; i += 2)
		CHECK(take(submit(pools[i], visit, &visits[i])) == pools[i]);
	for (size_t i = 1; i < POOLS; i += 2)
		CHECK(skua_pool_close(pools[i], SKUA_CLOSE_WAIT) == 0);
	for (size_t i = 0; i < POOLS; i++)
		cr_assert_eq(atomic_load(&visits[i]), 50 + i % 2);
}

/* "Any number of pools side by side"; "two pools never affect each other" */
Test(pool, many_side_by_side_do_not_affect_each_other, .timeout = LIMIT)
{
	with_workers(side_by_side_body);
}

static void reopened_body(unsigned workers)
{
	for (unsigned i = 0; i < SCALED(200); i++) {
		struct skua_pool *pool = open_pool(workers);

		CHECK(take(submit(pool, visit, &visits[0])) == pool);
		CHECK(skua_pool_close(pool, SKUA_CLOSE_WAIT) == 0);
	}
}

/* "a pool closed and reopened at the same address is another pool": this
 * thread was a guest of every one before. */
Test(pool, reopened_at_the_same_address_is_another, .timeout = LIMIT)
{
	with_workers(reopened_body);
}

static void *own_number(void *arg)
{
	(void)arg;
	return number((uintptr_t)syscall(SYS_gettid));
}

/* Opens a pool and closes it, so that what a sanitizer starts beside the first
 * thread of ours is there. The kernel lets go of a joined thread's entry a
 * moment later. */
static void had_a_thread(void)
{
	struct skua_pool *pool = open_pool(1);
	uintptr_t thread = (uintptr_t)take(submit(pool, own_number, NULL));
	char entry[64];

	CHECK(skua_pool_close(pool, SKUA_CLOSE_WAIT) == 0);
	snprintf(entry, sizeof(entry), "/proc/self/task/%ju",
		 (uintmax_t)thread);
	while (access(entry, F_OK) == 0)
		sched_yield();
}

static void no_thread_left_body(unsigned workers)
{
	struct skua_pool *pool;
	unsigned before;

	had_a_thread();
	before = threads_of_process();
	pool = open_pool(workers);
	cr_assert(threads_of_process() >= before + workers);
	CHECK(skua_pool_close(pool, SKUA_CLOSE_WAIT) == 0);
	/* A moment later, as above. */
	while (threads_of_process() > before)
		sched_yield();
}

/* As many threads as workers while it is open, and none when close returns. */
Test(pool, close_leaves_no_thread_behind, .timeout = LIMIT)
{
	with_workers(no_thread_left_body);
}

/* --- Open inside a task. --- */

static void *open_inside(void *workers)
{
	struct skua_pool *pool = open_pool((unsigned)(uintptr_t)workers);

	for (unsigned i = 0; i < 10; i++)
		CHECK(take(submit(pool, visit, &visits[0])) == pool);
	CHECK(skua_pool_close(pool, SKUA_CLOSE_WAIT) == 0);
	return NULL;
}

static void open_inside_body(struct skua_pool *pool, unsigned workers)
{
	CHECK(take(submit(pool, open_inside, number(workers))) == NULL);
}

/* skua_pool_open: "Thread: any, inside a task too." */
Test(pool, opens_inside_a_task, .timeout = LIMIT)
{
	with_pools(open_inside_body);
}

/* --- Signals. --- */

/* What a thread raises by a fault of its own, which must reach its handler. */
static bool is_fault(int signal)
{
	return signal == SIGSEGV || signal == SIGBUS || signal == SIGFPE ||
	       signal == SIGILL || signal == SIGTRAP || signal == SIGSYS;
}

static void *blocks_all_signals(void *arg)
{
	sigset_t blocked, all, full;

	/* All that can be: an emulator keeps some for itself. */
	sigfillset(&all);
	CHECK(pthread_sigmask(SIG_SETMASK, &all, &blocked) == 0);
	CHECK(pthread_sigmask(SIG_SETMASK, &blocked, &full) == 0);
	CHECK(sigismember(&full, SIGTERM) == 1);
	for (int signal = 1; signal <= SIGRTMAX; signal++)
		CHECK(sigismember(&blocked, signal) ==
		      (sigismember(&full, signal) && !is_fault(signal)));
	return arg;
}

static void signals_body(struct skua_pool *pool, unsigned workers)
{
	sigset_t mine;

	(void)workers;
	CHECK(take(submit(pool, blocks_all_signals, pool)) == pool);
	CHECK(pthread_sigmask(SIG_SETMASK, NULL, &mine) == 0);
	CHECK(sigismember(&mine, SIGUSR1) == 0);
}

/* "all signals blocked in workers", and not in whoever opens the pool */
Test(pool, workers_block_all_signals, .timeout = LIMIT)
{
	with_pools(signals_body);
}

static bool same_handler(const struct sigaction *x, const struct sigaction *y)
{
	return x->sa_handler == y->sa_handler && x->sa_flags == y->sa_flags;
}

static void handlers_body(unsigned workers)
{
	struct sigaction before[65], after;
	struct skua_pool *pool;

	for (int signal = 1; signal <= 64; signal++)
		if (sigaction(signal, NULL, &before[signal]))
			before[signal].sa_flags = -1;
	pool = open_pool(workers);
	CHECK(take(submit(pool, visit, &visits[0])) == pool);
	CHECK(skua_pool_close(pool, SKUA_CLOSE_WAIT) == 0);
	for (int signal = 1; signal <= 64; signal++)
		if (sigaction(signal, NULL, &after) == 0)
			cr_assert(same_handler(&before[signal], &after));
}

/* "The library never […] installs a signal handler." */
Test(pool, no_signal_handler_is_installed, .timeout = LIMIT)
{
	with_workers(handlers_body);
}

/* --- Trim. --- */

static void *trim_inside(void *pool)
{
	CHECK(skua_pool_trim(pool) == 0);
	return pool;
}

static void trim_body(struct skua_pool *pool, unsigned workers)
{
	struct skua_future *trimmers[10];

	(void)workers;
	for (unsigned i = 0; i < 10; i++) {
		CHECK(skua_pool_trim(pool) == 0);
		for (size_t k = 0; k < 10; k++)
			trimmers[k] = submit(pool, trim_inside, pool);
		CHECK(skua_pool_trim(pool) == 0);
		for (size_t k = 0; k < 10; k++)
			CHECK(take(trimmers[k]) == pool);
	}
}

/* From outside, from several tasks at once, again and again. */
Test(pool, trims_from_outside_and_inside, .timeout = LIMIT)
{
	with_pools(trim_body);
}

/* --- Nonsense. --- */

/* "NULL, zero […]: an error code, never undefined" */
Test(pool, null_is_an_error_code_or_nothing, .timeout = LIMIT)
{
	cr_assert_eq(skua_pool_open(NULL, NULL), SKUA_EINVAL);
	cr_assert_eq(skua_pool_trim(NULL), SKUA_EINVAL);
	cr_assert_eq(skua_pool_workers(NULL), 0);
	cr_assert_eq(skua_pool_pending(NULL), 0);
	cr_assert_eq(skua_pool_running(NULL), 0);
}

static void null_submits_body(struct skua_pool *pool, unsigned workers)
{
	struct skua_submit_options options = SKUA_SUBMIT_OPTIONS;
	struct skua_future *none = NULL;
	void *args[1] = { NULL };

	(void)workers;
	CHECK(skua_submit(NULL, do_nothing, NULL, &none) == SKUA_EINVAL);
	CHECK(skua_submit(pool, NULL, NULL, &none) == SKUA_EINVAL);
	CHECK(skua_post(NULL, free, NULL) == SKUA_EINVAL);
	CHECK(skua_post(pool, NULL, NULL) == SKUA_EINVAL);
	CHECK(skua_submit_many(NULL, do_nothing, args, 1, &none) ==
	      SKUA_EINVAL);
	CHECK(skua_submit_many(pool, NULL, args, 1, &none) == SKUA_EINVAL);
	CHECK(skua_submit_many(pool, do_nothing, NULL, 1, &none) ==
	      SKUA_EINVAL);
	CHECK(skua_submit_with(NULL, do_nothing, NULL, &options, &none) ==
	      SKUA_EINVAL);
	CHECK(skua_submit_with(pool, NULL, NULL, &options, &none) ==
	      SKUA_EINVAL);
	CHECK(none == NULL);
}

Test(pool, null_submits_are_error_codes, .timeout = LIMIT)
{
	with_pools(null_submits_body);
}

/* An absurd count is refused before the arguments are read. */
static void absurd_many_body(struct skua_pool *pool, unsigned workers)
{
	struct skua_future *none = NULL;
	void *args[1] = { NULL };

	(void)workers;
	CHECK(skua_submit_many(pool, do_nothing, args, SIZE_MAX, &none) ==
	      SKUA_ENOMEM);
	CHECK(skua_submit_many(pool, do_nothing, args, SIZE_MAX / 64 + 2,
			       &none) == SKUA_ENOMEM);
	CHECK(none == NULL);
	CHECK(take(submit(pool, do_nothing, pool)) == pool);
}

/* "absurd sizes […]: an error code"; submit_many "all or none" */
Test(pool, an_absurd_count_is_an_error_code, .timeout = LIMIT)
{
	with_pools(absurd_many_body);
}
