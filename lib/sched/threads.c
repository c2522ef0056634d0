/* SPDX-License-Identifier: MIT */
/*
 * Plain threads: one that is embedded in a struct of the program, and one with
 * a handle, which embeds such a one. How they are joined, detached and left in
 * the child of a fork(): docs/design/threads.md.
 */
#include <skua/thread.h>

#include "forked.h"
#include "hooks.h"
#include "thread.h"

/* Of a base; only forwards. */
enum stage {
	NEW,
	STARTED,
	JOINED
};

/* What lies in opaque. The unit of `ended` is there when the thread has ended
 * and nobody is joining it: who has it looks at thread and result. */
struct base {
	struct skua_semaphore ended;
	union {
		struct ski_thread thread; /* STARTED; stored by itself */
		void *result; /* JOINED */
	};
	_Atomic(uint32_t) stage; /* A; JOINED: who has the unit */
	unsigned generation; /* I */
} __attribute__((__may_alias__));

_Static_assert(sizeof(struct base) <=
		       sizeof(((struct skua_thread_base *)0)->opaque),
	       "the size of a thread is frozen");

/* What is through with a handle: who is second frees it. */
enum {
	ENDED = 1,
	DETACHED = 2
};

struct skua_thread {
	struct skua_thread_base base; /* first */
	struct ski_thread thread; /* the owner's, to detach it */
	skua_fn *fn;
	void *arg;
	char name[SKI_THREAD_NAME_BYTES];
	_Atomic(uint32_t) through; /* A */
};

/* The base of the calling thread. */
static _Thread_local struct skua_thread_base *mine;

static struct base *of(struct skua_thread_base *self)
{
	return (struct base *)(void *)self->opaque;
}

static bool is_alive(struct base *base)
{
	return base->generation == ski_generation();
}

/* ---- in the thread ---- */

static void *run_handle(struct skua_thread_base *self)
{
	struct skua_thread *thread = (struct skua_thread *)(void *)self;

	return thread->fn(thread->arg);
}

/* Returns true if the other one was through before. */
static bool settle(struct skua_thread *thread, uint32_t who)
{
	/* Acquire and release: what the first did with it, to the second, who
	 * frees it. Pairs with itself. */
	return atomic_fetch_or_explicit(&thread->through, who,
					memory_order_acq_rel);
}

/* However it ended. Those who join are waiting for the thread itself from here
 * on, so that all can be touched until the last instruction. */
static void end(void *arg)
{
	struct skua_thread_base *self = arg;
	struct skua_thread *thread = arg;
	bool has_handle = self->run == run_handle;

	/* Those who wait for the child of a fork() are in the parent. */
	if (is_alive(of(self)))
		skua_semaphore_release(&of(self)->ended);
	if (has_handle && settle(thread, ENDED))
		ski_free(thread);
}

static void *enter(void *arg)
{
	struct skua_thread_base *self = arg;
	char name[SKI_THREAD_NAME_BYTES];
	void *result;

	if (self->name) {
		ski_thread_cut_name(name, self->name);
		ski_thread_set_name(name);
	}
	mine = self;
	of(self)->thread.handle = pthread_self();
	pthread_cleanup_push(end, self);
	result = self->run(self);
	pthread_cleanup_pop(1);
	return result;
}

/* ---- embedded ---- */

static int start(struct skua_thread_base *self, struct ski_thread *thread)
{
	struct base *base = of(self);
	uint32_t stage = NEW;
	int error = ski_forked_watch();

	if (error)
		return error;
	/* Relaxed, failure too: pthread_create() publishes all, and of two who
	 * start it one is wrong. */
	if (!atomic_compare_exchange_strong_explicit(
		    &base->stage, &stage, STARTED, memory_order_relaxed,
		    memory_order_relaxed))
		return SKUA_EBUSY;
	base->generation = ski_generation();
	error = ski_thread_start_plain(thread, enter, self);
	if (error)
		atomic_store_explicit(&base->stage, NEW, memory_order_relaxed);
	return error;
}

int skua_thread_base_start(struct skua_thread_base *self)
{
	struct ski_thread unused;

	if (!self || !self->run)
		return SKUA_EINVAL;
	return start(self, &unused);
}

/* Whether a join may wait; 0 or an error. */
static int refuse(struct skua_thread_base *self)
{
	/* Relaxed: it was started before, in an order that the caller knows
	 * of; else it is his error. */
	if (atomic_load_explicit(&of(self)->stage, memory_order_relaxed) == NEW)
		return SKUA_EINVAL;
	if (!is_alive(of(self)))
		return SKUA_ECLOSED;
	return self == mine ? SKUA_EDEADLK : 0;
}

/* With the unit: it has ended, or is about to. */
static int collect(struct base *base)
{
	void *result;
	int error;

	/* Relaxed, both: whoever had the unit before stored it. */
	if (atomic_load_explicit(&base->stage, memory_order_relaxed) == JOINED)
		return 0;
	error = ski_thread_join_plain(&base->thread, &result);
	if (error)
		return error;
	base->result = result;
	atomic_store_explicit(&base->stage, JOINED, memory_order_relaxed);
	return 0;
}

int skua_thread_base_join(struct skua_thread_base *self, int64_t timeout_ns,
			  void **result)
{
	struct base *base;
	void *value;
	int error;

	if (!self)
		return SKUA_EINVAL;
	base = of(self);
	error = refuse(self);
	if (!error)
		error = skua_semaphore_acquire_timed(&base->ended, timeout_ns);
	if (error)
		return error;
	error = collect(base);
	value = base->result;
	/* For others who join; to us the last touch, since one of them may own
	 * it. */
	skua_semaphore_release(&base->ended);
	if (!error && result)
		*result = value;
	return error;
}

/* ---- with a handle ---- */

int skua_thread_start(struct skua_thread **out, const char *name, skua_fn *fn,
		      void *arg)
{
	struct skua_thread *thread;
	int error;

	if (!out || !fn)
		return SKUA_EINVAL;
	thread = ski_calloc(1, sizeof(*thread));
	if (!thread)
		return SKUA_ENOMEM;
	thread->base.run = run_handle;
	thread->fn = fn;
	thread->arg = arg;
	if (name) {
		ski_thread_cut_name(thread->name, name);
		thread->base.name = thread->name;
	}
	error = start(&thread->base, &thread->thread);
	if (error) {
		ski_free(thread);
		return error;
	}
	*out = thread;
	return 0;
}

int skua_thread_join(struct skua_thread *thread, int64_t timeout_ns,
		     void **result)
{
	int error;

	if (!thread)
		return SKUA_EINVAL;
	error = skua_thread_base_join(&thread->base, timeout_ns, result);
	/* The thread is no more: nobody else touches it. */
	if (!error)
		ski_free(thread);
	return error;
}

void skua_thread_detach(struct skua_thread *thread)
{
	if (!thread)
		return;
	if (is_alive(of(&thread->base)))
		ski_thread_detach(&thread->thread);
	else if (mine != &thread->base)
		/* The child of a fork() has no such thread. */
		settle(thread, ENDED);
	if (settle(thread, DETACHED))
		ski_free(thread);
}

/* ---- names ---- */

const char *skua_thread_name(void)
{
	static _Thread_local char name[SKI_THREAD_NAME_BYTES];

	ski_thread_get_name(name);
	return name;
}
