/* SPDX-License-Identifier: MIT */
/*
 * The deque with an index type so narrow that it wraps.
 */
#define DEQUE_WRAPS

/* Beside those of scenario_deque.c in one program. */
#define ski_deque_init wrap_deque_init
#define ski_deque_destroy wrap_deque_destroy
#define ski_deque_grow wrap_deque_grow
#define ski_deque_retired wrap_deque_retired
#define ski_ring_free_all wrap_ring_free_all
#include "scenario_deque.c"
