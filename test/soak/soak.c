/* SPDX-License-Identifier: MIT */
/*
 * soak.c - random programs on Skua, each checked against a sequential reference
 * (see program.h).
 *
 *	soak [--seed N] [--seconds N] [--programs N] [--workers N]
 *	     [--nodes N] [--repeat N] [--limit N]
 *
 * A program follows from its seed and the number of workers. It runs in a child,
 * and if that fails the parent prints the command that runs it again. If nothing
 * happens for --limit seconds the program hangs: that is a failure too, told by
 * a watchdog.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "program.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#endif

enum {
#ifdef SANITIZED
	QUIET_SECONDS = 300,
#else
	QUIET_SECONDS = 120,
#endif
	FAILED_STATUS = 1,
	USAGE_STATUS = 2,
	HUNG_STATUS = 3,
	NODES_USUAL = 800
};

static struct {
	const char *name;
	uint64_t seed;
	unsigned long seconds, programs, repeat, limit;
	unsigned workers;
	uint32_t nodes;
} soak = { .programs = 100,
	   .repeat = 1,
	   .limit = QUIET_SECONDS,
	   .nodes = NODES_USUAL };

static struct program program;
/* How often each enum outcome was: what never happens is not tested. */
static unsigned long outcomes[LET_GO + 1];
static atomic_ulong happened;
/* The command that repeats the program, in memory that the parent shares: it
 * tells it however the child ends. */
static char *replay;

enum {
	REPLAY_BYTES = 1024
};

void progress(void)
{
	atomic_fetch_add_explicit(&happened, 1, memory_order_relaxed);
}

/* ---- what went wrong ---- */

static void show(const struct node *node)
{
	static const char *const launches[] = { "fork", "call",	  "run",
						"box",	"submit", "post",
						"many", "with",	  "guest",
						"nest" };

	fprintf(stderr,
		"node %u: %s, parent %u, depth %u, isolated %d of %d, pool %u, "
		"settle %d, second %d, cancel %d, late %d, fails %d, outcome %d, seen %d, runs %u, "
		"ends %u, drops %u and %u, reads %u\n",
		node->id, launches[node->launch], node->parent, node->depth,
		node->isolated, node->inside, node->pool, (int)node->settle,
		(int)node->second, node->cancel, node->late, node->fails,
		(int)node->outcome,
		atomic_load_explicit(&node->seen, memory_order_relaxed),
		atomic_load_explicit(&node->runs, memory_order_relaxed),
		atomic_load_explicit(&node->ends, memory_order_relaxed),
		atomic_load_explicit(&node->arg_drops, memory_order_relaxed),
		atomic_load_explicit(&node->result_drops, memory_order_relaxed),
		atomic_load_explicit(&node->reads, memory_order_relaxed));
}

_Noreturn void wrong(const char *file, int line, const struct node *node,
		     const char *what)
{
	fprintf(stderr, "%s:%d: %s\n", file, line, what);
	show(node);
	_exit(FAILED_STATUS);
}

static void show_pools(void)
{
	for (uint32_t i = 0; i < program.pools; i++) {
		const struct scope *scope = &program.scopes[i];

		if (scope->opened)
			fprintf(stderr, "pool %u: %zu pending, %zu running\n",
				i, skua_pool_pending(scope->handle),
				skua_pool_running(scope->handle));
	}
}

/* Begun and not ended, or launched and not begun: one of them is why. */
static void show_unfinished(void)
{
	for (uint32_t i = 0; i < program.count; i++) {
		const struct node *node = &program.nodes[i];
		unsigned runs =
			atomic_load_explicit(&node->runs, memory_order_relaxed);
		unsigned ends =
			atomic_load_explicit(&node->ends, memory_order_relaxed);

		if (runs != ends || (node->future && !ends))
			show(node);
	}
}

static void *watchdog(void *unused)
{
	unsigned long last = 0;
	unsigned quiet = 0;

	(void)unused;
	for (;;) {
		unsigned long now;

		sleep(1);
		now = atomic_load_explicit(&happened, memory_order_relaxed);
		quiet = now == last ? quiet + 1 : 0;
		last = now;
		if (quiet < soak.limit)
			continue;
		fprintf(stderr, "nothing has happened for %u s\n", quiet);
		show_unfinished();
		show_pools();
		_exit(HUNG_STATUS);
	}
	return NULL;
}

/* ---- running ---- */

static void run_program(uint64_t seed, unsigned workers)
{
	snprintf(replay, REPLAY_BYTES,
		 "to repeat: %s --workers %u --seed %#llx --nodes %u "
		 "--programs 1 --repeat 1000\n",
		 soak.name, workers, (unsigned long long)seed, soak.nodes);
	program_generate(&program, seed, workers, soak.nodes);
	program_execute(&program);
	program_evaluate(&program);
	for (uint32_t i = 1; i < program.count; i++)
		outcomes[program.nodes[i].outcome]++;
}

static time_t seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

/* The seed of program number 0 is the one given. */
static void run_programs(unsigned workers)
{
	time_t end = seconds_now() + (time_t)soak.seconds;
	unsigned long nodes = 0, runs = 0;

	for (unsigned long i = 0;
	     soak.seconds ? seconds_now() < end : i < soak.programs; i++)
		for (unsigned long k = 0; k < soak.repeat; k++) {
			run_program(soak.seed +
					    i * UINT64_C(0xbf58476d1ce4e5b9),
				    workers);
			nodes += program.count;
			runs++;
		}
	printf("%s --workers %u --seed %#llx: %lu programs, %lu nodes, "
	       "so far %lu failed, %lu cancelled, %lu refused, %lu given up, "
	       "%lu let go, %lu not reached\n",
	       soak.name, workers, (unsigned long long)soak.seed, runs, nodes,
	       outcomes[FAILED], outcomes[CANCELLED], outcomes[REFUSED],
	       outcomes[GAVE_UP], outcomes[LET_GO], outcomes[NOTHING]);
	fflush(stdout);
}

static unsigned long number(const char *text)
{
	char *end;
	unsigned long long n;

	errno = 0;
	n = strtoull(text, &end, 0);
	if (errno || end == text || *end) {
		fprintf(stderr, "%s: not a number: %s\n", soak.name, text);
		exit(USAGE_STATUS);
	}
	return n;
}

static void usage(int status)
{
	fprintf(status ? stderr : stdout,
		"usage: %s [--seed N] [--seconds N] [--programs N] "
		"[--workers N] [--nodes N] [--repeat N] [--limit N]\n",
		soak.name);
	exit(status);
}

static void read_arguments(int argc, char *argv[])
{
	soak.name = argv[0];
	for (int i = 1; i < argc; i += 2) {
		const char *value = argv[i + 1];

		if (strcmp(argv[i], "--help") == 0)
			usage(0);
		if (!value)
			usage(USAGE_STATUS);
		if (strcmp(argv[i], "--seed") == 0)
			soak.seed = number(value);
		else if (strcmp(argv[i], "--seconds") == 0)
			soak.seconds = number(value);
		else if (strcmp(argv[i], "--programs") == 0)
			soak.programs = number(value);
		else if (strcmp(argv[i], "--workers") == 0)
			soak.workers = (unsigned)number(value);
		else if (strcmp(argv[i], "--nodes") == 0)
			soak.nodes = (uint32_t)number(value);
		else if (strcmp(argv[i], "--repeat") == 0)
			soak.repeat = number(value);
		else if (strcmp(argv[i], "--limit") == 0)
			soak.limit = number(value);
		else
			usage(USAGE_STATUS);
	}
	if (soak.workers > SKUA_WORKERS_MAX || soak.nodes < 20)
		usage(USAGE_STATUS);
}

/* The child: its exit status. */
static int run_all(void)
{
	static const unsigned several[] = { 1, 2, 8 };
	pthread_t thread;

	if (pthread_create(&thread, NULL, watchdog, NULL))
		return FAILED_STATUS;
	if (soak.workers)
		run_programs(soak.workers);
	else
		for (size_t i = 0; i < sizeof(several) / sizeof(*several); i++)
			run_programs(several[i]);
	return 0;
}

static int wait_for(pid_t child)
{
	int status = 0;

	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return FAILED_STATUS;
	if (WIFSIGNALED(status))
		fprintf(stderr, "%s\n", strsignal(WTERMSIG(status)));
	if (status)
		fputs(replay, stderr);
	return WIFEXITED(status) ? WEXITSTATUS(status) : FAILED_STATUS;
}

int main(int argc, char *argv[])
{
	struct timespec now;
	pid_t child;

	clock_gettime(CLOCK_REALTIME, &now);
	soak.seed = (uint64_t)now.tv_nsec << 32 ^ (uint64_t)now.tv_sec;
	read_arguments(argc, argv);
	replay = mmap(NULL, REPLAY_BYTES, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (replay == MAP_FAILED)
		return FAILED_STATUS;
	child = fork();
	if (child)
		return child < 0 ? FAILED_STATUS : wait_for(child);
	/* It shall not outlive a parent that is killed. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	return run_all();
}
