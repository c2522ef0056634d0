/* SPDX-License-Identifier: MIT */
/*
 * The word that stands for fences under TSan: one for the whole library, since
 * only RMWs of the same word order each other.
 */
#include "hooks.h"

_Atomic uint64_t ski_fence_word;
