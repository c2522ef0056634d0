/* SPDX-License-Identifier: MIT */
/*
 * stress_for.c - many loops at once, from threads and from tasks, of random
 * shape and split, in each other, with bodies that wait and bodies that end
 * their loop. Each iteration is counted exactly; of a loop that was ended,
 * none runs after its return.
 */
#include "users.h"

enum {
	MOST = 20000
};

static struct skua_pool *pool;

struct work {
	uint64_t random; /* of the one who calls the loop */
	uint64_t begin, count;
	uint64_t end_at; /* an iteration, or past the range */
	unsigned waits; /* one of so many iterations; 0: none */
	unsigned depth; /* loops inside */
	atomic_ulong sum; /* of what ran */
	atomic_uint ended;
	atomic_bool over;
};

static void run_loop(skua_here here, uint64_t *random, unsigned depth);

static int do_some(skua_here here, uint64_t begin, uint64_t end, void *context)
{
	struct work *work = context;
	uint64_t sum = 0, random = work->random ^ begin;

	EXPECT(!atomic_load(&work->over));
	EXPECT(begin < end && end - work->begin <= work->count);
	for (uint64_t i = begin; i < end; i++) {
		sum += i - work->begin + 1;
		if (work->waits && i % work->waits == 0)
			skua_yield();
		if (work->depth && i % 1024 == 0) {
			random |= 1;
			run_loop(here, &random, work->depth - 1);
		}
	}
	atomic_fetch_add(&work->sum, sum);
	if (work->end_at < begin || work->end_at >= end)
		return 0;
	atomic_fetch_add(&work->ended, 1);
	return 9;
}

static void plan_loop(struct work *work, uint64_t *random, unsigned depth)
{
	memset(work, 0, sizeof(*work));
	work->random = *random;
	work->depth = depth;
	work->count = stress_below(random, 3) ? stress_below(random, MOST) :
						stress_below(random, 20);
	work->begin = stress_below(random, 2) ? 0 : UINT64_MAX - work->count;
	work->waits = stress_below(random, 4) ? 0 :
						500 + stress_below(random, 50);
	work->end_at = stress_below(random, 4) ?
			       UINT64_MAX :
			       work->begin + stress_below(random, MOST);
}

static void check_loop(struct work *work, int answer)
{
	uint64_t whole = work->count * (work->count + 1) / 2;
	bool ends = work->end_at - work->begin < work->count;

	atomic_store(&work->over, true);
	EXPECT(answer == (ends ? 9 : 0));
	EXPECT(atomic_load(&work->ended) == ends);
	EXPECT(atomic_load(&work->sum) <= whole);
	EXPECT(ends || atomic_load(&work->sum) == whole);
}

static void run_loop(skua_here here, uint64_t *random, unsigned depth)
{
	static const enum skua_split splits[] = { SKUA_SPLIT_LAZY,
						  SKUA_SPLIT_GRAIN,
						  SKUA_SPLIT_STATIC };
	struct skua_for_options options = SKUA_FOR_OPTIONS;
	struct work work;
	int answer;

	plan_loop(&work, random, depth);
	options.split = splits[stress_below(random, 3)];
	if (options.split == SKUA_SPLIT_GRAIN)
		options.grain = 1 + stress_below(random, 300);
	if (here && stress_below(random, 4))
		answer = skua_for_in_with(here, work.begin,
					  work.begin + work.count, do_some,
					  &work, &options);
	else
		answer = skua_for_with(pool, work.begin,
				       work.begin + work.count, do_some, &work,
				       &options);
	check_loop(&work, answer);
}

SKUA_TASK_VOID(in_task, uintptr_t, stream)
{
	uint64_t random = stress_stream(stream);

	for (unsigned i = 0; i < 6; i++)
		run_loop(here, &random, 1 + stress_below(&random, 2));
}

static void *use(void *stream_number)
{
	uintptr_t stream = (uintptr_t)stream_number;
	uint64_t random = stress_stream(stream);

	for (unsigned i = 0; i < 3; i++)
		run_loop(NULL, &random, stress_below(&random, 3));
	EXPECT(in_task_run(pool, stream + 1000) == 0);
	return NULL;
}

static void body(void)
{
	size_t rounds = stress_rounds(SCALED(100), 10000);

	pool = stress_open(stress.workers);
	for (size_t i = 0; i < rounds; i++)
		users_round(pool, i, use);
	stress_close(pool);
}

int main(int argc, char *argv[])
{
	return stress_main(argc, argv, body);
}
