/* SPDX-License-Identifier: MIT */
/*
 * Slab objects of 64 bytes for any thread: promises, callbacks and shared
 * waiters. They come from the slab of the worker or guest that calls. A thread
 * that is neither gets a slab of its own, which is orphaned when it exits.
 */
#ifndef SKI_OBJECTS_H
#define SKI_OBJECTS_H

#include "guest.h"
#include "worker.h"

/* Uninitialised; NULL: no memory. */
void *ski_object_alloc(void);

/* A slab that the calling thread owns: what is freed there needs no RMW. */
static inline struct ski_slab *ski_own_slab(void)
{
	return ski_self ? ski_self->producer.slab : ski_guest_slab();
}

/* Any thread. */
static inline void ski_object_free(void *object)
{
	ski_slab_free(ski_own_slab(), object);
}

#endif
