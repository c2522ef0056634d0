/* SPDX-License-Identifier: MIT */
/* What is known of pools and jobs. */
#include "fuzz.h"

struct pool *some_pool(void)
{
	unsigned first = take(POOLS_MOST);

	for (unsigned i = 0; i < world.pools_used; i++) {
		struct pool *pool =
			&world.pools[(first + i) % world.pools_used];

		if (pool->refs)
			return pool;
	}
	return NULL;
}

struct job *some_job(void)
{
	unsigned first = take(256);

	for (unsigned i = 0; i < world.jobs_used; i++) {
		struct job *job = &world.jobs[(first + i) % world.jobs_used];

		if (job->refs)
			return job;
	}
	return NULL;
}

bool is_plugged(const struct pool *pool)
{
	return pool->held == pool->workers;
}

static void choose_action(struct job *job)
{
	job->action = take(job->gate ? ACTIONS : WAIT_FOR_SELF);
	if (job->action == FAIL || job->action == FAIL_TWICE)
		job->fails = (int)take(256) + 1;
	job->null_result = job->fails && coin();
	if (job->action != POST_CHILD)
		return;
	if (world.jobs_used == JOBS_MOST) {
		job->action = NO_ACTION;
		return;
	}
	job->child = &world.jobs[world.jobs_used++];
	job->child->pool = job->pool;
}

/* NULL: there are enough. A child comes behind its parent. */
struct job *new_job(struct pool *pool, enum gate gate)
{
	struct job *job;

	if (world.jobs_used == JOBS_MOST)
		return NULL;
	job = &world.jobs[world.jobs_used++];
	job->pool = pool;
	job->gate = gate;
	choose_action(job);
	return job;
}

bool accepted(struct job *job, int error, struct skua_future *future)
{
	struct pool *pool = job->pool;

	EXPECT(error == (pool->closing ? SKUA_ECLOSED : 0));
	if (error) {
		EXPECT(!future);
		return false;
	}
	job->future = future;
	job->refs = future != NULL;
	job->state = is_plugged(pool) ? PENDING : LOOSE;
	return true;
}

void *value_of(struct job *job)
{
	return job->null_result || job->box ? NULL : job;
}

void told(struct job *job, int error)
{
	bool loose = job->state == LOOSE || job->state == STARTED;

	if (error == SKUA_ETIMEDOUT) {
		EXPECT(loose || job->state == PENDING || job->state == HELD);
		return;
	}
	if (loose)
		job->state = job->fails ? FAILED : DONE;
	switch (job->state) {
	case DONE:
		EXPECT(error == 0);
		break;
	case FAILED:
		EXPECT(error == SKUA_EFAILED);
		break;
	default:
		EXPECT(job->state == CANCELLED && error == SKUA_ECANCELLED);
	}
	EXPECT(skua_future_done(job->future));
	EXPECT(!skua_future_running(job->future));
	EXPECT(skua_future_cancelled(job->future) ==
	       (error == SKUA_ECANCELLED));
	EXPECT(skua_future_code(job->future) ==
	       (job->state == FAILED ? job->fails : 0));
}

/* Children come behind their parents, and are found on the way. */
void drain(struct pool *pool)
{
	for (unsigned i = 0; i < world.jobs_used; i++) {
		struct job *job = &world.jobs[i];
		bool loose = job->state == LOOSE || job->state == STARTED ||
			     job->state == DONE || job->state == FAILED;

		if (job->pool != pool || !loose)
			continue;
		await_end(job);
		if (job->state == LOOSE)
			job->state = STARTED;
		if (job->child && job->child->posted &&
		    job->child->state == NEVER)
			job->child->state = LOOSE;
	}
}

static void unplug(struct pool *pool)
{
	for (unsigned i = 0; i < world.jobs_used; i++) {
		struct job *job = &world.jobs[i];

		if (job->pool == pool && job->state == PENDING)
			job->state = LOOSE;
		if (job->pool == pool)
			job->unmet = false;
	}
}

/* A soft one needs its worker, which a hard one may hold. */
void open_gate(struct job *job)
{
	struct pool *pool = job->pool;

	if (job->state != HELD || (job->gate == SOFT && pool->held))
		return;
	if (job->gate == HARD) {
		unplug(pool);
		pool->held--;
	}
	lock();
	job->self = job->refs ? job->future : NULL;
	if (job->action == DETACH_POOL)
		pool->closing = true;
	job->open = true;
	unlock();
	await_end(job);
	job->state = STARTED;
}

void open_gates(struct pool *pool)
{
	/* The hard ones first. */
	for (int pass = 0; pass < 2; pass++)
		for (unsigned i = 0; i < world.jobs_used; i++)
			if (world.jobs[i].pool == pool)
				open_gate(&world.jobs[i]);
	drain(pool);
}

/* By a shutdown: at once, since a plugged pool does not move. */
void cancel_pending(struct pool *pool)
{
	for (unsigned i = 0; i < world.jobs_used; i++) {
		struct job *job = &world.jobs[i];

		if (job->pool != pool)
			continue;
		if (job->state == PENDING)
			job->state = CANCELLED;
		job->unmet = false;
	}
}
