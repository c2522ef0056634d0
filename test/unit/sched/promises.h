/* SPDX-License-Identifier: MIT */
/* For tests of waits for many: futures that end when the test says so. */
#ifndef PROMISES_H
#define PROMISES_H

#include "sched_test.h"

#include "../core/failing_memory.h"

static inline struct skua_future *open_promise(void)
{
	struct skua_future *promise = NULL;

	CHECK(skua_promise_open(&promise) == 0);
	return promise;
}

static inline void release_all(struct skua_future *futures[], size_t count)
{
	for (size_t i = 0; i < count; i++)
		skua_future_release(futures[i]);
}

#endif
