/* SPDX-License-Identifier: MIT */
#include "ready.h"

#include "deadline.h"
#include "ready_fd.h"

#define BUSY UINT64_C(1) /* somebody is at the descriptor */
#define HAVE UINT64_C(2) /* it is readable; who is BUSY stores it */
#define FD UINT64_C(4) /* there is one */
#define WAITING UINT64_C(8) /* somebody may sleep until `changed` is set */
#define EDGE UINT64_C(16) /* who is BUSY owes another edge */
#define READY UINT64_C(32)
#define PENDING (READY << 29)
#define COUNT_MAX ((UINT64_C(1) << 29) - 1)

static uint64_t ready_of(uint64_t word)
{
	return word / READY & COUNT_MAX;
}

static uint64_t pending_of(uint64_t word)
{
	return word / PENDING;
}

/* Who waits has something to look at. */
static bool is_worth_it(uint64_t word)
{
	return ready_of(word) || !pending_of(word);
}

static struct ski_ready_fd unpack(uint64_t fd)
{
	return (struct ski_ready_fd){ (int)(fd >> 32) - 1,
				      (int)(uint32_t)fd - 1 };
}

static uint64_t pack(struct ski_ready_fd fd)
{
	return (uint64_t)(fd.read + 1) << 32 | (uint32_t)(fd.write + 1);
}

/* ---- the descriptor ---- */

static bool is_wrong(uint64_t word)
{
	return (word & FD) && !(word & HAVE) == (ready_of(word) > 0);
}

/* BUSY is ours: give it back, if the descriptor is as it should be. */
static bool give_back(struct ski_ready *ready, bool have)
{
	/* Relaxed: the CAS checks it. */
	uint64_t word =
		atomic_load_explicit(&ready->word, memory_order_relaxed);

	while (have == (ready_of(word) > 0) && !(have && (word & EDGE)))
		/* Release: the system call, to the next who is BUSY; pairs
		 * with settle(). Failure only reloads. */
		if (atomic_compare_exchange_weak_explicit(
			    &ready->word, &word,
			    (word & ~(BUSY | HAVE | EDGE)) | (have ? HAVE : 0),
			    memory_order_release, memory_order_relaxed))
			return true;
	return false;
}

/* BUSY is ours: until what it says is true. If something became ready meanwhile
 * after all had been taken, it is made readable anew, though it was. */
static void correct(struct ski_ready *ready, bool have)
{
	/* Relaxed: FD in the word was seen, and came after. */
	struct ski_ready_fd fd =
		unpack(atomic_load_explicit(&ready->fd, memory_order_relaxed));

	do {
		have = !have;
		if (have) {
			/* Relaxed: what is owed up to here comes with this
			 * edge, or with one more. */
			atomic_fetch_and_explicit(&ready->word, ~EDGE,
						  memory_order_relaxed);
			ski_ready_fd_raise(fd);
		} else {
			ski_ready_fd_lower(fd);
		}
	} while (!give_back(ready, have));
}

/* After a change that left @word: the descriptor is to follow. Who finds
 * another at it leaves it to him. */
static void settle(struct ski_ready *ready, uint64_t word)
{
	while (is_wrong(word) && !(word & BUSY))
		/* Acquire: FD's descriptor, and what the last one did to it.
		 * Pairs with correct() and ski_ready_open_fd(). Failure only
		 * reloads. */
		if (atomic_compare_exchange_weak_explicit(
			    &ready->word, &word, word | BUSY,
			    memory_order_acquire, memory_order_relaxed)) {
			correct(ready, word & HAVE);
			return;
		}
}

int ski_ready_open_fd(struct ski_ready *ready)
{
	uint64_t none = 0, mine;
	struct ski_ready_fd fd;

	/* Acquire: it is open. Pairs with the CAS below. */
	if (atomic_load_explicit(&ready->fd, memory_order_acquire))
		goto found;
	if (ski_ready_fd_open(&fd))
		return SKUA_ENOMEM;
	mine = pack(fd);
	/* Release: it is open; pairs with the load above. Failure acquires as
	 * that does. */
	if (!atomic_compare_exchange_strong_explicit(&ready->fd, &none, mine,
						     memory_order_acq_rel,
						     memory_order_acquire))
		ski_ready_fd_close(fd);
found:
	/* Release: the descriptor, to who is BUSY first; pairs with
	 * settle(). */
	settle(ready, FD | atomic_fetch_or_explicit(&ready->word, FD,
						    memory_order_acq_rel));
	/* Relaxed: acquired above, or ours. */
	return unpack(atomic_load_explicit(&ready->fd, memory_order_relaxed))
		.read;
}

/* ---- the counts ---- */

/* @add may be negative, modulo 2^64. @word is what was there. */
static uint64_t changed(uint64_t word, uint64_t add)
{
	uint64_t next = word + add;

	if (!ready_of(word) && ready_of(next) && (word & BUSY))
		next |= EDGE;
	return is_worth_it(next) ? next & ~WAITING : next;
}

/* After the RMW that made @before @after. */
static void follow(struct ski_ready *ready, uint64_t before, uint64_t after)
{
	if ((before & ~after) & WAITING)
		skua_event_set(&ready->changed);
	settle(ready, after);
}

static void change(struct ski_ready *ready, uint64_t add)
{
	/* Relaxed: the CAS checks it. */
	uint64_t word =
		atomic_load_explicit(&ready->word, memory_order_relaxed);

	/* Release: what is ready; pairs with ski_ready_take(). Acquire:
	 * that who set WAITING has cleared `changed`; pairs with announce().
	 * Failure only reloads. */
	while (!atomic_compare_exchange_weak_explicit(
		&ready->word, &word, changed(word, add), memory_order_acq_rel,
		memory_order_relaxed))
		;
	follow(ready, word, changed(word, add));
}

bool ski_ready_add(struct ski_ready *ready, size_t count)
{
	/* Relaxed: the CAS checks it. */
	uint64_t word =
		atomic_load_explicit(&ready->word, memory_order_relaxed);

	if (count > COUNT_MAX)
		return false;
	do {
		if (pending_of(word) + count > COUNT_MAX)
			return false;
		/* Relaxed, failure too: nothing is ready by that, and who
		 * waits goes on. */
	} while (!atomic_compare_exchange_weak_explicit(
		&ready->word, &word, word + count * PENDING,
		memory_order_relaxed, memory_order_relaxed));
	return true;
}

void ski_ready_withdraw(struct ski_ready *ready, size_t count)
{
	change(ready, 0 - count * PENDING);
}

void ski_ready_finish(struct ski_ready *ready)
{
	change(ready, READY);
}

bool ski_ready_take(struct ski_ready *ready)
{
	/* Relaxed: the CAS checks it. */
	uint64_t word =
		atomic_load_explicit(&ready->word, memory_order_relaxed);
	uint64_t next;

	do {
		if (!ready_of(word))
			return false;
		next = changed(word, 0 - (READY + PENDING));
		/* Acquire: what is ready; pairs with change(). The rest as
		 * there. */
	} while (!atomic_compare_exchange_weak_explicit(
		&ready->word, &word, next, memory_order_acq_rel,
		memory_order_relaxed));
	follow(ready, word, next);
	return true;
}

/* Acquire: who finds nothing pending has what others did before. Pairs with
 * change(). */
static uint64_t look(struct ski_ready *ready)
{
	return atomic_load_explicit(&ready->word, memory_order_acquire);
}

size_t ski_ready_count(struct ski_ready *ready)
{
	return ready_of(look(ready));
}

size_t ski_ready_pending(struct ski_ready *ready)
{
	return pending_of(look(ready));
}

/* ---- waiting ---- */

enum {
	LOOK_AGAIN = 1
};

static int answer(uint64_t word)
{
	if (ready_of(word))
		return 0;
	return pending_of(word) ? SKUA_ETIMEDOUT : SKUA_ENONE;
}

int ski_ready_look(struct ski_ready *ready)
{
	return answer(look(ready));
}

/* Somebody is about to sleep. False: there is something to look at. */
static bool announce(struct ski_ready *ready)
{
	/* Relaxed: the CAS checks it. */
	uint64_t word =
		atomic_load_explicit(&ready->word, memory_order_relaxed);

	do {
		if (is_worth_it(word))
			return false;
		/* Release: that `changed` was cleared before; pairs with
		 * change(). Acquire: what made it hopeless, if we come too late
		 * for ski_ready_rouse(), which it pairs with. An RMW also if WAITING was there: see
		 * docs/design/requests.md. Failure only reloads. */
	} while (!atomic_compare_exchange_weak_explicit(
		&ready->word, &word, word | WAITING, memory_order_acq_rel,
		memory_order_relaxed));
	return true;
}

int ski_ready_wait(struct ski_ready *ready, int64_t deadline_ns,
		   bool (*hopeless)(void *what), void *what)
{
	uint64_t word = look(ready);

	while (!is_worth_it(word)) {
		int error = 0;

		skua_event_clear(&ready->changed);
		if (!announce(ready))
			error = LOOK_AGAIN;
		else if (hopeless(what))
			error = SKUA_ENOWORKERS;
		/* Others may be on their way to sleep, and for them it was
		 * set. */
		if (error)
			skua_event_set(&ready->changed);
		else
			error = skua_event_wait_timed(
				&ready->changed, ski_time_left(deadline_ns));
		word = look(ready);
		if (error < 0 && !is_worth_it(word))
			return error;
	}
	return answer(word);
}

void ski_ready_rouse(struct ski_ready *ready)
{
	/* Release: what made it hopeless; acquire: that `changed` was cleared.
	 * Pairs with announce(). */
	if (atomic_fetch_and_explicit(&ready->word, ~WAITING,
				      memory_order_acq_rel) &
	    WAITING)
		skua_event_set(&ready->changed);
}

void ski_ready_destroy(struct ski_ready *ready)
{
	/* Relaxed: nobody else uses it. */
	uint64_t fd = atomic_load_explicit(&ready->fd, memory_order_relaxed);

	if (fd)
		ski_ready_fd_close(unpack(fd));
	atomic_store_explicit(&ready->fd, 0, memory_order_relaxed);
}
