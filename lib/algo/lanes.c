/* SPDX-License-Identifier: MIT */
#include "lanes.h"

void ski_lanes_fill(struct ski_lane lane[], unsigned lanes, size_t count)
{
	size_t each = count / lanes, more = count % lanes, next = 0;

	for (unsigned i = 0; i < lanes; i++) {
		/* Relaxed: published with the map. */
		atomic_store_explicit(&lane[i].next, next,
				      memory_order_relaxed);
		next += each + (i < more);
		lane[i].end = next;
	}
}

/* Relaxed: a look; nothing is read through it. */
static bool is_left(struct ski_lane *lane)
{
	return atomic_load_explicit(&lane->next, memory_order_relaxed) <
	       lane->end;
}

bool ski_lanes_left(struct ski_lane lane[], unsigned lanes)
{
	for (unsigned i = 0; i < lanes; i++)
		if (is_left(&lane[i]))
			return true;
	return false;
}

bool ski_lanes_take(struct ski_lane lane[], unsigned lanes, unsigned home,
		    size_t *number)
{
	for (unsigned i = 0, at = home % lanes; i < lanes; i++) {
		/* The look first: next moves beyond end only by as many as
		 * looked at the same time. Relaxed: see the head comment. */
		size_t next = is_left(&lane[at]) ?
				      atomic_fetch_add_explicit(
					      &lane[at].next, 1,
					      memory_order_relaxed) :
				      lane[at].end;

		if (next < lane[at].end) {
			*number = next;
			return true;
		}
		if (++at == lanes)
			at = 0;
	}
	return false;
}

size_t ski_lane_take_rest(struct ski_lane *lane, size_t *first)
{
	/* Relaxed: see the head comment. */
	*first = atomic_exchange_explicit(&lane->next, lane->end,
					  memory_order_relaxed);
	return *first < lane->end ? lane->end - *first : 0;
}
