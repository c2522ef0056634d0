/* SPDX-License-Identifier: MIT */
/* The machine and the build. */
#include "machine.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

unsigned machine_processors(void)
{
	cpu_set_t set;
	int count = 1;

	if (!sched_getaffinity(0, sizeof(set), &set))
		count = CPU_COUNT(&set);
	return count > 0 ? (unsigned)count : 1;
}

const char *machine_name(void)
{
	static char line[256];
	FILE *file = fopen("/proc/cpuinfo", "r");
	const char *name = "unknown";

	while (file && fgets(line, sizeof(line), file)) {
		char *colon = strchr(line, ':');

		if (colon && !strncmp(line, "model name", 10)) {
			line[strcspn(line, "\n")] = '\0';
			name = colon + 2;
			break;
		}
	}
	if (file)
		fclose(file);
	return name;
}

struct ticks {
	double busy;
	double all;
};

/* Of all processors since the start of the machine: user, nice, system, idle,
 * waiting for a disk (idle too), and the rest. */
static struct ticks read_ticks(void)
{
	FILE *file = fopen("/proc/stat", "r");
	struct ticks ticks = { 0, 0 };
	double field[8] = { 0 };
	int got = 0;

	if (file) {
		got = fscanf(file, "cpu %lf %lf %lf %lf %lf %lf %lf %lf",
			     &field[0], &field[1], &field[2], &field[3],
			     &field[4], &field[5], &field[6], &field[7]);
		fclose(file);
	}
	for (int i = 0; i < got; i++)
		ticks.all += field[i];
	ticks.busy = ticks.all - field[3] - field[4];
	return ticks;
}

double machine_load(void)
{
	struct timespec half = { .tv_nsec = 500000000 };
	struct ticks before = read_ticks(), after;

	nanosleep(&half, NULL);
	after = read_ticks();
	if (after.all <= before.all)
		return 0;
	return (after.busy - before.busy) / (after.all - before.all) *
	       (double)sysconf(_SC_NPROCESSORS_ONLN);
}

const char *machine_compiler(void)
{
#if defined(__clang__)
	return "clang " __clang_version__;
#elif defined(__GNUC__)
	return "gcc " __VERSION__;
#else
	return "unknown";
#endif
}

int machine_is_optimised(void)
{
#if defined(__OPTIMIZE__) && defined(NDEBUG)
	return 1;
#else
	return 0;
#endif
}
