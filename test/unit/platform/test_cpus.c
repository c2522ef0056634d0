/* SPDX-License-Identifier: MIT */
/* The number of usable CPUs: affinity masks, also those we cannot have here. */
#include <criterion/criterion.h>
#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../../support/system.h"
#include "cpus.h"

TestSuite(cpus, .timeout = 30);

/*
 * In the place of the C library's: what a kernel with masks of mask_cpus bits
 * says, mask_count of them set; the real one if mask_cpus is 0.
 */
static size_t mask_cpus;
static unsigned mask_count;
static int mask_error;

int sched_getaffinity(pid_t pid, size_t bytes, cpu_set_t *mask)
{
	if (mask_error) {
		errno = mask_error;
		return -1;
	}
	if (!mask_cpus) {
		memset(mask, 0, bytes);
		return syscall(SYS_sched_getaffinity, pid, bytes, mask) < 0 ?
			       -1 :
			       0;
	}
	if (bytes * CHAR_BIT < mask_cpus) {
		errno = EINVAL;
		return -1;
	}
	CPU_ZERO_S(bytes, mask);
	/* The highest ones: nothing below them may be cut off. */
	for (size_t i = mask_cpus - mask_count; i < mask_cpus; i++)
		CPU_SET_S(i, bytes, mask);
	return 0;
}

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

Test(cpus, follows_the_mask, .disabled = ONLY_POSIX)
{
	unsigned quota = ski_cpus_quota("");
	cpu_set_t all, one;

	cr_assert_eq(sched_getaffinity(0, sizeof(all), &all), 0);
	unsigned count = (unsigned)CPU_COUNT(&all);
	cr_expect_eq(ski_cpus_usable(), least(count, quota));
	for (size_t i = 0; i < CPU_SETSIZE; i++) {
		if (!CPU_ISSET(i, &all))
			continue;
		CPU_ZERO(&one);
		CPU_SET(i, &one);
		cr_assert_eq(sched_setaffinity(0, sizeof(one), &one), 0);
		cr_expect_eq(ski_cpus_usable(), 1);
	}
	cr_assert_eq(sched_setaffinity(0, sizeof(all), &all), 0);
	cr_expect_eq(ski_cpus_usable(), least(count, quota));
}

Test(cpus, masks_of_any_size, .disabled = ONLY_POSIX)
{
	unsigned quota = ski_cpus_quota("");

	mask_count = 77;
	for (mask_cpus = 128; mask_cpus <= 1 << 20; mask_cpus *= 2)
		cr_expect_eq(ski_cpus_usable(), least(77, quota), "%zu",
			     mask_cpus);
	mask_cpus = 5000;
	mask_count = 5000;
	cr_expect_eq(ski_cpus_usable(), least(5000, quota));
}

/* A sandbox that forbids the question, or a kernel with absurd masks. */
Test(cpus, no_answer, .disabled = ONLY_POSIX)
{
	unsigned online = (unsigned)sysconf(_SC_NPROCESSORS_ONLN);
	unsigned quota = ski_cpus_quota("");

	mask_error = EPERM;
	errno = 1234;
	cr_expect_eq(ski_cpus_usable(), least(online, quota));
	cr_expect_eq(errno, 1234);
	mask_error = EINVAL;
	cr_expect_eq(ski_cpus_usable(), least(online, quota));
	mask_error = 0;
	mask_cpus = 64;
	mask_count = 0;
	cr_expect_eq(ski_cpus_usable(), least(online, quota));
}

/* POSIX knows no masks: what a C library counts as online, of which some ask
 * for the mask and some do not. */
Test(cpus, those_online, .disabled = !ONLY_POSIX)
{
	long online = sysconf(_SC_NPROCESSORS_ONLN);

	cr_assert_gt(online, 0);
	cr_expect_eq(ski_cpus_usable(), (unsigned)online);
	cr_expect_eq(ski_cpus_quota(""), UINT_MAX);
}
