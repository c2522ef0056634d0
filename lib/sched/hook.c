/* SPDX-License-Identifier: MIT */
#include "hook.h"

_Thread_local const void *ski_hook SKI_NEAR_LOCAL;
