/* SPDX-License-Identifier: MIT */
/*
 * What a thread needs to submit: a deque, a slab and counters. Each worker has
 * one, and each guest.
 */
#ifndef SKI_PRODUCER_H
#define SKI_PRODUCER_H

#include "counters.h"
#include "deque.h"
#include "slab.h"

struct ski_producer {
	struct ski_deque deque;
	struct ski_counters counters;
	struct ski_slab *slab;
	uintptr_t mark; /* on each job: SKI_JOB_ISOLATED, or 0 */
};

/* Errors: SKUA_ENOMEM. */
int ski_producer_init(struct ski_producer *producer, unsigned generation);
void ski_producer_destroy(struct ski_producer *producer);

#endif
