/* SPDX-License-Identifier: MIT */
#include "range.h"

#include "ticks.h"

/* A chunk at most this much larger than the one before it. */
#define GROWTH 32
/* No chunk is larger, so that products with it fit 64 bits. */
#define CHUNK_MOST (UINT64_C(1) << 40)
/* Companions of a loop at work, for each worker: as many as wait for one that is
 * in a long iteration, since a range is halved no more often. */
#define COMPANIONS 32

/* How long chunks take, and so how large the next one may be. */
struct pace {
	uint64_t chunk; /* iterations */
	uint64_t start, now; /* ticks */
	uint64_t goal; /* ticks that a chunk should take */
};

static uint64_t word_of(uint64_t next, uint64_t end)
{
	return end << 32 | next;
}

static uint64_t word_next(uint64_t word)
{
	return (uint32_t)word;
}

static uint64_t word_end(uint64_t word)
{
	return word >> 32;
}

static uint64_t word_rest(uint64_t word)
{
	return word_end(word) - word_next(word);
}

void ski_part_open(struct ski_part *part, struct ski_loop *loop, uint64_t begin,
		   uint64_t end)
{
	uint64_t count = end - begin, units;
	unsigned shift = 0;

	if (count > UINT32_MAX)
		shift = 33 - (unsigned)__builtin_clzll(count);
	units = (count >> shift) +
		(count & ((UINT64_C(1) << shift) - 1) ? 1 : 0);
	part->loop = loop;
	part->base = begin;
	part->last = end;
	part->shift = shift;
	part->helpers = 0;
	/* Relaxed, both: a helper sees them through the frame that it steals. */
	atomic_store_explicit(&part->arrived, 0, memory_order_relaxed);
	atomic_store_explicit(&part->word, word_of(0, units),
			      memory_order_relaxed);
}

/* The iteration that unit @unit begins with, or the end. */
static uint64_t iteration(const struct ski_part *part, uint64_t unit)
{
	/* The last one may be cut short. */
	if (unit > (part->last - part->base) >> part->shift)
		return part->last;
	return part->base + (unit << part->shift);
}

/* Units that nobody has taken; for others than the owner, a hint. */
static uint64_t rest(struct ski_part *part)
{
	/* Relaxed: the iterations are not what the word publishes. */
	return word_rest(
		atomic_load_explicit(&part->word, memory_order_relaxed));
}

/* Owner: can a helper be at work? Not while the frames are private. */
static bool is_shared(const struct ski_part *part)
{
	return part->helpers && skua_is_public(part->first);
}

/* Helpers that have begun. */
static unsigned arrived(struct ski_part *part)
{
	/* Relaxed: a hint. */
	return atomic_load_explicit(&part->arrived, memory_order_relaxed);
}

/* How many of @left units to take. A share of them at most, in case that the
 * iterations to come take longer than those before; but not so few that it
 * cannot be worth the while. More while no helper has come, and no share where
 * none can come yet. */
static uint64_t portion(struct ski_part *part, const struct pace *pace,
			uint64_t left)
{
	bool alone = !arrived(part);
	uint64_t most = pace->chunk >> part->shift;
	uint64_t least = most >> (alone ? 1 : 6);
	uint64_t share = left >> (alone ? 1 : 3);

	if (!part->helpers)
		share = left;
	if (share < least)
		share = least;
	if (most > share)
		most = share;
	if (!most || part->loop->single)
		most = 1;
	return most < left ? most : left;
}

/* Owner: the next chunk, *@begin … *@end - 1. False: nothing is left. */
static bool take(struct ski_part *part, const struct pace *pace,
		 uint64_t *begin, uint64_t *end)
{
	bool shared = is_shared(part);
	/* Relaxed, all: what helpers need they have from the frame. */
	uint64_t word = atomic_load_explicit(&part->word, memory_order_relaxed);
	uint64_t next, count;

	do {
		next = word_next(word);
		count = portion(part, pace, word_rest(word));
		if (!count)
			return false;
		if (!shared) {
			atomic_store_explicit(&part->word, word + count,
					      memory_order_relaxed);
			break;
		}
	} while (!atomic_compare_exchange_weak_explicit(
		&part->word, &word, word + count, memory_order_relaxed,
		memory_order_relaxed));
	*begin = iteration(part, next);
	*end = iteration(part, next + count);
	return true;
}

bool ski_part_steal(struct ski_part *victim, bool below, uint64_t *begin,
		    uint64_t *end)
{
	/* Relaxed, all: as in take(). */
	uint64_t word =
		atomic_load_explicit(&victim->word, memory_order_relaxed);
	uint64_t half;

	do {
		half = word_next(word) + word_rest(word) / 2;
		if (!word_rest(word) ||
		    (below && iteration(victim, word_end(word)) != *begin))
			return false;
	} while (!atomic_compare_exchange_weak_explicit(
		&victim->word, &word, word_of(word_next(word), half),
		memory_order_relaxed, memory_order_relaxed));
	*begin = iteration(victim, half);
	*end = iteration(victim, word_end(word));
	return true;
}

static unsigned workers(void)
{
	return skua_pool_workers(skua_pool_current());
}

SKUA_DECLARE_TASK_VOID(helper, struct ski_part *, victim);

/* One more, beside the first helper of @victim. There is a bound: where bodies
 * wait, each leaves a stack behind. */
SKUA_TASK_VOID(companion, struct ski_part *, victim)
{
	struct ski_loop *loop = victim->loop;

	if (!rest(victim))
		return;
	/* Relaxed, both: a number to compare. */
	if (atomic_fetch_add_explicit(&loop->companions, 1,
				      memory_order_relaxed) <
	    COMPANIONS * workers())
		helper(here, victim);
	atomic_fetch_sub_explicit(&loop->companions, 1, memory_order_relaxed);
}

/* How many may come beside the first helper. Each takes a half at least, so after
 * so many nothing is left, whether those who came come back or not. */
static unsigned companions(struct ski_part *victim)
{
	uint64_t left = rest(victim);

	if (!left || workers() < 3)
		return 0;
	return 63 - (unsigned)__builtin_clzll(left);
}

/* The first of a victim lets others in, since the owner may be in a long
 * iteration, and it is about to begin one. */
SKUA_TASK_VOID(helper, struct ski_part *, victim)
{
	struct ski_loop *loop = victim->loop;
	unsigned index, more;

	if (!rest(victim))
		return;
	/* Relaxed: a hint to the owner, and a number of its own for each. */
	index = atomic_fetch_add_explicit(&victim->arrived, 1,
					  memory_order_relaxed);
	if (index >= loop->helpers_most)
		return;
	more = index ? 0 : companions(victim);
	for (unsigned i = 0; i < more; i++)
		companion_fork(&here, victim);
	loop->help(here, victim, index);
	for (unsigned i = 0; i < more; i++)
		companion_join(&here);
}

void ski_part_help(skua_here here, struct ski_part *victim, unsigned index)
{
	struct ski_part part;
	uint64_t begin, end;

	(void)index;
	while (!ski_loop_is_over(victim->loop, here) &&
	       ski_part_steal(victim, false, &begin, &end)) {
		/* Companions: a join may have taken them back. */
		skua_show(here);
		ski_part_open(&part, victim->loop, begin, end);
		ski_part_run(here, &part, NULL);
	}
}

static void fork_helper(skua_here *here, struct ski_part *part)
{
	if (!part->helpers)
		part->first = *here;
	helper_fork(here, part);
	part->helpers++;
}

/* Somebody wants work, or may want some while the next chunk runs: let him in.
 * Helpers that have begun come back for more by themselves. */
static void let_in(skua_here *here, struct ski_part *part)
{
	if (arrived(part) >= part->helpers && rest(part) &&
	    part->helpers < part->loop->helpers_most)
		fork_helper(here, part);
	skua_show(*here);
}

/* @count iterations took from pace->now to now. */
static void adapt(struct pace *pace, uint64_t count)
{
	uint64_t now = ski_ticks();
	uint64_t spent = now - pace->now;

	pace->now = now;
	if (spent < pace->goal / GROWTH)
		count *= GROWTH;
	else
		count = count * pace->goal / spent;
	if (count > CHUNK_MOST)
		count = CHUNK_MOST;
	pace->chunk = count ? count : 1;
}

/* True: go on. */
static bool run_chunk(skua_here here, struct ski_part *part, uint64_t begin,
		      uint64_t end, void *value)
{
	struct ski_loop *loop = part->loop;
	int answer = loop->run(loop, here, begin, end, value);

	if (answer)
		ski_loop_stop(loop, answer);
	return !ski_loop_is_over(loop, here);
}

/* Is there nobody else to want work? A worker that was dismissed has a number,
 * and others that stayed. */
static bool is_alone(void)
{
	return workers() < 2 && skua_worker() <= 0;
}

/* Between chunks: are others to be let in? A worker that was alone looks whether
 * it still is: who came during a short chunk may have asked in vain by now. */
static bool is_due(skua_here here, struct ski_part *part,
		   const struct pace *pace)
{
	if (skua_is_wanted(here))
		return true;
	if (is_shared(part))
		return false;
	return pace->now - pace->start > pace->goal / 2 ||
	       (!part->helpers && !is_alone());
}

/* Owner: from its lower end, chunk by chunk. */
static void run_chunks(skua_here *here, struct ski_part *part,
		       struct pace *pace, void *value)
{
	uint64_t begin, end, count;

	while (take(part, pace, &begin, &end))
		for (; begin < end; begin += count) {
			count = end - begin;
			if (count > pace->chunk && !part->loop->single)
				count = pace->chunk;
			if (!run_chunk(*here, part, begin, begin + count,
				       value))
				return;
			if (count == end - begin && !rest(part))
				return;
			adapt(pace, count);
			if (is_due(*here, part, pace))
				let_in(here, part);
		}
}

void ski_part_run(skua_here here, struct ski_part *part, void *value)
{
	struct pace pace = { .chunk = 1, .goal = ski_ticks_chunk() };

	if (ski_loop_is_over(part->loop, here))
		return;
	if (rest(part) > 1) {
		/* The first iteration may take long. */
		if (!is_alone()) {
			fork_helper(&here, part);
			skua_show(here);
		}
		pace.start = pace.now = ski_ticks();
	}
	run_chunks(&here, part, &pace, value);
	for (; part->helpers; part->helpers--)
		helper_join(&here);
}
