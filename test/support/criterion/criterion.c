/* SPDX-License-Identifier: MIT */
/*
 * main() of a test program in sanitizer builds: see criterion.h beside this
 * file. It runs the tests in order, each in a child of its own that has its
 * own time limit, and names those that failed, ended early or hung.
 */
#include "criterion.h"

#include <errno.h>
#include <fnmatch.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	SKIPPED = 77
};

/* What a sanitizer multiplies times by, at most, in the tests we have. */
enum {
	SLOWDOWN = 5,
	DEFAULT_SECONDS = 60
};

static struct criterion_test *first_test;
static struct criterion_test **last_test = &first_test;

/* In a test's process: a check that any of its threads may have failed. */
static atomic_bool check_failed;

void criterion_register(struct criterion_test *test)
{
	*last_test = test;
	last_test = &test->next;
}

void criterion_failed(bool fatal, const char *file, int line, const char *check,
		      const char *format, ...)
{
	fprintf(stderr, "%s:%d: %s\n", file, line, check);
	if (format) {
		va_list arguments;

		va_start(arguments, format);
		vfprintf(stderr, format, arguments);
		va_end(arguments);
		fputc('\n', stderr);
	}
	/* Relaxed: joining the thread, or being it, orders this before exit. */
	atomic_store_explicit(&check_failed, true, memory_order_relaxed);
	/* Neither the stack nor what is still allocated is of interest now. */
	if (fatal)
		_exit(EXIT_FAILURE);
}

void criterion_skip(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	_exit(SKIPPED);
}

static const struct criterion_options *suite_options(const char *suite)
{
	static const struct criterion_options none;

	for (struct criterion_test *t = first_test; t; t = t->next)
		if (!t->name && strcmp(t->suite, suite) == 0)
			return &t->options;
	return &none;
}

static double time_limit(const struct criterion_test *test)
{
	double seconds = test->options.timeout;

	if (!(seconds > 0))
		seconds = suite_options(test->suite)->timeout;
	return SLOWDOWN * (seconds > 0 ? seconds : DEFAULT_SECONDS);
}

static void call(void (*fn)(void))
{
	if (fn)
		fn();
}

/* In the child. exit() lets the sanitizers look at what is left. */
static _Noreturn void run_test(const struct criterion_test *test)
{
	const struct criterion_options *suite = suite_options(test->suite);

	call(suite->init);
	call(test->options.init);
	test->run();
	call(test->options.fini);
	call(suite->fini);
	exit(atomic_load_explicit(&check_failed, memory_order_relaxed));
}

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Waits for SIGCHLD, which is blocked, or for the deadline. */
static bool wait_until(int64_t deadline_ns)
{
	int64_t left = deadline_ns - now_ns();
	struct timespec timeout;
	sigset_t child;

	if (left < 0)
		return false;
	timeout.tv_sec = (time_t)(left / 1000000000);
	timeout.tv_nsec = (long)(left % 1000000000);
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigtimedwait(&child, NULL, &timeout);
	return true;
}

/* The status of @child, or -1 if it had to be killed. */
static int await_child(pid_t child, double seconds)
{
	int64_t deadline_ns = now_ns() + (int64_t)(seconds * 1e9);
	int status;

	while (waitpid(child, &status, WNOHANG) == 0) {
		if (wait_until(deadline_ns))
			continue;
		/* Its whole group: a test of fork() has children too. */
		kill(-child, SIGKILL);
		waitpid(child, &status, 0);
		return -1;
	}
	return status;
}

static const char *verdict(int status, char *text, size_t size)
{
	if (status == -1)
		return "TIMEOUT";
	if (WIFSIGNALED(status)) {
		snprintf(text, size, "FAIL (%s)", strsignal(WTERMSIG(status)));
		return text;
	}
	switch (WEXITSTATUS(status)) {
	case EXIT_SUCCESS:
		return NULL;
	case EXIT_FAILURE:
		return "FAIL";
	case SKIPPED:
		return "SKIP";
	}
	snprintf(text, size, "FAIL (exit status %d)", WEXITSTATUS(status));
	return text;
}

/* Returns whether @test did not fail. */
static bool check_test(const struct criterion_test *test, const sigset_t *mask)
{
	int64_t start_ns = now_ns();
	char text[64];
	const char *word;
	pid_t child;
	int status;

	fflush(NULL);
	child = fork();
	if (child < 0) {
		perror("fork");
		exit(EXIT_FAILURE);
	}
	if (child == 0) {
		setpgid(0, 0);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		sigprocmask(SIG_SETMASK, mask, NULL);
		run_test(test);
	}
	/* By both, so that it is done whoever comes first. */
	setpgid(child, child);
	status = await_child(child, time_limit(test));
	word = verdict(status, text, sizeof(text));
	printf("[%s] %s::%s (%.2f s)\n", word ? word : "PASS", test->suite,
	       test->name, (double)(now_ns() - start_ns) / 1e9);
	return !word || strcmp(word, "SKIP") == 0;
}

static bool matches(const struct criterion_test *test, const char *pattern)
{
	char full[256];

	if (!test->name)
		return false;
	snprintf(full, sizeof(full), "%s/%s", test->suite, test->name);
	return fnmatch(pattern, full, 0) == 0;
}

static bool is_disabled(const struct criterion_test *test)
{
	return test->options.disabled || suite_options(test->suite)->disabled;
}

static int run_all(const char *pattern)
{
	unsigned passed = 0, failed = 0;
	sigset_t blocked, mask;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGCHLD);
	sigprocmask(SIG_BLOCK, &blocked, &mask);
	for (struct criterion_test *t = first_test; t; t = t->next) {
		if (!matches(t, pattern) || is_disabled(t))
			continue;
		if (check_test(t, &mask))
			passed++;
		else
			failed++;
	}
	printf("Passed: %u, failed: %u\n", passed, failed);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int list_all(const char *pattern)
{
	for (struct criterion_test *t = first_test; t; t = t->next)
		if (matches(t, pattern))
			printf("%s/%s\n", t->suite, t->name);
	return EXIT_SUCCESS;
}

int main(int argc, char *argv[])
{
	/* --jobs is Criterion's; tests that run at once only confuse TSan. */
	static const struct option options[] = {
		{ "filter", required_argument, NULL, 'f' },
		{ "jobs", required_argument, NULL, 'j' },
		{ "list", no_argument, NULL, 'l' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	const char *pattern = "*";
	bool list = false;
	int option;

	while ((option = getopt_long(argc, argv, "j:lh", options, NULL)) !=
	       -1) {
		if (option == 'f') {
			pattern = optarg;
		} else if (option == 'l') {
			list = true;
		} else if (option != 'j') {
			printf("usage: %s [--list] [--filter SUITE/NAME]\n",
			       argv[0]);
			return option == 'h' ? EXIT_SUCCESS : EXIT_FAILURE;
		}
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	return list ? list_all(pattern) : run_all(pattern);
}
