/* SPDX-License-Identifier: MIT */
/*
 * stress_map.c - many maps, streams and ordered queues at once, from threads and
 * from tasks, of random shape, some of them stopped by time or closed early.
 * What is completed is counted exactly, and nothing runs that was said to have
 * been stopped.
 */
#include "users.h"

enum {
	MOST = 300
};

static struct skua_pool *pool;

struct job {
	atomic_uint runs;
	unsigned kind;
};

static void *work(void *arg)
{
	struct job *job = arg;

	atomic_fetch_add(&job->runs, 1);
	if (job->kind % 32 == 0)
		skua_yield();
	return job->kind % 16 == 1 ? skua_fail(6) : job;
}

static struct job *new_jobs(uint64_t *random, size_t count)
{
	struct job *jobs = calloc(count, sizeof(*jobs));

	EXPECT(jobs != NULL);
	for (size_t i = 0; i < count; i++)
		jobs[i].kind = stress_below(random, 1024);
	return jobs;
}

static int64_t some_time(uint64_t *random)
{
	return stress_below(random, 4) ? SKUA_FOREVER :
					 (int64_t)stress_below(random, 200000);
}

/* At the end nothing runs, so that the jobs may be freed. */
static void map_all(uint64_t *random)
{
	size_t count = 1 + stress_below(random, MOST), done = 0, ran = 0;
	struct job *jobs = new_jobs(random, count);
	void *items[MOST], *results[MOST];
	size_t completed = MOST + 1;
	int error;

	for (size_t i = 0; i < count; i++)
		items[i] = &jobs[i];
	error = skua_map(pool, work, items, count, stress_below(random, 20),
			 some_time(random), results, &completed);
	EXPECT(!error || error == SKUA_EFAILED || error == SKUA_ETIMEDOUT);
	for (size_t i = 0; i < count; i++) {
		EXPECT(results[i] == NULL || results[i] == items[i]);
		EXPECT(atomic_load(&jobs[i].runs) <= 1);
		EXPECT(!results[i] || atomic_load(&jobs[i].runs));
		done += results[i] != NULL;
		ran += atomic_load(&jobs[i].runs);
	}
	EXPECT(done == completed && (error || done == count));
	EXPECT(ran == count || error);
	free(jobs);
}

struct source {
	struct job *jobs;
	size_t given, count;
};

static int give(void *context, void **item)
{
	struct source *source = context;

	if (source->given == source->count)
		return 0;
	*item = &source->jobs[source->given++];
	return 1;
}

static void check_answer(struct job *job, int error, void *result, int code)
{
	bool fails = job->kind % 16 == 1;

	if (!error)
		EXPECT(!fails && result == job && code == 0);
	else if (error == SKUA_EFAILED)
		EXPECT(fails && code == 6);
	else
		EXPECT(error == SKUA_ETIMEDOUT);
}

static void stream(uint64_t *random)
{
	size_t count = 1 + stress_below(random, MOST), at = 0;
	size_t stop = stress_below(random, 2 * MOST);
	struct source source = { new_jobs(random, count), 0, count };
	struct skua_map *map;
	int error = 0;

	EXPECT(skua_map_open(&map, pool, work, give, &source,
			     stress_below(random, 8), stress_below(random, 50),
			     some_time(random)) == 0);
	while (at < stop) {
		void *result = NULL;
		int code = 0;

		error = skua_map_next(map, &result, &code);
		if (error == SKUA_ENONE)
			break;
		check_answer(&source.jobs[at++], error, result, code);
	}
	EXPECT(error != SKUA_ENONE || at == source.given);
	skua_map_close(map);
	for (size_t i = 0; i < count; i++)
		EXPECT(atomic_load(&source.jobs[i].runs) <= (i < source.given));
	free(source.jobs);
}

/* Puts what there is room for, and reads when there is none. */
static void queue_up(uint64_t *random)
{
	size_t count = 1 + stress_below(random, MOST), put = 0, read = 0;
	size_t stop = stress_below(random, 2 * MOST);
	struct job *jobs = new_jobs(random, count);
	struct skua_ordered *queue;

	EXPECT(skua_ordered_open(&queue, pool, stress_below(random, 30)) == 0);
	while (read < count && read < stop) {
		void *result = NULL;
		int code = 0, error = SKUA_ETIMEDOUT;

		if (put < count)
			error = skua_ordered_put(queue, work, &jobs[put], 0);
		if (!error) {
			put++;
			continue;
		}
		EXPECT(error == SKUA_ETIMEDOUT);
		error = skua_ordered_next(queue, some_time(random), &result,
					  &code);
		if (error != SKUA_ETIMEDOUT)
			check_answer(&jobs[read++], error, result, code);
	}
	EXPECT(skua_ordered_close(queue) == 0);
	for (size_t i = 0; i < count; i++)
		EXPECT(atomic_load(&jobs[i].runs) <= (i < put) &&
		       atomic_load(&jobs[i].runs) >= (i < read));
	free(jobs);
}

static void *use(void *stream_number)
{
	uint64_t random = stress_stream((uintptr_t)stream_number);

	for (unsigned i = 0; i < 6; i++)
		switch (stress_below(&random, 3)) {
		case 0:
			map_all(&random);
			break;
		case 1:
			stream(&random);
			break;
		default:
			queue_up(&random);
		}
	return NULL;
}

static void body(void)
{
	size_t rounds = stress_rounds(SCALED(300), 20000);

	pool = stress_open(stress.workers);
	for (size_t i = 0; i < rounds; i++)
		users_round(pool, i, use);
	stress_close(pool);
}

int main(int argc, char *argv[])
{
	return stress_main(argc, argv, body);
}
