/* SPDX-License-Identifier: MIT */
/*
 * Elements move to where they belong, each once, in place: along the cycles of
 * their permutation. A random one has a few long cycles, and so several workers
 * go along one: at places in equal distances all cycles are cut, by holding the
 * elements there apart. From one cut to the next it is nobody else's way.
 */
#include <string.h>

#include "sort_run.h"

enum {
	CUTS_MAX = 1024,
	DISTANCE_MIN = 1024
};

/* I. Element @cut of those apart stood at cut * distance. */
struct arrangement {
	char *base;
	char *held; /* and behind them room for one more */
	union ski_sort_source *source;
	size_t size;
	size_t distance; /* a power of two */
	size_t cuts;
};

static size_t distance_of(size_t count)
{
	size_t distance = DISTANCE_MIN;

	while (count / distance > CUTS_MAX)
		distance *= 2;
	return distance;
}

size_t ski_sort_held(size_t count)
{
	size_t distance = distance_of(count);

	return (count + distance - 1) / distance + 1;
}

/* Fill the place of this cut, then the place that this leaves, and so on up to
 * the next cut. A place that is done is its own source. */
static void follow(const struct arrangement *a, size_t cut)
{
	size_t to = cut * a->distance, from;

	for (;;) {
		from = a->source[to].index;
		a->source[to].index = to;
		if (from % a->distance == 0)
			break;
		memcpy(a->base + to * a->size, a->base + from * a->size,
		       a->size);
		to = from;
	}
	memcpy(a->base + to * a->size, a->held + from / a->distance * a->size,
	       a->size);
}

SKUA_TASK_VOID(follow_all, const struct arrangement *, a, size_t, first, size_t,
	       count)
{
	size_t half = count / 2;

	if (count > 1) {
		follow_all_fork(&here, a, first + half, count - half);
		follow_all(here, a, first, half);
		follow_all_join(&here);
	} else {
		follow(a, first);
	}
}

/* A cycle that was not cut. */
static void close_cycle(const struct arrangement *a, size_t start)
{
	char *apart = a->held + a->cuts * a->size;
	size_t to = start, from;

	memcpy(apart, a->base + start * a->size, a->size);
	while ((from = a->source[to].index) != start) {
		memcpy(a->base + to * a->size, a->base + from * a->size,
		       a->size);
		a->source[to].index = to;
		to = from;
	}
	memcpy(a->base + to * a->size, apart, a->size);
	a->source[to].index = to;
}

void ski_sort_arrange(skua_here here, size_t size, char *base, size_t count,
		      union ski_sort_source *source, char *held)
{
	size_t distance = distance_of(count);
	struct arrangement a = { base, held,	 source,
				 size, distance, ski_sort_held(count) - 1 };

	for (size_t cut = 0; cut < a.cuts; cut++)
		memcpy(held + cut * size, base + cut * distance * size, size);
	follow_all(here, &a, 0, a.cuts);
	for (size_t i = 0; i < count; i++)
		if (source[i].index != i)
			close_cycle(&a, i);
}
