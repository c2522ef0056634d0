/* SPDX-License-Identifier: MIT */
/*
 * fault.c - each call that can fail does, at its n-th time, for n = 1, 2, …
 * until a scenario has passed without any failure; once that call alone, and
 * once all from the n-th on.
 *
 *	fault [--scenario NAME] [--call NAME] [--nth N] [--only | --on]
 *
 * Each run is a process of its own, with a time limit of its own, and is
 * named if it fails. It must end with clean errors, with each job that was
 * accepted run or dropped once, and with nothing left allocated or mapped.
 */
#include "fault.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "calls.h"

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define UNDER_TSAN 1
#elif __has_feature(address_sanitizer)
#define UNDER_ASAN 1
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define UNDER_TSAN 1
#elif defined(__SANITIZE_ADDRESS__)
#define UNDER_ASAN 1
#endif

/* Of a run, against hangs; and which n comes next: where each run is slow, fewer
 * and fewer of the later ones, and by themselves only all calls together. */
#if defined(UNDER_TSAN)
enum {
	LIMIT_SECONDS = 120
};
#define NEXT(nth) (2 * (nth) + 1)
#define CALL_BY_ITSELF "any"
#elif defined(UNDER_ASAN)
enum {
	LIMIT_SECONDS = 120
};
#define NEXT(nth) ((nth) + 1 + (nth) / 4)
#define CALL_BY_ITSELF NULL
#else
enum {
	LIMIT_SECONDS = 30
};
#define NEXT(nth) ((nth) + 1)
#define CALL_BY_ITSELF NULL
#endif

/* How a run ended. */
enum {
	PASSED = 0,
	BROKE = 1,
	NOTHING_FAILED = 3,
	MET_GUARD = 4,
};

struct run {
	const struct scenario *scenario;
	const struct call_group *group;
	unsigned nth;
	bool and_on;
};

static struct run run;

/* ---- in the process of a run ---- */

_Noreturn void fault_fail(const char *what)
{
	fprintf(stderr, "%s\n", what);
	_exit(BROKE);
}

void fault_begin(void)
{
	calls_fail(run.group, run.nth, run.and_on);
}

void fault_end(void)
{
	calls_relent();
}

int __real_pthread_create(pthread_t *, const pthread_attr_t *,
			  void *(*)(void *), void *);

pthread_t fault_thread(void *(*fn)(void *), void *arg)
{
	pthread_t thread;

	EXPECT(__real_pthread_create(&thread, NULL, fn, arg) == 0);
	return thread;
}

/* Mapped and not accessible, as a guard is. */
static void on_segv(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)context;
	_exit(calls_failed() && info->si_code == SEGV_ACCERR ? MET_GUARD :
							       BROKE);
}

void fault_expect_guard(void)
{
	static _Thread_local char stack[1 << 14];
	stack_t other = { .ss_sp = stack, .ss_size = sizeof(stack) };
	stack_t before;
	struct sigaction action = { .sa_sigaction = on_segv,
				    .sa_flags = SA_SIGINFO | SA_ONSTACK };

	sigset_t faults;

	/* As workers have it, whatever else they block. */
	sigemptyset(&faults);
	sigaddset(&faults, SIGSEGV);
	EXPECT(pthread_sigmask(SIG_UNBLOCK, &faults, NULL) == 0);
	/* A sanitizer has set one of its own, and frees it. */
	EXPECT(sigaltstack(NULL, &before) == 0);
	if (before.ss_flags & SS_DISABLE)
		EXPECT(sigaltstack(&other, NULL) == 0);
	EXPECT(sigaction(SIGSEGV, &action, NULL) == 0);
}

static void *run_body(void *unused)
{
	(void)unused;
	run.scenario->body();
	fault_end();
	return NULL;
}

/* Says what a run that hangs still holds. */
static void on_alarm(int number)
{
	char text[100];
	int length = snprintf(text, sizeof(text),
			      "time limit: %zu blocks and %zu bytes held\n",
			      calls_blocks(), calls_mapped());

	(void)number;
	(void)!write(STDERR_FILENO, text, (size_t)length);
	_exit(BROKE);
}

/* Detached pools end by themselves, a moment later. */
static void await_ends(void)
{
	while (!run.scenario->keeps && (calls_blocks() || calls_mapped()))
		sched_yield();
}

static _Noreturn void be_run(void)
{
	signal(SIGALRM, on_alarm);
	alarm(LIMIT_SECONDS);
	EXPECT(pthread_join(fault_thread(run_body, NULL), NULL) == 0);
	await_ends();
	fault_balance();
	EXPECT(!run.group->hint || !atomic_load(&ledger.shortages));
	/* Not _exit(): a sanitizer looks for leaks at the end. */
	exit(calls_failed() ? PASSED : NOTHING_FAILED);
}

/* ---- in the process that starts them ---- */

static void describe(const char *what, int detail)
{
	fprintf(stderr,
		"%s %d\nto repeat: fault --scenario %s --call %s --nth %u %s\n",
		what, detail, run.scenario->name, run.group->name, run.nth,
		run.and_on ? "--on" : "--only");
}

/* False: it went wrong, and has been described. */
static bool judge(int status, bool *failed)
{
	if (WIFSIGNALED(status)) {
		describe("dies: signal", WTERMSIG(status));
		return false;
	}
	*failed = WEXITSTATUS(status) != NOTHING_FAILED;
	switch (WEXITSTATUS(status)) {
	case MET_GUARD:
	case PASSED:
	case NOTHING_FAILED:
		return true;
	default:
		describe("fails: status", WEXITSTATUS(status));
		return false;
	}
}

static bool run_once(bool *failed)
{
	int status = -1;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0)
		be_run();
	if (pid < 0 || waitpid(pid, &status, 0) != pid) {
		perror("fork");
		exit(2);
	}
	return judge(status, failed);
}

/* Until nothing fails any more. Returns how many runs went wrong. */
static unsigned run_all_nth(void)
{
	unsigned wrong = 0, runs = 0;
	bool failed = true;

	for (run.nth = 1; failed && !wrong; run.nth = NEXT(run.nth)) {
		wrong += !run_once(&failed);
		runs++;
	}
	printf("%s, %s, %s: %u runs\n", run.scenario->name, run.group->name,
	       run.and_on ? "on" : "only", runs);
	return wrong;
}

/* ---- the command line ---- */

struct wanted {
	const char *scenario, *call;
	unsigned nth;
	bool only, on;
};

static _Noreturn void usage(void)
{
	printf("usage: fault [--scenario NAME] [--call NAME] [--nth N] "
	       "[--only | --on]\nscenarios:");
	for (const struct scenario *s = fault_scenarios; s->name; s++)
		printf(" %s", s->name);
	printf("\ncalls:");
	for (const struct call_group *group = call_groups; group->name; group++)
		printf(" %s", group->name);
	printf("\n");
	exit(2);
}

static struct wanted read_arguments(int argc, char *argv[])
{
	struct wanted wanted = { NULL, CALL_BY_ITSELF, 0, true, true };

	for (int i = 1; i < argc; i++) {
		bool more = i + 1 < argc;

		if (!strcmp(argv[i], "--scenario") && more)
			wanted.scenario = argv[++i];
		else if (!strcmp(argv[i], "--call") && more)
			wanted.call = argv[++i];
		else if (!strcmp(argv[i], "--nth") && more)
			wanted.nth = (unsigned)strtoul(argv[++i], NULL, 0);
		else if (!strcmp(argv[i], "--only"))
			wanted.on = false;
		else if (!strcmp(argv[i], "--on"))
			wanted.only = false;
		else
			usage();
	}
	return wanted;
}

static bool is_wanted(const char *wanted, const char *name)
{
	return !wanted || strcmp(wanted, name) == 0;
}

static unsigned run_mode(const struct wanted *wanted, bool and_on)
{
	bool failed;

	run.and_on = and_on;
	run.nth = wanted->nth;
	return wanted->nth ? !run_once(&failed) : run_all_nth();
}

static unsigned run_scenario(const struct wanted *wanted)
{
	unsigned wrong = 0;

	for (run.group = call_groups; run.group->name; run.group++) {
		if (!is_wanted(wanted->call, run.group->name))
			continue;
		if (wanted->only)
			wrong += run_mode(wanted, false);
		if (wanted->on)
			wrong += run_mode(wanted, true);
	}
	return wrong;
}

int main(int argc, char *argv[])
{
	struct wanted wanted = read_arguments(argc, argv);
	unsigned wrong = 0, matched = 0;

	for (run.scenario = fault_scenarios; run.scenario->name;
	     run.scenario++) {
		if (!is_wanted(wanted.scenario, run.scenario->name))
			continue;
		matched++;
		wrong += run_scenario(&wanted);
	}
	if (!matched)
		usage();
	return wrong ? 1 : 0;
}
