/* SPDX-License-Identifier: MIT */
/*
 * The fork stack: a deque of 64-byte frames with a private end, in segments.
 *
 * Frames [top, split) of a segment are public and may be stolen, oldest first;
 * [split, here) are private to the owner, who pushes and takes them without an
 * RMW or fence (skua/fork.h). After van Dijk and van de Pol, "Lace:
 * non-blocking split deque for work-stealing", 2014, with one word of truth in
 * the place of their Dekker race:
 *
 *	word = {top: low 32, split: high 32}, changed by RMWs as a whole
 *	base <= top <= split <= here <= end
 *	pub.limit and pub.split: what the fast paths compare, hints. Thieves
 *	lower limit to base and set split to POISON to ask for work.
 *
 * The frame is read after the win, so that stale thieves are harmless as long
 * as segments stay mapped. Protocol: docs/design/forkstack.md.
 */
#ifndef SKI_FORKSTACK_H
#define SKI_FORKSTACK_H

#include <skua/fork.h>

#include "hooks.h"

/* How many frames an exposure leaves to the owner before it asks again; 16
 * measured best. */
#ifndef SKI_KEEP
#ifdef SKI_TINY
#define SKI_KEEP 2
#else
#define SKI_KEEP 16
#endif
#endif

#define SKI_POISON UINTPTR_MAX

/* A proxy stands in a deque for the public frames of its segment. */
#define SKI_PROXY_IDLE UINT64_C(0)
#define SKI_PROXY_QUEUED UINT64_C(1)

struct ski_segment {
	struct skua_segment pub; /* O; T lower limit, poison split, and read
				    * scope when they have won a frame */
	_Atomic(void *) fiber; /* O at each use: whose it is */
	struct ski_segment *previous; /* O: older in the chain */
	struct ski_segment *next; /* O: the cached spare */
	struct skua_job proxy; /* run: I; state: A */
	/* O: frames from this one on, counted from 1, are inside a region
	 * (isolation.md); 0: none. T read it when they have won a frame. */
	_Atomic(uint32_t) isolated;
	/* A: the truth. */
	_Alignas(SKI_LINE) _Atomic(uint64_t) word;
	_Alignas(SKI_LINE) struct skua_frame frame[];
};

#ifndef SKI_SEGMENT_FRAMES
#define SKI_SEGMENT_FRAMES                                            \
	((SKUA_SEGMENT_BYTES - offsetof(struct ski_segment, frame)) / \
	 sizeof(struct skua_frame))
#endif

static inline uint64_t ski_word(uint32_t top, uint32_t split)
{
	return (uint64_t)split << 32 | top;
}

static inline uint32_t ski_word_top(uint64_t word)
{
	return (uint32_t)word;
}

static inline uint32_t ski_word_split(uint64_t word)
{
	return (uint32_t)(word >> 32);
}

/* The segment of a frame; not of a `here` that may be past the last one. */
static inline struct ski_segment *ski_segment_of(struct skua_frame *frame)
{
	return (struct ski_segment *)(void *)skua_segment_of(frame);
}

/* Any thread: whose it is, or was if it is in a cache. */
static inline void *ski_segment_fiber(struct ski_segment *segment)
{
	/* Acquire: the fiber. Pairs with ski_segment_give(). */
	return atomic_load_explicit(&segment->fiber, memory_order_acquire);
}

/* Owner: it belongs to @fiber now. A thief that comes too late may still ask
 * whose it is. */
static inline void ski_segment_give(struct ski_segment *segment, void *fiber)
{
	/* Release: the fiber. Pairs with ski_segment_fiber(). */
	atomic_store_explicit(&segment->fiber, fiber, memory_order_release);
}

static inline uintptr_t ski_segment_base(const struct ski_segment *segment)
{
	return (uintptr_t)segment->frame;
}

static inline uint32_t ski_segment_index(const struct ski_segment *segment,
					 const struct skua_frame *frame)
{
	return (uint32_t)(frame - segment->frame);
}

static inline uintptr_t ski_segment_at(struct ski_segment *segment, uint32_t i)
{
	return (uintptr_t)&segment->frame[i];
}

/* Owner: frames from @from - 1 on are inside a region; 0: none. */
static inline void ski_segment_set_isolated(struct ski_segment *segment,
					    uint32_t from)
{
	/* Relaxed: published with each frame, by its exposure. */
	atomic_store_explicit(&segment->isolated, from, memory_order_relaxed);
}

static inline uint32_t ski_segment_isolated(struct ski_segment *segment)
{
	/* Relaxed: the owner's own, or came with a frame that was won. */
	return atomic_load_explicit(&segment->isolated, memory_order_relaxed);
}

/* Who has won @frame: whether it is inside a region. It stays so until it is
 * done, and what is older never is. */
static inline bool ski_frame_isolated(struct skua_frame *frame)
{
	struct ski_segment *segment = ski_segment_of(frame);
	uint32_t from = ski_segment_isolated(segment);

	return from && ski_segment_index(segment, frame) + 1 >= from;
}

/* Owner: where the next fork looks up again when split is frame @i. */
static inline uintptr_t ski_segment_limit(struct ski_segment *segment,
					  uint32_t i)
{
	if (i + SKI_KEEP > SKI_SEGMENT_FRAMES)
		i = SKI_SEGMENT_FRAMES;
	else
		i += SKI_KEEP;
	return ski_segment_at(segment, i);
}

/* Owner: a segment whose frames are all free, or new, for the first frame. */
static inline void ski_segment_reset(struct ski_segment *segment)
{
	/* Relaxed: hints. limit == base: the first fork looks for the idle. */
	atomic_store_explicit(&segment->pub.limit, ski_segment_base(segment),
			      memory_order_relaxed);
	atomic_store_explicit(&segment->pub.split, ski_segment_base(segment),
			      memory_order_relaxed);
	/* Release: heads a sequence of its own; a thief that reads it finds
	 * nothing and reads nothing else. */
	atomic_store_explicit(&segment->word, 0, memory_order_release);
}

/* Any thread: does somebody want work from this segment? */
static inline bool ski_segment_hungry(struct ski_segment *segment)
{
	/* Relaxed: a hint. */
	return atomic_load_explicit(&segment->pub.limit,
				    memory_order_relaxed) ==
	       ski_segment_base(segment);
}

/* Owner, somebody is idle: let the next fork come to us at once. */
static inline void ski_segment_listen(struct ski_segment *segment)
{
	/* Relaxed: a hint to oneself. */
	atomic_store_explicit(&segment->pub.limit, ski_segment_base(segment),
			      memory_order_relaxed);
}

/* Thief, in a read-side section: ask the owner to make frames public at its
 * next fork or join. Written only where it is not there already: the line is
 * the owner's. */
static inline void ski_segment_ask(struct ski_segment *segment)
{
	/* Relaxed: hints. A sleeper's asking is ordered by PARK-A and PARK-B:
	 * an owner that overwrites it sees the sleeper. */
	if (!ski_segment_hungry(segment))
		atomic_store_explicit(&segment->pub.limit,
				      ski_segment_base(segment),
				      memory_order_relaxed);
	if (atomic_load_explicit(&segment->pub.split, memory_order_relaxed) !=
	    SKI_POISON)
		atomic_store_explicit(&segment->pub.split, SKI_POISON,
				      memory_order_relaxed);
}

/* Owner: the oldest @count private frames become public; split was @split. */
static inline void ski_segment_expose(struct ski_segment *segment,
				      uint32_t split, uint32_t count)
{
	/* Release: the frames. Pairs with ski_forkstack_steal(). */
	atomic_fetch_add_explicit(&segment->word, (uint64_t)count << 32,
				  memory_order_release);
	/* Relaxed: a hint to oneself. It may overwrite poison: the asker has
	 * got what it asked for. */
	atomic_store_explicit(&segment->pub.split,
			      ski_segment_at(segment, split + count),
			      memory_order_relaxed);
}

/* Owner: the true split, whatever the hint says. */
static inline uint32_t ski_segment_split(struct ski_segment *segment)
{
	/* Relaxed: only the owner changes split. */
	return ski_word_split(
		atomic_load_explicit(&segment->word, memory_order_relaxed));
}

/* Owner: are there public frames that nobody has stolen? */
static inline bool ski_segment_ready(struct ski_segment *segment)
{
	/* Relaxed: if a thief is faster, nothing is lost. */
	uint64_t word =
		atomic_load_explicit(&segment->word, memory_order_relaxed);

	return ski_word_top(word) < ski_word_split(word);
}

/*
 * Owner, in a fork that reached limit: frames [split, here) are private. Makes
 * the older half public: rounded up for somebody hungry, all if the segment is
 * full. Returns how many.
 */
static inline uint32_t ski_forkstack_fork(struct ski_segment *segment,
					  uint32_t here)
{
	uint32_t split = ski_segment_split(segment);
	uint32_t count = here - split;

	if (here < SKI_SEGMENT_FRAMES)
		count = (count + ski_segment_hungry(segment)) / 2;
	if (count)
		ski_segment_expose(segment, split, count);
	/* Relaxed: a hint. An asker's base that it overwrites is made up for
	 * by the look at the idle behind PARK-A. */
	atomic_store_explicit(&segment->pub.limit,
			      ski_segment_limit(segment, split + count),
			      memory_order_relaxed);
	return count;
}

/* Owner, before something long: frames [split, here) become public. Returns how
 * many. */
static inline uint32_t ski_forkstack_show(struct ski_segment *segment,
					  uint32_t here)
{
	uint32_t split = ski_segment_split(segment);
	uint32_t count = here - split;

	if (!count)
		return 0;
	ski_segment_expose(segment, split, count);
	/* Relaxed: a hint, as in ski_forkstack_fork(). */
	atomic_store_explicit(&segment->pub.limit,
			      ski_segment_limit(segment, here),
			      memory_order_relaxed);
	return count;
}

/*
 * Owner, in a wait: make all private frames public.
 * Returns how many. The private frames end where one has no run function.
 */
static inline uint32_t ski_forkstack_expose_all(struct ski_segment *segment)
{
	uint32_t split = ski_segment_split(segment);
	uint32_t count = 0;

	while (split + count < SKI_SEGMENT_FRAMES &&
	       segment->frame[split + count].job.run)
		count++;
	if (count)
		ski_segment_expose(segment, split, count);
	return count;
}

/*
 * Owner: take all frames older than @from that are public, so that thieves find
 * those behind. The oldest is returned; @from if there is none. They are joined
 * after ski_forkstack_rebase(), or given back.
 */
static inline uint32_t ski_forkstack_hide(struct ski_segment *segment,
					  uint32_t from)
{
	/* Relaxed: the CAS checks it. */
	uint64_t word =
		atomic_load_explicit(&segment->word, memory_order_relaxed);

	while (ski_word_top(word) < from)
		/* Relaxed: the owner wrote these frames itself. An RMW, so the
		 * sequence that an older exposure heads goes on. Failure: a
		 * thief was faster, or spurious. */
		if (atomic_compare_exchange_weak_explicit(
			    &segment->word, &word,
			    ski_word(from, ski_word_split(word)),
			    memory_order_relaxed, memory_order_relaxed))
			return ski_word_top(word);
	return from;
}

/* Owner, when all frames from @end on are joined: those from @first on, which
 * were hidden, are public again. PARK-A follows. */
static inline void ski_forkstack_give_back(struct ski_segment *segment,
					   uint32_t first, uint32_t end)
{
	/* Relaxed: no thief writes here, top is at split. */
	ski_assert(atomic_load_explicit(&segment->word, memory_order_relaxed) ==
		   ski_word(end, end));
	/* Release: the frames. Pairs with ski_forkstack_steal(). */
	atomic_store_explicit(&segment->word, ski_word(first, end),
			      memory_order_release);
	/* Relaxed: hints. */
	atomic_store_explicit(&segment->pub.split, ski_segment_at(segment, end),
			      memory_order_relaxed);
	ski_segment_listen(segment);
}

enum ski_join {
	SKI_JOIN_MINE, /* run it */
	SKI_JOIN_EXPOSED, /* run it; older frames became public: PARK-A */
	SKI_JOIN_STOLEN /* wait for its state, then ski_forkstack_rebase() */
};

/* Owner: frames were taken back, split is @split now: keep the hints true, and
 * lose no request. @hint is what pub.split was before. */
static inline void ski_forkstack_lower(struct ski_segment *segment,
				       uint32_t split, uintptr_t hint)
{
	/* Relaxed, all: hints. */
	uintptr_t limit =
		atomic_load_explicit(&segment->pub.limit, memory_order_relaxed);

	/* Poison that was there asks for older frames, and only one was taken,
	 * so there is none. The asker's base may yet be on its way. By CAS from
	 * what is not base: failure means a request just now. */
	if (hint == SKI_POISON)
		ski_segment_listen(segment);
	else if (limit != ski_segment_base(segment))
		atomic_compare_exchange_strong_explicit(
			&segment->pub.limit, &limit,
			ski_segment_limit(segment, split), memory_order_relaxed,
			memory_order_relaxed);
	/* By CAS: poison that came just now stays, for the frames that are
	 * private again or forked next. A store could go over it unseen. */
	atomic_compare_exchange_strong_explicit(&segment->pub.split, &hint,
						ski_segment_at(segment, split),
						memory_order_relaxed,
						memory_order_relaxed);
}

/*
 * Owner, in a join of frame @i below the hint. MINE takes up to SKI_KEEP / 2
 * public frames back, only the one while somebody is hungry.
 */
static inline enum ski_join ski_forkstack_join(struct ski_segment *segment,
					       uint32_t i)
{
	/* Relaxed: a hint; split is the owner's, top is checked by the CAS. */
	uintptr_t hint =
		atomic_load_explicit(&segment->pub.split, memory_order_relaxed);
	uint64_t word =
		atomic_load_explicit(&segment->word, memory_order_relaxed);
	uint32_t split = ski_word_split(word);
	uint32_t want = SKI_KEEP / 2;

	if (i >= split) { /* poisoned: the frame is private */
		ski_segment_expose(segment, split, i - split);
		return SKI_JOIN_EXPOSED;
	}
	if (hint == SKI_POISON || ski_segment_hungry(segment))
		want = 1;
	for (;;) {
		uint32_t top = ski_word_top(word);
		uint32_t count = split - top;

		if (!count)
			return SKI_JOIN_STOLEN;
		if (count > want)
			count = want;
		/* Relaxed: the owner wrote these frames itself, and what it
		 * writes into them next is published by the next exposure. A
		 * CAS is an RMW, so the sequence that an older exposure heads
		 * goes on. Failure: a thief was faster, or spurious. */
		if (atomic_compare_exchange_weak_explicit(
			    &segment->word, &word, ski_word(top, split - count),
			    memory_order_relaxed, memory_order_relaxed)) {
			ski_forkstack_lower(segment, split - count, hint);
			return SKI_JOIN_MINE;
		}
	}
}

/* Owner: frame @i was stolen and is done; it and all older ones are gone. */
static inline void ski_forkstack_rebase(struct ski_segment *segment, uint32_t i)
{
	/* Relaxed: the thief has let go of it; the next fork finds it so. */
	atomic_store_explicit(&segment->frame[i].job.state, SKUA_FRAME_PENDING,
			      memory_order_relaxed);
	/* Release: as in ski_segment_reset(). No thief writes here: top is
	 * at split, and there is nothing to win. */
	atomic_store_explicit(&segment->word, ski_word(i, i),
			      memory_order_release);
	/* Relaxed: hints. */
	atomic_store_explicit(&segment->pub.split, ski_segment_at(segment, i),
			      memory_order_relaxed);
	ski_segment_listen(segment);
}

/*
 * Any thread, in a read-side section: win the oldest public frame. NULL: there
 * is none (then the owner is asked, if @ask), or another was faster (*@again).
 */
static inline struct skua_frame *
ski_forkstack_steal(struct ski_segment *segment, bool ask, bool *again)
{
	/* Acquire, here and in the CAS: the frame. Pairs with
	 * ski_segment_expose(). */
	uint64_t word =
		atomic_load_explicit(&segment->word, memory_order_acquire);
	uint32_t top = ski_word_top(word);

	if (top >= ski_word_split(word)) {
		if (ask)
			ski_segment_ask(segment);
		return NULL;
	}
	/* Failure: nothing was won. */
	if (atomic_compare_exchange_strong_explicit(
		    &segment->word, &word, word + 1, memory_order_acquire,
		    memory_order_relaxed))
		return &segment->frame[top];
	*again = true;
	return NULL;
}

/* The state word of a frame. It has two writers once the frame is stolen: the
 * thief (its segment, then DONE) and the owner who waits. */

#define SKI_FRAME_WAITER UINT64_C(2)

/* Thief: say where to leapfrog. Not over a waiter, who would be lost. */
static inline void ski_frame_name_thief(struct skua_frame *frame,
					struct ski_segment *thief)
{
	uint64_t pending = SKUA_FRAME_PENDING;

	/* Release: the segment's fiber. Pairs with ski_frame_state(). Failure:
	 * a waiter stands there and needs no name. */
	atomic_compare_exchange_strong_explicit(&frame->job.state, &pending,
						(uint64_t)(uintptr_t)thief,
						memory_order_release,
						memory_order_relaxed);
}

/* Thief: its last touch of the frame. Returns the waiter to resume, or NULL. */
static inline void *ski_frame_finish(struct skua_frame *frame)
{
	/* Release: the result; pairs with ski_frame_state() and
	 * ski_frame_wait(). Acquire: the waiter; pairs with ski_frame_wait(). */
	uint64_t old = atomic_exchange_explicit(
		&frame->job.state, SKUA_FRAME_DONE, memory_order_acq_rel);

	if (old & SKI_FRAME_WAITER)
		return (void *)(uintptr_t)(old & ~SKI_FRAME_WAITER);
	return NULL;
}

/* Owner: DONE, PENDING, or the thief's segment. */
static inline uint64_t ski_frame_state(struct skua_frame *frame)
{
	/* Acquire: the result or the segment's fiber. Pairs with
	 * ski_frame_finish() and ski_frame_name_thief(). */
	return atomic_load_explicit(&frame->job.state, memory_order_acquire);
}

/* Owner: wait there as @waiter. False: it is done already. */
static inline bool ski_frame_wait(struct skua_frame *frame, void *waiter)
{
	uint64_t state = ski_frame_state(frame);

	while (state != SKUA_FRAME_DONE)
		/* Release: the waiter; pairs with ski_frame_finish(). Failure
		 * acquires the result: pairs with it too. */
		if (atomic_compare_exchange_weak_explicit(
			    &frame->job.state, &state,
			    (uint64_t)(uintptr_t)waiter | SKI_FRAME_WAITER,
			    memory_order_release, memory_order_acquire))
			return true;
	return false;
}

/* Owner, after exposing: returns whether the proxy has to be pushed. */
static inline bool ski_proxy_offer(struct ski_segment *segment)
{
	/* Release: if it is queued already, who pops it sees the frames
	 * exposed before. Pairs with ski_proxy_popped(). */
	return atomic_exchange_explicit(&segment->proxy.state, SKI_PROXY_QUEUED,
					memory_order_release) == SKI_PROXY_IDLE;
}

/* Who popped it, before looking at the frames. */
static inline void ski_proxy_popped(struct ski_segment *segment)
{
	/* Acquire: pairs with ski_proxy_offer(). */
	atomic_exchange_explicit(&segment->proxy.state, SKI_PROXY_IDLE,
				 memory_order_acquire);
}

#endif
