/* SPDX-License-Identifier: MIT */
/*
 * powers.h - tasks that extern/powers.c defines and test_extern.c calls.
 */
#ifndef POWERS_H
#define POWERS_H

#include <skua/skua.h>

/* Sum of base^0 … base^(count - 1), a child a term. */
SKUA_DECLARE_TASK_EXTERN(long, powers_sum, int, base, int, count);
/* Adds @n to *@out. */
SKUA_DECLARE_TASK_VOID_EXTERN(powers_add, long *, out, long, n);
/* No arguments at all. */
SKUA_DECLARE_TASK_EXTERN(int, powers_zero);

#endif
