/* SPDX-License-Identifier: MIT */
/* Calls that give a pool something to do. */
#include <string.h>

#include "fuzz.h"

void call_submit(void)
{
	struct pool *pool = some_pool();
	struct job *job = pool ? new_job(pool, NO_GATE) : NULL;
	struct skua_future *future = NULL;
	bool wanted = take(4);
	int error;

	if (!job)
		return;
	error = skua_submit(pool->handle, run_job, job,
			    wanted ? &future : NULL);
	EXPECT((future != NULL) == (wanted && !error));
	accepted(job, error, future);
}

void call_post(void)
{
	struct pool *pool = some_pool();
	struct job *job = pool ? new_job(pool, NO_GATE) : NULL;

	if (job)
		accepted(job, skua_post(pool->handle, run_post, job), NULL);
}

/* All of them, or none. */
void call_submit_many(void)
{
	struct pool *pool = some_pool();
	struct skua_future *futures[40] = { NULL };
	struct job *jobs[40];
	void *args[40];
	bool wanted = take(4);
	unsigned count = 0;
	unsigned want = take(40);
	int error;

	while (pool && count < want) {
		struct job *job = new_job(pool, NO_GATE);

		if (!job)
			break;
		jobs[count] = job;
		args[count++] = job;
	}
	if (!pool)
		return;
	error = skua_submit_many(pool->handle, run_job, count ? args : NULL,
				 count, wanted ? futures : NULL);
	if (!count)
		EXPECT(error == (pool->closing ? SKUA_ECLOSED : 0));
	for (unsigned i = 0; i < count; i++)
		accepted(jobs[i], error, futures[i]);
	EXPECT(!futures[count]);
}

/* ---- with options ---- */

union box {
	struct skua_submit_options options;
	unsigned char bytes[8192];
};

static void choose_size(union box *box)
{
	size_t whole = sizeof(box->options);

	switch (take(4)) {
	case 0:
		box->options.size = take((unsigned)sizeof(size_t));
		break;
	case 1:
		box->options.size = 4097 + take(200) * 20;
		break;
	case 2:
		/* Between fields: half a pointer is none. */
		box->options.size = 8 * (1 + take(5));
		break;
	default:
		box->options.size = whole + take(256) * 15;
		box->bytes[whole + take(256)] = (unsigned char)take(2);
	}
}

/* What the library must take them for: SKUA_EINVAL, or 0 and *@read. */
static int read_options(struct skua_submit_options *read, const union box *box)
{
	size_t size = box->options.size;

	if (size < sizeof(size) || size > 4096)
		return SKUA_EINVAL;
	for (size_t i = sizeof(*read); i < size; i++)
		if (box->bytes[i])
			return SKUA_EINVAL;
	memcpy(read, box, size < sizeof(*read) ? size : sizeof(*read));
	return 0;
}

void call_submit_with(void)
{
	static union box box;
	struct skua_submit_options read = SKUA_SUBMIT_OPTIONS;
	struct pool *pool = some_pool();
	struct job *job = pool ? new_job(pool, NO_GATE) : NULL;
	struct skua_future *future = NULL;
	bool defaults = !take(16);
	int invalid;
	int error;

	if (!job)
		return;
	memset(&box, 0, sizeof(box));
	box.options = read;
	box.options.drop_arg = take(4) ? drop_arg : NULL;
	box.options.drop_result = take(4) ? drop_result : NULL;
	box.options.name = coin() ? "fuzz" : NULL;
	if (!take(4))
		choose_size(&box);
	invalid = defaults ? 0 : read_options(&read, &box);
	job->drops_arg = read.drop_arg;
	job->drops_result = read.drop_result;
	error = skua_submit_with(pool->handle, run_job, job,
				 defaults ? NULL : &box.options,
				 take(4) ? &future : NULL);
	if (invalid)
		EXPECT(error == SKUA_EINVAL && !future);
	else
		accepted(job, error, future);
}

/* ---- gates ---- */

/* Where no worker is free it could not be told when it begins: it is not
 * gated then. Before a worker is taken away, what might need it has run. */
void call_gate(void)
{
	struct pool *pool = some_pool();
	enum gate gate = coin() ? SOFT : HARD;
	struct skua_future *future = NULL;
	struct job *job;
	int error;

	if (!pool)
		return;
	if (is_plugged(pool))
		gate = NO_GATE;
	job = new_job(pool, gate);
	if (!job)
		return;
	drain(pool);
	error = skua_submit(pool->handle, run_job, job, &future);
	if (!accepted(job, error, future) || gate == NO_GATE)
		return;
	EXPECT(future);
	await(&job->started);
	job->state = HELD;
	pool->held += gate == HARD;
}

void call_open_gate(void)
{
	unsigned first = take(256);

	for (unsigned i = 0; i < world.jobs_used; i++) {
		struct job *job = &world.jobs[(first + i) % world.jobs_used];

		if (job->state == HELD) {
			open_gate(job);
			return;
		}
	}
}

/* ---- what is refused ---- */

void call_bad_submit(void)
{
	struct pool *pool = some_pool();
	struct skua_pool *handle = pool ? pool->handle : NULL;
	struct skua_future *future = NULL;
	void *args[1] = { NULL };
	size_t too_many = coin() ? SIZE_MAX : SIZE_MAX / 64 + 1;
	int error;

	EXPECT(skua_submit(NULL, run_job, NULL, &future) == SKUA_EINVAL);
	EXPECT(skua_submit(handle, NULL, NULL, &future) == SKUA_EINVAL);
	EXPECT(skua_post(NULL, run_post, NULL) == SKUA_EINVAL);
	EXPECT(skua_post(handle, NULL, NULL) == SKUA_EINVAL);
	EXPECT(skua_submit_with(NULL, run_job, NULL, NULL, &future) ==
	       SKUA_EINVAL);
	EXPECT(skua_submit_with(handle, NULL, NULL, NULL, &future) ==
	       SKUA_EINVAL);
	EXPECT(skua_submit_many(NULL, run_job, args, 1, &future) ==
	       SKUA_EINVAL);
	EXPECT(skua_submit_many(handle, NULL, args, 1, &future) == SKUA_EINVAL);
	EXPECT(skua_submit_many(handle, run_job, NULL, 1, &future) ==
	       SKUA_EINVAL);
	if (pool) {
		error = skua_submit_many(handle, run_job, args, too_many,
					 &future);
		EXPECT(error == (pool->closing ? SKUA_ECLOSED :
				 pool->bounded ? SKUA_EFULL :
						 SKUA_ENOMEM));
	}
	EXPECT(!future);
}
