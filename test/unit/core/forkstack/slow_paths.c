/* SPDX-License-Identifier: MIT */
/* What a fork and a join call when they cannot go the fast way. */
#include "one_segment.h"

atomic_uint slow_forks, exposures, stolen_joins;
void (*wait_for)(struct skua_frame *frame);

skua_here skua_fork_slow_1(skua_here here)
{
	struct ski_segment *segment = ski_segment_of(here - 1);
	uint32_t i = ski_segment_index(segment, here);

	add(&slow_forks, 1);
	add(&exposures, ski_forkstack_fork(segment, i));
	return here;
}

uintptr_t skua_join_slow_1(skua_here here)
{
	struct ski_segment *segment = ski_segment_of(here - 1);
	struct skua_frame *frame = here - 1;
	uint32_t i = ski_segment_index(segment, frame);

	if (ski_forkstack_join(segment, i) != SKI_JOIN_STOLEN)
		return (uintptr_t)frame | 1;
	add(&stolen_joins, 1);
	wait_for(frame);
	ski_forkstack_rebase(segment, i);
	return (uintptr_t)frame;
}
