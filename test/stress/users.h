/* SPDX-License-Identifier: MIT */
/*
 * users.h - who uses a pool at once, for the stress programs of lib/algo: as many
 * threads as tasks of the pool, round after round, each with a random stream of its
 * own.
 */
#ifndef USERS_H
#define USERS_H

#include "stress.h"

enum {
	USERS = 4
};

/* @use gets the number of its stream, and returns NULL. */
static inline void users_round(struct skua_pool *pool, size_t round,
			       void *(*use)(void *stream))
{
	pthread_t threads[USERS / 2];
	struct skua_future *tasks[USERS / 2];

	for (size_t i = 0; i < USERS / 2; i++) {
		stress_thread(&threads[i], use,
			      number(1 + round * USERS + 2 * i));
		tasks[i] = stress_submit(pool, use,
					 number(2 + round * USERS + 2 * i));
	}
	for (size_t i = 0; i < USERS / 2; i++) {
		EXPECT(pthread_join(threads[i], NULL) == 0);
		EXPECT(stress_take(tasks[i]) == NULL);
	}
}

#endif
