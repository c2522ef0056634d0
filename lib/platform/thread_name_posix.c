/* SPDX-License-Identifier: MIT */
/*
 * POSIX threads have no names: they help those who debug, nothing depends on
 * them.
 */
#include "thread.h"

void ski_thread_set_name(const char *name)
{
	(void)name;
}
