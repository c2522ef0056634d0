/* SPDX-License-Identifier: MIT */
/*
 * crew.h - threads that start together and are all waited for, for the stress
 * programs of lib/core.
 */
#ifndef CREW_H
#define CREW_H

#include "stress.h"

enum {
	CREW_MOST = 1024
};

struct crew_member {
	pthread_t thread;
	pthread_barrier_t *start;
	void (*run)(unsigned self);
	unsigned self;
};

static inline void *crew_main(void *arg)
{
	struct crew_member *member = arg;

	pthread_barrier_wait(member->start);
	member->run(member->self);
	return NULL;
}

/* Run @run(0) to @run(@count - 1), a thread each. */
static inline void crew_run(unsigned count, void (*run)(unsigned self))
{
	static struct crew_member crew[CREW_MOST];
	pthread_barrier_t start;

	EXPECT(count <= CREW_MOST);
	pthread_barrier_init(&start, NULL, count);
	for (unsigned i = 0; i < count; i++) {
		crew[i] = (struct crew_member){ .start = &start,
						.run = run,
						.self = i };
		stress_thread(&crew[i].thread, crew_main, &crew[i]);
	}
	for (unsigned i = 0; i < count; i++)
		pthread_join(crew[i].thread, NULL);
	pthread_barrier_destroy(&start);
}

#endif
