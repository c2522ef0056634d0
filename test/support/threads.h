/* SPDX-License-Identifier: MIT */
/*
 * How many threads this process has. Not by listing them: where the kernel's
 * listing has come to a thread that ends, it ends too, without those that follow.
 */
#ifndef SKUA_TEST_THREADS_H
#define SKUA_TEST_THREADS_H

#include <stdlib.h>
#include <sys/stat.h>

/* A folder has two links and one for each folder in it. A thread that was
 * joined counts a moment longer. */
static inline unsigned threads_of_process(void)
{
	struct stat tasks;

	if (stat("/proc/self/task", &tasks))
		abort();
	return (unsigned)tasks.st_nlink - 2;
}

#endif
