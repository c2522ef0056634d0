/* SPDX-License-Identifier: MIT */
/*
 * Time, in nanoseconds of CLOCK_MONOTONIC: never set back, the same in all
 * threads. A deadline is such a time, or negative for "never".
 */
#ifndef SKI_CLOCK_H
#define SKI_CLOCK_H

#include <stdint.h>

int64_t ski_clock_ns(void);

/*
 * The deadline @timeout_ns from now: -1 if that is negative (for ever), and
 * INT64_MAX, 292 years, if the sum does not fit.
 */
int64_t ski_deadline_ns(int64_t timeout_ns);

#endif
