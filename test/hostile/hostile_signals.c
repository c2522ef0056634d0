/* SPDX-License-Identifier: MIT */
/*
 * hostile_signals.c - guests that work under a storm of signals, a thousand a
 * second each, with SA_RESTART and without; and one of the process's own
 * timer, which no worker ever gets to see.
 */
#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/time.h>

#include "stress.h"

/* As linux/signal.h has it; older libcs lack the name. */
#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

enum {
	GUESTS = 4,
	PERIOD_US = 1000,
};

static struct skua_pool *pool;
static size_t storms; /* signals that each guest sits through */
static atomic_size_t made, runs, process_signals;
static _Thread_local volatile sig_atomic_t is_ours;
/* A handler counts in its own thread. In TSan of gcc 12 and clang 14 an atomic
 * access, too, runs handlers that are due; from one in a handler the thread comes
 * back with all signals blocked for good (llvm/llvm-project#138599). */
static _Thread_local volatile sig_atomic_t signals, alarms;

/* TSan runs handlers later, when some thread comes by. */
#ifdef UNDER_TSAN
enum {
	WORKERS_MAY = 1
};
#else
enum {
	WORKERS_MAY = 0
};
#endif

static void on_signal(int number)
{
	int saved_errno = errno;

	/* A worker would have it 0. */
	if (!is_ours && !WORKERS_MAY)
		_exit(3);
	if (number == SIGALRM)
		alarms++;
	else
		signals++;
	/* Whoever was interrupted must not take this for its own. */
	errno = EDOM;
	errno = saved_errno;
}

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

SKUA_TASK(long, fib, int, n)
{
	long right;

	if (n < 2)
		return n;
	fib_fork(&here, n - 1);
	right = fib(here, n - 2);
	return fib_join(&here) + right;
}

static timer_t start_timer(void)
{
	struct itimerspec every = {
		.it_interval = { 0, PERIOD_US * 1000 },
		.it_value = { 0, PERIOD_US * 1000 },
	};
	struct sigevent event = { .sigev_notify = SIGEV_THREAD_ID,
				  .sigev_signo = SIGUSR1 };
	timer_t timer;

	event.sigev_notify_thread_id = (pid_t)syscall(SYS_gettid);
	EXPECT(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
	EXPECT(timer_settime(timer, 0, &every, NULL) == 0);
	return timer;
}

static void work(uintptr_t i)
{
	struct skua_future *future = stress_submit(
		pool, i % 2 ? sleep_and_count : count_run, number(i));
	long value = 0;
	int error;

	atomic_fetch_add(&made, 1);
	EXPECT(fib_run(pool, &value, 10) == 0 && value == 55);
	do
		error = skua_future_result(future, SKUA_MILLISECONDS(3), NULL);
	while (error == SKUA_ETIMEDOUT);
	EXPECT(error == 0);
	EXPECT(stress_take(future) == number(i));
	EXPECT(skua_sleep(1000) == 0);
	if (i % 16 == 0) {
		struct skua_pool *own = stress_open(2);

		EXPECT(stress_take(stress_submit(own, sleep_and_count,
						 number(i))) == number(i));
		atomic_fetch_add(&made, 1);
		stress_close(own);
		EXPECT(skua_pool_trim(pool) == 0);
	}
}

static void *guest(void *unused)
{
	sigset_t alarm;
	timer_t timer;

	(void)unused;
	is_ours = 1;
	sigemptyset(&alarm);
	sigaddset(&alarm, SIGALRM);
	EXPECT(pthread_sigmask(SIG_UNBLOCK, &alarm, NULL) == 0);
	timer = start_timer();
	for (uintptr_t i = 0; (size_t)signals < storms; i++)
		work(i);
	EXPECT(timer_delete(timer) == 0);
	atomic_fetch_add(&process_signals, (size_t)alarms);
	return NULL;
}

static void storm(int flags)
{
	struct itimerval every = { { 0, PERIOD_US }, { 0, PERIOD_US } };
	struct itimerval none = { { 0, 0 }, { 0, 0 } };
	struct sigaction action = { .sa_handler = on_signal,
				    .sa_flags = flags };
	pthread_t threads[GUESTS];
	sigset_t alarm;

	EXPECT(sigaction(SIGUSR1, &action, NULL) == 0);
	EXPECT(sigaction(SIGALRM, &action, NULL) == 0);
	EXPECT(setitimer(ITIMER_REAL, &every, NULL) == 0);
	/* Not for guests that have yet to say what they are. */
	sigemptyset(&alarm);
	sigaddset(&alarm, SIGALRM);
	for (int i = 0; i < GUESTS; i++) {
		EXPECT(pthread_sigmask(SIG_BLOCK, &alarm, NULL) == 0);
		stress_thread(&threads[i], guest, NULL);
		EXPECT(pthread_sigmask(SIG_UNBLOCK, &alarm, NULL) == 0);
	}
	for (int i = 0; i < GUESTS; i++)
		EXPECT(pthread_join(threads[i], NULL) == 0);
	EXPECT(setitimer(ITIMER_REAL, &none, NULL) == 0);
}

static void body(void)
{
	storms = stress_rounds(SCALED(1000), SCALED(60000));
	is_ours = 1;
	atomic_store(&made, 0);
	atomic_store(&runs, 0);
	atomic_store(&process_signals, 0);
	pool = stress_open(stress.workers);
	storm(SA_RESTART);
	storm(0);
	stress_close(pool);
	EXPECT(atomic_load(&runs) == atomic_load(&made));
	EXPECT(atomic_load(&process_signals) + (size_t)alarms > 0);
}

int main(int argc, char *argv[])
{
	return stress_main(argc, argv, body);
}
