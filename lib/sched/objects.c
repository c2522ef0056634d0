/* SPDX-License-Identifier: MIT */
#include "objects.h"

#include <pthread.h>

#include "forked.h"

/* Of a thread that is neither worker nor guest. */
static _Thread_local struct {
	struct ski_slab *slab;
	bool past_exit; /* the destructor has run */
} mine;

static pthread_key_t exit_key;
static pthread_once_t exit_once = PTHREAD_ONCE_INIT;
static bool exit_known;

static void leave(void *unused)
{
	(void)unused;
	mine.past_exit = true;
	if (mine.slab)
		ski_slab_orphan(mine.slab);
	mine.slab = NULL;
}

static void make_key(void)
{
	exit_known = !pthread_key_create(&exit_key, leave);
}

/* Whether the destructor will run. Any value but NULL does. */
static bool is_watched(void)
{
	pthread_once(&exit_once, make_key);
	return !mine.past_exit && exit_known &&
	       !pthread_setspecific(exit_key, &exit_key);
}

/* A slab for this object alone: nobody would give up a larger one. */
static void *alloc_late(void)
{
	struct ski_slab *slab = ski_slab_open(ski_generation());
	void *object = slab ? ski_slab_alloc(slab) : NULL;

	if (slab)
		ski_slab_orphan(slab);
	return object;
}

static void *alloc_first(void)
{
	struct ski_slab *slab;

	if (!is_watched())
		return alloc_late();
	slab = ski_slab_open(ski_generation());
	if (!slab)
		return NULL;
	/* Another one that is there was inherited over fork(). */
	if (mine.slab)
		ski_slab_orphan(mine.slab);
	mine.slab = slab;
	return ski_slab_alloc(slab);
}

static bool is_ours(const struct ski_slab *slab)
{
	return slab && slab->generation == ski_generation();
}

void *ski_object_alloc(void)
{
	struct ski_worker *worker = ski_worker_self();
	struct ski_slab *slab = ski_guest_slab();

	if (worker)
		return ski_slab_alloc(worker->producer.slab);
	if (is_ours(slab))
		return ski_slab_alloc(slab);
	if (ski_likely(is_ours(mine.slab)))
		return ski_slab_alloc(mine.slab);
	return alloc_first();
}
