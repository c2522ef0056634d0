/* SPDX-License-Identifier: MIT */
/* Are the other threads of the process asleep? */
#ifndef BENCH_SLEEPERS_H
#define BENCH_SLEEPERS_H

/* Return when every thread but the caller is blocked in the kernel, which the
 * kernel itself says. -1: it cannot be asked. */
int sleepers_await(void);

#endif
