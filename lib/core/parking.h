/* SPDX-License-Identifier: MIT */
/*
 * Who is idle, and who is looking for work already: the counts that decide
 * whether publishing a job has to wake somebody. No wake-up is lost, and no
 * herd is woken.
 *
 *	publisher			sleeper
 *	publish the job			inbox 0 -> ASLEEP
 *	fence PARK-A			announce: idle += 1
 *	load counts			fence PARK-B
 *	idle, nobody searching:		ask every worker; look everywhere
 *	  claim one, wake it		nothing: sleep on the inbox
 *
 * Of the two fences one is first: either the sleeper sees the job, or the
 * publisher sees the sleeper. While somebody searches nobody is woken; the
 * last searcher that finds work wakes the next instead.
 *
 * A napper (one that fork_slow woke in vain) is idle too, but fork_slow does
 * not count it: it looks again by itself within milliseconds.
 * Protocol: docs/design/parking.md.
 */
#ifndef SKI_PARKING_H
#define SKI_PARKING_H

#include "hooks.h"

/* Three counts in one word, 16 bits each, read as signed: a claimed worker may
 * act before its claimer has moved it from idle to searching, so for a moment
 * searching can be -1 and idle one too many. */
#define SKI_PARKING_SEARCHING UINT64_C(1)
#define SKI_PARKING_IDLE (UINT64_C(1) << 16)
#define SKI_PARKING_NAPPING (UINT64_C(1) << 32)
#define SKI_PARKING_BIAS UINT64_C(0x400040004000)

struct ski_parking {
	_Alignas(SKI_LINE) _Atomic(uint64_t) counts; /* A */
};

/* The fields borrow from each other where one is negative: biased, none is. */
static inline int ski_parking_field(uint64_t counts, unsigned shift)
{
	return (int)((counts + SKI_PARKING_BIAS) >> shift & 0xffff) - 0x4000;
}

static inline int ski_parking_searching(uint64_t counts)
{
	return ski_parking_field(counts, 0);
}

static inline int ski_parking_idle(uint64_t counts)
{
	return ski_parking_field(counts, 16);
}

static inline int ski_parking_napping(uint64_t counts)
{
	return ski_parking_field(counts, 32);
}

static inline uint64_t ski_parking_weight(bool nap)
{
	return SKI_PARKING_IDLE + (nap ? SKI_PARKING_NAPPING : 0);
}

/* The counts, as a hint. */
static inline uint64_t ski_parking_counts(struct ski_parking *parking)
{
	/* Relaxed: decides about speed only. */
	return atomic_load_explicit(&parking->counts, memory_order_relaxed);
}

/* After publishing: the counts as PARK-A promises them. */
static inline uint64_t ski_parking_published(struct ski_parking *parking)
{
	/* PARK-A: what was published before the load of counts. Pairs with
	 * PARK-B in ski_parking_announce(). */
	ski_fence_full(PARK_A);
	/* Acquire: the ASLEEP of who is counted. Pairs with
	 * ski_parking_announce(). */
	return atomic_load_explicit(&parking->counts, memory_order_acquire);
}

/* Whether those counts call for a wake. */
static inline bool ski_parking_wanted(uint64_t counts, bool nappers)
{
	return ski_parking_searching(counts) <= 0 &&
	       ski_parking_idle(counts) >
		       (nappers ? 0 : ski_parking_napping(counts));
}

/* A worker whose inbox says ASLEEP: become idle. It looks everywhere after. */
static inline void ski_parking_announce(struct ski_parking *parking, bool nap,
					bool searching)
{
	uint64_t change = ski_parking_weight(nap);

	if (searching)
		change -= SKI_PARKING_SEARCHING;
	/* Release: the ASLEEP in the inbox. Pairs with
	 * ski_parking_published(). */
	atomic_fetch_add_explicit(&parking->counts, change,
				  memory_order_release);
	/* PARK-B: the announcement before the loads of the last look. Pairs
	 * with PARK-A. */
	ski_fence_full(PARK_B);
}

/* An idle worker that nobody claimed gets up. */
static inline void ski_parking_leave(struct ski_parking *parking, bool nap)
{
	/* Relaxed: publishes nothing. */
	atomic_fetch_sub_explicit(&parking->counts, ski_parking_weight(nap),
				  memory_order_relaxed);
}

/* After a claim, before the wake: the sleeper is a searcher now. */
static inline void ski_parking_claimed(struct ski_parking *parking, bool nap)
{
	/* Relaxed: publishes nothing. */
	atomic_fetch_add_explicit(&parking->counts,
				  SKI_PARKING_SEARCHING -
					  ski_parking_weight(nap),
				  memory_order_relaxed);
}

/* A worker starts to search unasked, if fewer than @most do. */
static inline bool ski_parking_search(struct ski_parking *parking, int most)
{
	uint64_t counts = ski_parking_counts(parking);

	if (ski_parking_searching(counts) >= most)
		return false;
	/* Relaxed: publishes nothing; @most may be passed by a race. */
	atomic_fetch_add_explicit(&parking->counts, SKI_PARKING_SEARCHING,
				  memory_order_relaxed);
	return true;
}

/*
 * A searcher has found work. Returns whether it was the last one and somebody
 * sleeps: then it must wake one, since wakes were withheld because of it.
 */
static inline bool ski_parking_found(struct ski_parking *parking)
{
	/* seq_cst: in one order with the loads behind PARK-A; who published
	 * before it and saw us searching is made up for by our wake. Acquire:
	 * the ASLEEP of who is counted, pairs with ski_parking_announce(). */
	uint64_t old = atomic_fetch_sub_explicit(
		&parking->counts, SKI_PARKING_SEARCHING, memory_order_seq_cst);

	return ski_parking_searching(old) <= 1 && ski_parking_idle(old) > 0;
}

#endif
