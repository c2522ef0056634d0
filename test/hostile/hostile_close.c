/* SPDX-License-Identifier: MIT */
/*
 * hostile_close.c - ten thousand pools, each shut down under four submitters
 * that go on from pool to pool. Each submit is accepted, and then runs or is
 * cancelled, or is refused; the counts are exact.
 */
#include "stress.h"

enum {
	SUBMITTERS = 4,
	KEPT = 16
};

/* Where a round is slow, enough to see. */
#if defined(UNDER_TSAN) || defined(UNDER_ASAN)
enum {
	ROUNDS = 300
};
#else
enum {
	ROUNDS = 10000
};
#endif

static struct skua_pool *pool;
static pthread_barrier_t barrier;
static atomic_size_t runs, drops;
static bool over;

static void *count_run(void *arg)
{
	atomic_fetch_add(&runs, 1);
	return arg;
}

static void count_drop(void *arg)
{
	(void)arg;
	atomic_fetch_add(&drops, 1);
}

struct submitter {
	pthread_t thread;
	size_t accepted, cancelled;
};

/* Of the last few, whose futures were kept, each says what became of it. */
static size_t count_cancelled(struct skua_future *kept[], size_t count)
{
	size_t cancelled = 0;

	for (size_t i = 0; i < count; i++) {
		int error = skua_future_result(kept[i], SKUA_FOREVER, NULL);

		EXPECT(error == 0 || error == SKUA_ECANCELLED);
		EXPECT(skua_future_cancelled(kept[i]) == (error != 0));
		cancelled += error != 0;
		skua_future_release(kept[i]);
	}
	return cancelled;
}

static void submit_until_refused(struct submitter *me)
{
	struct skua_submit_options options = SKUA_SUBMIT_OPTIONS;
	struct skua_future *kept[KEPT];
	size_t count = 0;
	int error = 0;

	options.drop_arg = count_drop;
	while (!error) {
		bool keep = count < KEPT;

		error = skua_submit_with(pool, count_run, NULL, &options,
					 keep ? &kept[count] : NULL);
		me->accepted += !error;
		count += !error && keep;
		/* Rounds are to be many rather than long. */
		if (count == KEPT)
			sched_yield();
	}
	EXPECT(error == SKUA_ECLOSED);
	me->cancelled += count_cancelled(kept, count);
}

static void *submitter_main(void *arg)
{
	for (;;) {
		pthread_barrier_wait(&barrier);
		if (over)
			return NULL;
		submit_until_refused(arg);
		pthread_barrier_wait(&barrier);
	}
}

static void one_round(struct submitter *all, uint64_t *random)
{
	unsigned flags = stress_below(random, 4);
	unsigned spins = stress_below(random, 2000);
	size_t accepted = 0, cancelled = 0;

	atomic_store(&runs, 0);
	atomic_store(&drops, 0);
	pool = stress_open(stress.workers);
	pthread_barrier_wait(&barrier);
	for (volatile unsigned i = 0; i < spins; i++)
		continue;
	EXPECT(skua_pool_shutdown(pool, flags) == 0);
	EXPECT(skua_pool_shutdown(pool, SKUA_CLOSE_WAIT) == 0);
	pthread_barrier_wait(&barrier);
	skua_pool_release(pool);
	for (size_t i = 0; i < SUBMITTERS; i++) {
		accepted += all[i].accepted;
		cancelled += all[i].cancelled;
		all[i].accepted = all[i].cancelled = 0;
	}
	EXPECT(atomic_load(&runs) + atomic_load(&drops) == accepted);
	EXPECT(cancelled <= atomic_load(&drops));
	EXPECT((flags & SKUA_CLOSE_CANCEL) || atomic_load(&drops) == 0);
}

static void body(void)
{
	static struct submitter all[SUBMITTERS];
	size_t rounds = stress_rounds(ROUNDS, 10 * ROUNDS);
	uint64_t random = stress_stream(0);

	over = false;
	EXPECT(pthread_barrier_init(&barrier, NULL, SUBMITTERS + 1) == 0);
	for (size_t i = 0; i < SUBMITTERS; i++)
		stress_thread(&all[i].thread, submitter_main, &all[i]);
	for (size_t i = 0; i < rounds; i++)
		one_round(all, &random);
	over = true;
	pthread_barrier_wait(&barrier);
	for (size_t i = 0; i < SUBMITTERS; i++)
		EXPECT(pthread_join(all[i].thread, NULL) == 0);
	pthread_barrier_destroy(&barrier);
}

int main(int argc, char *argv[])
{
	return stress_main(argc, argv, body);
}
