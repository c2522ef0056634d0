/* SPDX-License-Identifier: MIT */
/*
 * skua_as_completed(): futures in the order in which they are done.
 *
 * A waiter stands in the list of each future that was not done. When it is
 * told, it goes on a list of its own (word), which the reader takes whole.
 *
 *	word	0		nothing has come
 *		list		waiters that were told, newest first
 *		waiter | READER	nothing has come, and the reader sleeps
 *
 * Protocol: docs/design/future.md.
 */
#include "future.h"

#include "clock.h"
#include "forked.h"
#include "objects.h"
#include "wait.h"
#include "waiter.h"

#define READER ((uintptr_t)1)

struct entry {
	struct skua_future *future;
	/* In the future's list or told; NULL: has come out, or was given
	 * twice; WAS_DONE: was done from the beginning. */
	struct ski_waiter *node;
};

struct skua_completed {
	_Atomic(uintptr_t) word; /* A */
	_Atomic(size_t) holders; /* A: the reader, and waiters in lists */
	/* The reader, all of the rest. */
	unsigned generation;
	size_t count;
	size_t left; /* have not come out */
	size_t rest; /* their indices, exclusive or: the last one's index */
	size_t cursor; /* before it none that was done from the beginning */
	struct ski_waiter *ready; /* told, in order */
	struct entry entry[];
};

static struct ski_waiter was_done;

static void free_list(struct ski_waiter *list)
{
	while (list) {
		struct ski_waiter *next = list->next;

		ski_object_free(list);
		list = next;
	}
}

static void drop(struct skua_completed *completed, size_t n)
{
	/* Acquire and release: who frees comes after the others. */
	if (atomic_fetch_sub_explicit(&completed->holders, n,
				      memory_order_acq_rel) != n)
		return;
	free_list(completed->ready);
	/* Relaxed: nobody else is left. */
	free_list((struct ski_waiter *)atomic_load_explicit(
		&completed->word, memory_order_relaxed));
	ski_free(completed);
}

/* In who ended the future, which may be gone. Once told, the node is the
 * reader's alone, and its references are not looked at any more. */
static void told(struct ski_waiter *node, enum ski_status status)
{
	struct skua_completed *completed = node->context;
	/* Acquire: the reader's waiter; pairs with lie_down(). */
	uintptr_t word =
		atomic_load_explicit(&completed->word, memory_order_acquire);

	do {
		node->next = word & READER ? NULL : (struct ski_waiter *)word;
		/* Release: the node; pairs with collect(). Failure acquires as
		 * the load above. */
	} while (!atomic_compare_exchange_weak_explicit(
		&completed->word, &word, (uintptr_t)node, memory_order_acq_rel,
		memory_order_acquire));
	if (word & READER)
		ski_waiters_tell((struct ski_waiter *)(word & ~READER), status);
	drop(completed, 1);
}

/* ---- the reader: waiting ---- */

/* What has come, to the end of what is ready, which is empty. */
static void collect(struct skua_completed *completed)
{
	/* Acquire: the nodes; pairs with told(). */
	struct ski_waiter *newest =
		(struct ski_waiter *)atomic_exchange_explicit(
			&completed->word, 0, memory_order_acquire);

	while (newest) {
		struct ski_waiter *next = newest->next;

		newest->next = completed->ready;
		completed->ready = newest;
		newest = next;
	}
}

static bool has_come(void *completed)
{
	/* Relaxed: a look. */
	return atomic_load_explicit(&((struct skua_completed *)completed)->word,
				    memory_order_relaxed);
}

/* False: something has come. */
static bool lie_down(struct skua_completed *completed,
		     struct ski_waiter *waiter)
{
	uintptr_t nothing = 0;

	/* Release: the waiter; pairs with told(). Failure: nothing is read. */
	return atomic_compare_exchange_strong_explicit(
		&completed->word, &nothing, (uintptr_t)waiter | READER,
		memory_order_release, memory_order_relaxed);
}

/* The time is over: nobody has taken the waiter, or whoever has lets go. */
static void get_up(struct skua_completed *completed, struct ski_waiter *waiter)
{
	uintptr_t word = (uintptr_t)waiter | READER;

	/* Relaxed: the word is ours to take back, and nothing is read. */
	if (atomic_compare_exchange_strong_explicit(&completed->word, &word, 0,
						    memory_order_relaxed,
						    memory_order_relaxed))
		ski_waiter_release(waiter);
}

/* Until something has come. */
static int wait_for_one(struct skua_completed *completed, int64_t deadline_ns)
{
	struct ski_worker *worker = ski_worker_self();
	struct ski_waiter *waiter;
	int error = 0;

	if (worker)
		error = ski_wait_prepare(worker);
	else if (ski_wait_spin(has_come, completed))
		return 0;
	if (error)
		return error;
	waiter = ski_waiter_open(worker);
	if (!waiter)
		return SKUA_ENOMEM;
	waiter->next = NULL;
	if (!lie_down(completed, waiter)) {
		ski_object_free(waiter);
		return 0;
	}
	if (!ski_wait_told(waiter, worker, deadline_ns)) {
		get_up(completed, waiter);
		error = SKUA_ETIMEDOUT;
	}
	ski_waiter_release(waiter);
	return error;
}

/* A wait that could never end: for the last one, if that is the task's own. */
static int refuse_wait(struct skua_completed *completed)
{
	if (completed->generation != ski_generation())
		return SKUA_ECLOSED;
	return completed->left == 1 ?
		       ski_future_refuse_wait(
			       completed->entry[completed->rest].future) :
		       0;
}

/* ---- the reader: what comes out ---- */

/* The next of those that were done from the beginning. */
static bool next_done(struct skua_completed *completed, size_t *index)
{
	while (completed->cursor < completed->count) {
		*index = completed->cursor++;
		if (completed->entry[*index].node == &was_done)
			return true;
	}
	return false;
}

static bool next_told(struct skua_completed *completed, size_t *index)
{
	struct ski_waiter *node;

	if (!completed->ready && has_come(completed))
		collect(completed);
	node = completed->ready;
	if (!node)
		return false;
	completed->ready = node->next;
	*index = node->index;
	ski_object_free(node);
	return true;
}

static int next(struct skua_completed *completed, int64_t timeout_ns,
		size_t *index)
{
	int64_t deadline_ns;
	int error;

	if (!completed->left)
		return SKUA_ENONE;
	if (next_done(completed, index) || next_told(completed, index))
		return 0;
	error = timeout_ns ? refuse_wait(completed) : SKUA_ETIMEDOUT;
	if (error)
		return error;
	deadline_ns = ski_deadline_ns(timeout_ns);
	do {
		error = wait_for_one(completed, deadline_ns);
		/* What has come while the time ran out counts. */
		if (next_told(completed, index))
			return 0;
	} while (!error);
	return error;
}

int skua_completed_next(struct skua_completed *completed, int64_t timeout_ns,
			struct skua_future **future, size_t *index)
{
	size_t which = 0;
	int error = completed ? next(completed, timeout_ns, &which) :
				SKUA_EINVAL;

	if (error)
		return error;
	completed->left--;
	completed->rest ^= which;
	completed->entry[which].node = NULL;
	if (future)
		*future = completed->entry[which].future;
	if (index)
		*index = which;
	return 0;
}

/* ---- the beginning and the end ---- */

/* Which futures there are: open addressing; a place holds 1 + an index. */
struct set {
	uint32_t *place;
	size_t mask;
};

static int set_open(struct set *set, size_t count)
{
	size_t places = 16;

	while (places < 2 * count)
		places *= 2;
	set->mask = places - 1;
	set->place = ski_calloc(places, sizeof(*set->place));
	return set->place ? 0 : SKUA_ENOMEM;
}

/* False: it is there already. */
static bool set_add(struct set *set, const struct entry *entry, size_t index)
{
	uintptr_t key = (uintptr_t)entry[index].future;
	/* Fibonacci hashing: Knuth, TAOCP 3, 6.4. */
	size_t at =
		(size_t)((uint64_t)(key >> 6) * UINT64_C(0x9e3779b97f4a7c15) >>
			 32);

	for (;; at++) {
		uint32_t *place = &set->place[at & set->mask];

		if (!*place) {
			*place = (uint32_t)index + 1;
			return true;
		}
		if (entry[*place - 1].future == entry[index].future)
			return false;
	}
}

static bool is_done(struct skua_future *future)
{
	return ski_status_final(
		ski_slot_status(ski_slot_load(&future->job.state)));
}

static int join(struct skua_completed *completed, size_t index)
{
	struct entry *entry = &completed->entry[index];
	struct ski_waiter *node;

	if (is_done(entry->future)) {
		entry->node = &was_done;
		return 0;
	}
	if (ski_chunk_of(entry->future)->generation != ski_generation())
		return SKUA_ECLOSED;
	node = ski_waiter_open(NULL);
	if (!node)
		return SKUA_ENOMEM;
	node->told = told;
	node->context = completed;
	node->index = index;
	/* Relaxed: ours; published with the node. */
	atomic_fetch_add_explicit(&completed->holders, 1, memory_order_relaxed);
	entry->node = node;
	if (ski_slot_wait(&entry->future->job.state, node, node))
		return 0;
	/* Relaxed: not the last, we hold one. */
	atomic_fetch_sub_explicit(&completed->holders, 1, memory_order_relaxed);
	ski_object_free(node);
	entry->node = &was_done;
	return 0;
}

static int join_all(struct skua_completed *completed,
		    struct skua_future *const futures[])
{
	struct set set;
	int error = set_open(&set, completed->count);

	for (size_t i = 0; i < completed->count && !error; i++) {
		completed->entry[i].future = futures[i];
		if (!futures[i])
			error = SKUA_EINVAL;
		else if (set_add(&set, completed->entry, i))
			error = join(completed, i);
		if (!error && completed->entry[i].node) {
			completed->left++;
			completed->rest ^= i;
		}
	}
	ski_free(set.place);
	return error;
}

int skua_as_completed(struct skua_completed **out,
		      struct skua_future *const futures[], size_t count)
{
	struct skua_completed *completed;
	int error;

	if (!out || (count && !futures))
		return SKUA_EINVAL;
	/* An index fits into a place of the set, and the size into size_t. */
	if (count > UINT32_MAX / 2 ||
	    count > (PTRDIFF_MAX - sizeof(*completed)) / sizeof(struct entry))
		return SKUA_ENOMEM;
	completed = ski_calloc(1, sizeof(*completed) +
					  count * sizeof(struct entry));
	if (!completed)
		return SKUA_ENOMEM;
	completed->generation = ski_generation();
	completed->count = count;
	atomic_init(&completed->holders, 1);
	error = join_all(completed, futures);
	if (error)
		skua_completed_free(completed);
	else
		*out = completed;
	return error;
}

void skua_completed_free(struct skua_completed *completed)
{
	size_t mine = 1;

	if (!completed)
		return;
	/* Those that were told are freed with the rest. */
	for (size_t i = 0; i < completed->count; i++) {
		struct entry *entry = &completed->entry[i];

		if (!entry->node || entry->node == &was_done)
			continue;
		if (ski_waiter_decide(entry->node, SKI_GONE))
			mine++;
		else
			entry->node = NULL;
	}
	for (size_t i = 0; i < completed->count; i++) {
		struct entry *entry = &completed->entry[i];

		if (!entry->node || entry->node == &was_done)
			continue;
		ski_wait_sift(&entry->future->job.state);
		ski_waiter_release(entry->node);
	}
	drop(completed, mine);
}
