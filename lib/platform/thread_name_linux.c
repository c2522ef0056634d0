/* SPDX-License-Identifier: MIT */
/*
 * The name of the calling thread, as top, gdb and /proc show it.
 */
#include "thread.h"

#include <sys/prctl.h>

void ski_thread_set_name(const char *name)
{
	prctl(PR_SET_NAME, name, 0, 0, 0);
}

void ski_thread_get_name(char out[SKI_THREAD_NAME_BYTES])
{
	prctl(PR_GET_NAME, out, 0, 0, 0);
}
