/* SPDX-License-Identifier: MIT */
/*
 * Futexes over mutexes and conditions, on any system: the source itself, under
 * other names than those that the library has here.
 */
#define ski_futex_wait portable_futex_wait
#define ski_futex_wake portable_futex_wake
#include "futex_posix.c"

#define SUITE futex_posix
#include "futex_tests.h"
