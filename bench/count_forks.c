/* SPDX-License-Identifier: MIT */
/*
 * fib(N) once, on one worker of Skua or in plain C: what bench/run
 * --instructions runs under callgrind for two sizes, so that everything but the
 * forks falls out of the difference.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "peers.h"

struct task {
	const struct peer *peer;
	int n;
	long value;
};

static void run(void *pool, void *context)
{
	struct task *task = context;

	task->value = task->peer->fib(pool, task->n);
}

int main(int argc, char *argv[])
{
	struct crew crew = { .workers = 1, .jobs = 1 };
	struct task task = { NULL, 0, -1 };

	if (argc == 3 && !strcmp(argv[1], "skua"))
		task.peer = &peer_skua;
	else if (argc == 3 && !strcmp(argv[1], "noinline"))
		task.peer = &peer_noinline;
	if (task.peer)
		task.n = atoi(argv[2]);
	if (task.n < 1) {
		fputs("Usage: skua-count-forks skua|noinline N\n", stderr);
		return 2;
	}
	if (task.peer->with(&crew, run, &task)) {
		fputs("skua-count-forks: cannot open a pool\n", stderr);
		return 1;
	}
	printf("%ld\n", task.value);
	return 0;
}
