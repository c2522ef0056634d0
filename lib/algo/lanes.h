/* SPDX-License-Identifier: MIT */
/*
 * The numbers 0 … count - 1, each to be had once, by whoever asks: what map.c
 * deals out to its runners. They are cut into lanes. Who takes from a lane of
 * its own shares its line with nobody; an empty one sends to the next.
 *
 *	given out: [begin, next) of each lane; left: [next, end)
 *
 * Nothing is published by it: that an item may be used is known from elsewhere.
 */
#ifndef SKI_LANES_H
#define SKI_LANES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

enum {
	SKI_LANE_BYTES = 128 /* two lines, as they are fetched */
};

struct ski_lane {
	_Atomic(size_t) next; /* A: beyond end by those who came too late */
	size_t end; /* I */
	char apart[SKI_LANE_BYTES - 2 * sizeof(size_t)];
};

/* Before anybody takes from them. */
void ski_lanes_fill(struct ski_lane lane[], unsigned lanes, size_t count);
/* One more, from the lane of @home if possible. False: none is left. */
bool ski_lanes_take(struct ski_lane lane[], unsigned lanes, unsigned home,
		    size_t *number);
/* Whether there may be one; if not, there never is again. */
bool ski_lanes_left(struct ski_lane lane[], unsigned lanes);
/* All that is left of one lane: *@first and the next, as many as it returns. */
size_t ski_lane_take_rest(struct ski_lane *lane, size_t *first);

#endif
