/* SPDX-License-Identifier: MIT */
/* The temporary directory, with the two files that the gzip workload needs. */
#include "scratch.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char directory[PATH_MAX - 16];
static char input[PATH_MAX], output[PATH_MAX];
static pid_t owner;

/* Async-signal-safe, and harmless in the children of the owner. */
static void clean(void)
{
	if (getpid() != owner)
		return;
	unlink(input);
	unlink(output);
	rmdir(directory);
}

static void clean_and_die(int signal)
{
	clean();
	/* SA_RESETHAND: this time it kills. */
	raise(signal);
}

static void clean_at_end(void)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction action = { .sa_handler = clean_and_die,
				    .sa_flags = (int)SA_RESETHAND };

	owner = getpid();
	atexit(clean);
	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
		sigaction(signals[i], &action, NULL);
}

int scratch_open(void)
{
	const char *parent = getenv("TMPDIR");

	if (directory[0])
		return 0;
	if (!parent || !*parent)
		parent = "/tmp";
	snprintf(directory, sizeof(directory), "%s/skua-bench-XXXXXX", parent);
	if (!mkdtemp(directory)) {
		fprintf(stderr,
			"skua-bench: cannot make a directory in %s: %s. "
			"Set TMPDIR to one with 300 MB to spare.\n",
			parent, strerror(errno));
		directory[0] = '\0';
		return -1;
	}
	snprintf(input, sizeof(input), "%s/input", directory);
	snprintf(output, sizeof(output), "%s/output", directory);
	clean_at_end();
	return 0;
}

const char *scratch_input(void)
{
	return input;
}

const char *scratch_output(void)
{
	return output;
}
