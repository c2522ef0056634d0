/* SPDX-License-Identifier: MIT */
/*
 * Callbacks of a future: a lock-free list beside its state word. CALLBACKS in
 * the state says that there may be some. Whoever makes the status final then
 * closes the list and runs what is in it; who finds it closed runs his own.
 * All of a future's callbacks together hold one reference.
 * Protocol: docs/design/future.md.
 */
#include "future.h"

#include "forked.h"
#include "objects.h"

struct callback {
	struct callback *next; /* added before; then, the next to run */
	void (*fn)(struct skua_future *future, void *context);
	void *context;
};

#define CLOSED ((uintptr_t)1)

/* In the order in which they were added. */
static struct callback *take_all(struct skua_future *future)
{
	/* Acquire: the callbacks; pairs with push(). Release: the final
	 * status, to who finds the list closed there. */
	struct callback *newest = (struct callback *)atomic_exchange_explicit(
		&future->callbacks, CLOSED, memory_order_acq_rel);
	struct callback *oldest = NULL;

	while (newest) {
		struct callback *next = newest->next;

		newest->next = oldest;
		oldest = newest;
		newest = next;
	}
	return oldest;
}

void ski_callbacks_run(struct skua_future *future)
{
	struct callback *list = take_all(future);

	while (list) {
		struct callback callback = *list;

		ski_object_free(list);
		list = callback.next;
		callback.fn(future, callback.context);
	}
	/* Acquire and release: the last holder comes after all others. */
	if (atomic_fetch_sub_explicit(&future->references, SKI_CALLED_BACK,
				      memory_order_acq_rel) == SKI_CALLED_BACK)
		ski_future_orphan(future);
}

/* From here on the end of the future looks into the list. False: it has
 * ended. */
static bool announce(struct skua_future *future)
{
	uint64_t state;

	if (!ski_slot_call_back(&future->job.state, &state))
		return false;
	if (!(state & SKI_SLOT_CALLBACKS))
		/* Relaxed: the caller holds a reference of its own. The end
		 * may have given this one back already: added or subtracted,
		 * half of 2^32 is the same. */
		atomic_fetch_add_explicit(&future->references, SKI_CALLED_BACK,
					  memory_order_relaxed);
	return true;
}

/* False: closed, and the future has ended. */
static bool push(struct skua_future *future, struct callback *callback)
{
	/* Acquire: pairs with take_all(). */
	uintptr_t head =
		atomic_load_explicit(&future->callbacks, memory_order_acquire);

	do {
		if (head == CLOSED)
			return false;
		callback->next = (struct callback *)head;
		/* Release: the callback; pairs with take_all(). Failure
		 * acquires as the load above. */
	} while (!atomic_compare_exchange_weak_explicit(
		&future->callbacks, &head, (uintptr_t)callback,
		memory_order_release, memory_order_acquire));
	return true;
}

int skua_future_on_done(struct skua_future *future,
			void (*fn)(struct skua_future *future, void *context),
			void *context)
{
	struct callback *callback;

	if (!future || !fn)
		return SKUA_EINVAL;
	if (skua_future_done(future)) {
		fn(future, context);
		return 0;
	}
	if (ski_chunk_of(future)->generation != ski_generation())
		return SKUA_ECLOSED;
	callback = ski_object_alloc();
	if (!callback)
		return SKUA_ENOMEM;
	callback->fn = fn;
	callback->context = context;
	if (announce(future) && push(future, callback))
		return 0;
	ski_object_free(callback);
	fn(future, context);
	return 0;
}
