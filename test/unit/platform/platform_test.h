/* SPDX-License-Identifier: MIT */
/*
 * What several tests of this layer do: look at a crash from outside, and at the
 * mappings of this process.
 */
#ifndef SKUA_TEST_PLATFORM_TEST_H
#define SKUA_TEST_PLATFORM_TEST_H

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../support/system.h"

/* Less where the release build has all of it. */
#ifdef SKUA_TEST_SMALL
#define SCALED(n) ((n) / 5)
#else
#define SCALED(n) (n)
#endif

/*
 * How a child process that runs @fn ends: the number of the signal that killed
 * it, or 1000 + its exit status; 1000 if @fn returned.
 */
static inline int fate_of_child(void (*fn)(void))
{
	static const int signals[] = { SIGSEGV, SIGBUS, SIGILL, SIGTRAP };
	const struct rlimit no_core = { 0, 0 };
	int status;
	pid_t child = fork();

	if (child == 0) {
		setrlimit(RLIMIT_CORE, &no_core);
		/* Criterion and the sanitizers have handlers. */
		for (unsigned i = 0; i < 4; i++)
			signal(signals[i], SIG_DFL);
		fn();
		_exit(0);
	}
	if (child < 0 || waitpid(child, &status, 0) != child)
		return -1;
	return WIFSIGNALED(status) ? WTERMSIG(status) :
				     1000 + WEXITSTATUS(status);
}

/* How many mappings the kernel counts for this process. */
static inline int count_mappings(void)
{
	static char buffer[1 << 16];
	int lines = 0;
	ssize_t n;
	FILE *f = fopen("/proc/self/maps", "re");

	if (!f)
		return -1;
	while ((n = read(fileno(f), buffer, sizeof(buffer))) > 0) {
		for (ssize_t i = 0; i < n; i++)
			lines += buffer[i] == '\n';
	}
	fclose(f);
	return lines;
}

/* How many pages of a range have memory behind them. */
static inline size_t count_resident(const void *base, size_t bytes)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), count = 0;
	const char *p = base;

	for (size_t at = 0; at < bytes; at += page) {
		unsigned char in_core = 0;
		if (mincore((char *)(uintptr_t)(p + at), 1, &in_core) == 0)
			count += in_core & 1;
	}
	return count;
}

#endif
