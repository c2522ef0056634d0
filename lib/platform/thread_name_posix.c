/* SPDX-License-Identifier: MIT */
/*
 * POSIX threads have no names: they help those who debug, nothing depends on
 * them. So each thread of ours knows its own, and nobody else does.
 */
#include "thread.h"

#include <string.h>

static _Thread_local char mine[SKI_THREAD_NAME_BYTES];

void ski_thread_set_name(const char *name)
{
	ski_thread_cut_name(mine, name);
}

void ski_thread_get_name(char out[SKI_THREAD_NAME_BYTES])
{
	memcpy(out, mine, sizeof(mine));
}
