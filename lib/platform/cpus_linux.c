/* SPDX-License-Identifier: MIT */
/*
 * The number of usable CPUs on Linux: affinity mask and cgroup quota.
 */
#include "cpus.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <unistd.h>

enum {
	FIRST_CPUS = 1024,
	LAST_CPUS = 1 << 20,
};

/* 0 and -1 if the mask is larger than @cpus; the number of CPUs in it. */
static int count_mask(int cpus)
{
	cpu_set_t *mask = CPU_ALLOC((size_t)cpus);
	size_t bytes = CPU_ALLOC_SIZE((size_t)cpus);
	int count = 0;

	if (!mask)
		return 0;
	if (sched_getaffinity(0, bytes, mask) == 0)
		count = CPU_COUNT_S(bytes, mask);
	else if (errno == EINVAL)
		count = -1;
	CPU_FREE(mask);
	return count;
}

/*
 * The kernel does not say how large its masks are: it refuses those that are
 * too small. A sandbox may refuse the call itself; then what is online counts.
 */
static unsigned affinity(void)
{
	int count = -1;

	for (int cpus = FIRST_CPUS; count < 0 && cpus <= LAST_CPUS; cpus *= 2)
		count = count_mask(cpus);
	if (count <= 0)
		count = (int)sysconf(_SC_NPROCESSORS_ONLN);
	return count > 0 ? (unsigned)count : 1;
}

unsigned ski_cpus_usable(void)
{
	int saved_errno = errno;
	unsigned allowed = affinity();
	unsigned quota = ski_cpus_quota("");

	errno = saved_errno;
	return quota < allowed ? quota : allowed;
}
