/* SPDX-License-Identifier: MIT */
#include "producer.h"

#include <skua/error.h>

int ski_producer_init(struct ski_producer *producer, unsigned generation)
{
	producer->slab = ski_slab_open(generation);
	if (!producer->slab)
		return SKUA_ENOMEM;
	if (ski_deque_init(&producer->deque)) {
		ski_slab_orphan(producer->slab);
		return SKUA_ENOMEM;
	}
	producer->mark = 0;
	return 0;
}

void ski_producer_destroy(struct ski_producer *producer)
{
	ski_deque_destroy(&producer->deque);
	ski_slab_orphan(producer->slab);
}
