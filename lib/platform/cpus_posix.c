/* SPDX-License-Identifier: MIT */
/*
 * The number of usable CPUs where there are neither affinity masks nor control
 * groups: those online.
 */
#include "cpus.h"

#include <limits.h>
#include <unistd.h>

unsigned ski_cpus_usable(void)
{
	long online = sysconf(_SC_NPROCESSORS_ONLN);

	return online > 0 ? (unsigned)online : 1;
}

unsigned ski_cpus_quota(const char *root)
{
	(void)root;
	return UINT_MAX;
}
