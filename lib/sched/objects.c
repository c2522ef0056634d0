/* SPDX-License-Identifier: MIT */
#include "objects.h"

#include "forked.h"
#include "thread_exit.h"

/* Of a thread that is neither worker nor guest. */
static _Thread_local struct {
	struct ski_slab *slab;
	bool past_exit; /* the destructor has run */
} mine;

static struct ski_thread_exit at_exit;

static void leave(void *unused)
{
	(void)unused;
	mine.past_exit = true;
	if (mine.slab)
		ski_slab_orphan(mine.slab);
	mine.slab = NULL;
}

/* Whether leave() will be called. */
static bool is_watched(void)
{
	return !mine.past_exit && ski_thread_exit_expect(&at_exit, leave);
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
