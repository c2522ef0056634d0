/* SPDX-License-Identifier: MIT */
/*
 * Which tests do not hold where the library is built for POSIX alone
 * (-Dsystem=posix): those of what Linux has beyond it. Names that others see,
 * affinity masks, control groups, and waits that take no lock.
 */
#ifndef SKUA_TEST_SYSTEM_H
#define SKUA_TEST_SYSTEM_H

#include <stdbool.h>

#ifdef SKI_POSIX
#define ONLY_POSIX true
#else
#define ONLY_POSIX false
#endif

#endif
