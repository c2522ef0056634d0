/* SPDX-License-Identifier: MIT */
/* The command line of skua-bench. */
#ifndef BENCH_CMDLINE_H
#define BENCH_CMDLINE_H

#include <stdbool.h>
#include <stddef.h>

enum {
	CMDLINE_NAMES_MAX = 32,
	CMDLINE_WORKERS_MAX = 16
};

struct peers;

/* A list of names; an empty one stands for all. */
struct names {
	const char *name[CMDLINE_NAMES_MAX];
	size_t count;
};

struct cmdline {
	bool help;
	bool list;
	struct names only; /* workloads */
	struct names peers;
	unsigned workers[CMDLINE_WORKERS_MAX];
	size_t workers_count;
	unsigned rounds;
	const char *json; /* NULL: no such file */
	const char *svg;
};

/* 0, or -1 after an error message. Lists of names are cut up in place. */
int cmdline_parse(struct cmdline *cmdline, const struct peers *peers, int argc,
		  char *argv[]);

void cmdline_print_help(void);

/* Do they ask for this one? */
bool names_select(const struct names *names, const char *name);

#endif
