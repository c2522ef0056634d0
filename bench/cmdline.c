/* SPDX-License-Identifier: MIT */
/* The command line. */
#include "cmdline.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine.h"
#include "peers.h"
#include "workload.h"

enum {
	ROUNDS = 5,
	ROUNDS_MAX = 1000,
	WORKERS_MAX = 1024
};

static const char help[] =
	"Usage: skua-bench [OPTION]...\n"
	"Compare Skua with what else C programmers use: every workload runs on\n"
	"every peer, in turns, and each result is checked.\n"
	"\n"
	"      --only NAME[,NAME]  only these workloads (see --list)\n"
	"      --peers NAME[,NAME] only these peers\n"
	"      --workers N[,N]     numbers of workers (default: 1, 2 and the\n"
	"                          number of processors)\n"
	"      --rounds N          samples of each (default: 5); slow peers get\n"
	"                          fewer\n"
	"      --json FILE         write all samples\n"
	"      --svg FILE          draw a picture (needs gnuplot)\n"
	"      --list              list the workloads and the peers\n"
	"      --help              show this help\n"
	"\n"
	"Exit status: 0, or 1 if a result was wrong or something failed, or 2 if\n"
	"the command line is wrong.\n";

void cmdline_print_help(void)
{
	fputs(help, stdout);
}

static int complain(const char *option, const char *text, const char *wanted)
{
	fprintf(stderr, "skua-bench: --%s %s: %s\n", option, text, wanted);
	return -1;
}

/* Strictly decimal, from 1 to @max. */
static int parse_number(const char *text, unsigned max, unsigned *out)
{
	char *end;
	unsigned long value;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || *end || text[0] < '0' || text[0] > '9' || value < 1 ||
	    value > max)
		return -1;
	*out = (unsigned)value;
	return 0;
}

static bool is_workload(const struct peers *peers, const char *name)
{
	(void)peers;
	for (size_t i = 0; workloads[i]; i++) {
		if (!strcmp(workloads[i]->name, name))
			return true;
	}
	return false;
}

static bool is_peer(const struct peers *peers, const char *name)
{
	return peers_find(peers, name) >= 0;
}

static int parse_names(struct names *names, const char *option, char *list,
		       const struct peers *peers,
		       bool (*exists)(const struct peers *, const char *))
{
	char *rest = NULL;
	char *name = strtok_r(list, ",", &rest);

	if (!name)
		return complain(option, list, "needs a name; --list shows all");
	for (; name; name = strtok_r(NULL, ",", &rest)) {
		if (!exists(peers, name))
			return complain(option, name,
					"there is none of that name; --list "
					"shows all");
		if (names->count == CMDLINE_NAMES_MAX)
			return complain(option, name, "too many names");
		names->name[names->count++] = name;
	}
	return 0;
}

static int parse_workers(struct cmdline *cmdline, char *list)
{
	char *rest = NULL;
	char *word = strtok_r(list, ",", &rest);

	cmdline->workers_count = 0;
	if (!word)
		return complain("workers", list, "needs a number");
	for (; word; word = strtok_r(NULL, ",", &rest)) {
		if (cmdline->workers_count == CMDLINE_WORKERS_MAX)
			return complain("workers", word, "too many numbers");
		if (parse_number(word, WORKERS_MAX,
				 &cmdline->workers[cmdline->workers_count++]))
			return complain("workers", word,
					"needs numbers from 1 to 1024, as in "
					"--workers 1,2");
	}
	return 0;
}

static int parse_rounds(struct cmdline *cmdline, const char *text)
{
	if (parse_number(text, ROUNDS_MAX, &cmdline->rounds))
		return complain("rounds", text,
				"needs a number from 1 to 1000");
	return 0;
}

/* 1, 2 and all processors, each once. */
static void default_workers(struct cmdline *cmdline)
{
	unsigned processors = machine_processors();

	for (unsigned n = 1; n <= 2 && n <= processors; n++)
		cmdline->workers[cmdline->workers_count++] = n;
	if (processors > 2)
		cmdline->workers[cmdline->workers_count++] = processors;
}

static const struct option known[] = {
	{ "only", required_argument, NULL, 'o' },
	{ "peers", required_argument, NULL, 'p' },
	{ "workers", required_argument, NULL, 'w' },
	{ "rounds", required_argument, NULL, 'r' },
	{ "json", required_argument, NULL, 'j' },
	{ "svg", required_argument, NULL, 's' },
	{ "list", no_argument, NULL, 'l' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static int apply(struct cmdline *cmdline, const struct peers *peers, int option,
		 char *argument)
{
	switch (option) {
	case 'o':
		return parse_names(&cmdline->only, "only", argument, peers,
				   is_workload);
	case 'p':
		return parse_names(&cmdline->peers, "peers", argument, peers,
				   is_peer);
	case 'w':
		return parse_workers(cmdline, argument);
	case 'r':
		return parse_rounds(cmdline, argument);
	case 'j':
		cmdline->json = argument;
		return 0;
	case 's':
		cmdline->svg = argument;
		return 0;
	case 'l':
		cmdline->list = true;
		return 0;
	case 'h':
		cmdline->help = true;
		return 0;
	default: /* getopt has said what is wrong */
		fprintf(stderr, "Try 'skua-bench --help'.\n");
		return -1;
	}
}

int cmdline_parse(struct cmdline *cmdline, const struct peers *peers, int argc,
		  char *argv[])
{
	int option;

	*cmdline = (struct cmdline){ .rounds = ROUNDS };
	default_workers(cmdline);
	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (apply(cmdline, peers, option, optarg))
			return -1;
	}
	if (optind < argc) {
		fprintf(stderr,
			"skua-bench: %s: takes only options. "
			"Try 'skua-bench --help'.\n",
			argv[optind]);
		return -1;
	}
	return 0;
}

bool names_select(const struct names *names, const char *name)
{
	for (size_t i = 0; i < names->count; i++) {
		if (!strcmp(names->name[i], name))
			return true;
	}
	return names->count == 0;
}
