/* SPDX-License-Identifier: MIT */
/*
 * powers.c - the other file of test_extern.c.
 */
#include "powers.h"

SKUA_TASK(long, power, int, base, int, exponent)
{
	long root;

	if (exponent == 0)
		return 1;
	power_fork(&here, base, exponent / 2);
	root = power_join(&here);
	return root * root * (exponent % 2 ? base : 1);
}

SKUA_TASK_EXTERN(long, powers_sum, int, base, int, count)
{
	long sum = 0;

	for (int i = 0; i < count; i++)
		power_fork(&here, base, i);
	for (int i = 0; i < count; i++)
		sum += power_join(&here);
	return sum;
}

SKUA_TASK_VOID_EXTERN(powers_add, long *, out, long, n)
{
	(void)here;
	*out += n;
}

SKUA_TASK_EXTERN(int, powers_zero)
{
	(void)here;
	return 0;
}
