/* SPDX-License-Identifier: MIT */
/*
 * Futexes by futex(2). FUTEX_WAIT_BITSET is the form with an absolute timeout,
 * so a wait that signals interrupt again and again still ends on time.
 *
 * 32-bit systems have the call with 64-bit times since Linux 5.1.
 */
#include "futex.h"

#include <errno.h>
#include <linux/futex.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <skua/error.h>

#ifdef SYS_futex_time64
#define SYSCALL_FUTEX SYS_futex_time64
#else
#define SYSCALL_FUTEX SYS_futex
#endif

/* The kernel's own, whatever time_t is to the C library. */
struct kernel_time {
	int64_t seconds;
	int64_t nanoseconds;
};

/* 0, or what errno says. */
static int wait_once(const void *word, uint32_t expected,
		     const struct kernel_time *deadline)
{
	long r = syscall(SYSCALL_FUTEX, word,
			 FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, expected,
			 deadline, NULL, FUTEX_BITSET_MATCH_ANY);
	return r == 0 ? 0 : errno;
}

int ski_futex_wait(const void *word, uint32_t expected, int64_t deadline_ns)
{
	int saved_errno = errno;
	struct kernel_time deadline = {
		.seconds = deadline_ns / 1000000000,
		.nanoseconds = deadline_ns % 1000000000,
	};
	int error;

	do
		error = wait_once(word, expected,
				  deadline_ns < 0 ? NULL : &deadline);
	while (error == EINTR);
	errno = saved_errno;
	return error == ETIMEDOUT ? SKUA_ETIMEDOUT : 0;
}

void ski_futex_wake(const void *word, int count)
{
	int saved_errno = errno;

	syscall(SYSCALL_FUTEX, word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, count);
	errno = saved_errno;
}
