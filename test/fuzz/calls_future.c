/* SPDX-License-Identifier: MIT */
/* Calls on futures. */
#include <string.h>

#include "fuzz.h"

static bool may_move(const struct job *job)
{
	return job->state == LOOSE || job->state == STARTED;
}

/* Of one that moves each look may be newer than the last. */
static void look_at_moving(struct job *job)
{
	bool done = skua_future_done(job->future);
	void *value;

	EXPECT(!skua_future_cancelled(job->future));
	if (skua_future_running(job->future)) {
		EXPECT(!done);
		job->state = STARTED;
	}
	value = skua_future_value(job->future);
	EXPECT(!value || value == value_of(job));
	if (value)
		job->read = true;
	if (done || value)
		job->state = job->fails ? FAILED : DONE;
}

static void look_at_still(struct job *job)
{
	bool ended = job->state == DONE || job->state == FAILED;
	void *value = skua_future_value(job->future);

	EXPECT(skua_future_done(job->future) ==
	       (ended || job->state == CANCELLED));
	EXPECT(skua_future_running(job->future) == (job->state == HELD));
	EXPECT(skua_future_cancelled(job->future) == (job->state == CANCELLED));
	EXPECT(skua_future_code(job->future) ==
	       (job->state == FAILED ? job->fails : 0));
	EXPECT(value == (ended ? value_of(job) : NULL));
	if (ended)
		job->read = true;
}

void call_look(void)
{
	struct job *job = some_job();

	if (!job)
		return;
	EXPECT(skua_future_arg(job->future) == (job->box ? NULL : job));
	if (may_move(job))
		look_at_moving(job);
	else
		look_at_still(job);
}

/* What it would have to wait for must come by itself. */
static int64_t some_timeout(const struct job *job)
{
	static const int64_t timeouts_ns[] = {
		0,	   1,	      1000,	    50000, SKUA_FOREVER,
		INT64_MIN, INT64_MAX, INT64_MAX / 2
	};
	bool waits = job->state == PENDING || job->state == HELD;

	return timeouts_ns[take(waits ? 4 : 8)];
}

void call_result(void)
{
	struct job *job = some_job();
	bool wanted = coin();
	void *untouched = &world;
	void *result = untouched;
	int64_t timeout_ns;
	int error;

	if (!job)
		return;
	timeout_ns = some_timeout(job);
	error = skua_future_result(job->future, timeout_ns,
				   wanted ? &result : NULL);
	EXPECT(error != SKUA_ETIMEDOUT ||
	       (timeout_ns >= 0 && timeout_ns <= 50000));
	told(job, error);
	if (wanted && !error) {
		EXPECT(result == value_of(job));
		job->read = true;
	} else {
		EXPECT(result == untouched);
	}
}

void call_cancel(void)
{
	struct job *job = some_job();
	int error;

	if (!job)
		return;
	error = skua_future_cancel(job->future);
	EXPECT(error == 0 || error == SKUA_EBUSY);
	switch (job->state) {
	case PENDING:
		EXPECT(error == 0);
		job->state = CANCELLED;
		job->unmet = true;
		break;
	case LOOSE:
		job->state = error ? STARTED : CANCELLED;
		break;
	case CANCELLED:
		EXPECT(error == 0);
		break;
	default:
		EXPECT(error == SKUA_EBUSY);
	}
}

void call_retain(void)
{
	struct job *job = some_job();

	if (!job)
		return;
	EXPECT(skua_future_retain(job->future) == job->future);
	job->refs++;
}

void call_release(void)
{
	struct job *job = some_job();

	if (!job)
		return;
	job->refs--;
	skua_future_release(job->future);
}

/* ---- on nothing at all ---- */

static void call_without_pool(void)
{
	EXPECT(skua_pool_shutdown(NULL, 0) == SKUA_EINVAL);
	EXPECT(skua_pool_close(NULL, 0) == SKUA_EINVAL);
	EXPECT(skua_pool_retain(NULL) == NULL);
	skua_pool_release(NULL);
	EXPECT(skua_pool_trim(NULL) == SKUA_EINVAL);
	EXPECT(skua_pool_workers(NULL) == 0);
	EXPECT(skua_pool_pending(NULL) == 0);
	EXPECT(skua_pool_running(NULL) == 0);
}

static void call_without_future(void)
{
	void *result = &world;

	EXPECT(skua_future_result(NULL, 0, &result) == SKUA_EINVAL);
	EXPECT(result == &world);
	EXPECT(skua_future_cancel(NULL) == SKUA_EINVAL);
	EXPECT(!skua_future_done(NULL));
	EXPECT(!skua_future_running(NULL));
	EXPECT(!skua_future_cancelled(NULL));
	EXPECT(skua_future_value(NULL) == NULL);
	EXPECT(skua_future_arg(NULL) == NULL);
	EXPECT(skua_future_code(NULL) == 0);
	EXPECT(skua_future_retain(NULL) == NULL);
	skua_future_release(NULL);
}

void call_nothing(void)
{
	int error = (int)take(256) - 128;

	call_without_pool();
	call_without_future();
	EXPECT(strlen(skua_strerror(error)) > 0);
	EXPECT(strlen(skua_version()) > 0);
	EXPECT(skua_sleep(-1) == SKUA_EINVAL);
	EXPECT(skua_sleep(take(2)) == 0);
	skua_yield();
	EXPECT((skua_worker() >= 0) == driver_is_task);
	EXPECT((skua_pool_current() != NULL) == driver_is_task);
	if (!driver_is_task)
		EXPECT(skua_fail(1) == NULL);
}
