/* SPDX-License-Identifier: MIT */
/*
 * Whether the other threads sleep, by their state in /proc. A thread that is
 * looked at while it is about to sleep says R, so it is asked again.
 */
#include "sleepers.h"

#include <dirent.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The letter behind the name, which is in parentheses and may hold any. */
static char state_of(const char *thread)
{
	char path[64], line[512];
	char *name_end = NULL;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%.20s/stat", thread);
	file = fopen(path, "r");
	if (!file)
		return 'X'; /* it has ended meanwhile */
	if (fgets(line, sizeof(line), file))
		name_end = strrchr(line, ')');
	fclose(file);
	return name_end ? name_end[2] : 'X';
}

/* 1: all sleep. 0: one does not. -1: no such directory. */
static int all_sleep(void)
{
	DIR *threads = opendir("/proc/self/task");
	struct dirent *entry;
	bool asleep = true;

	if (!threads)
		return -1;
	while (asleep && (entry = readdir(threads))) {
		if (entry->d_name[0] == '.' ||
		    atoi(entry->d_name) == (int)gettid())
			continue;
		asleep = !strchr("RD", state_of(entry->d_name));
	}
	closedir(threads);
	return asleep;
}

int sleepers_await(void)
{
	int asleep;

	while ((asleep = all_sleep()) == 0)
		sched_yield();
	return asleep < 0 ? -1 : 0;
}
