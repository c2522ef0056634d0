/* SPDX-License-Identifier: MIT */
/*
 * stress_close.c - shutdown against four racing submitters. Each submit is
 * accepted, and then runs or says that it was cancelled, or is refused; the
 * jobs count their runs themselves, tasks of tasks included.
 */
#include "stress.h"

enum {
	SUBMITTERS = 4,
	KEPT = 128
};

static atomic_size_t runs, children_made, arg_drops;
static atomic_uint ready;
static unsigned round_flags;

static void drop_arg(void *arg)
{
	(void)arg;
	atomic_fetch_add(&arg_drops, 1);
}

static void *child(void *arg)
{
	atomic_fetch_add(&runs, 1);
	return arg;
}

SKUA_TASK(long, fib, int, n)
{
	long right;

	if (n < 2)
		return n;
	fib_fork(&here, n - 1);
	right = fib(here, n - 2);
	return fib_join(&here) + right;
}

/* What a task submits during a close that waits is accepted and runs; during
 * one that cancels it may be refused, or cancelled. */
static bool ran(int error)
{
	EXPECT(error == 0 || (round_flags & SKUA_CLOSE_CANCEL));
	EXPECT(error == 0 || error == SKUA_ECLOSED || error == SKUA_ECANCELLED);
	return error == 0;
}

static void submit_child(struct skua_pool *pool)
{
	struct skua_future *future = NULL;

	if (!ran(skua_submit(pool, child, NULL, &future)))
		return;
	if (ran(skua_future_result(future, SKUA_FOREVER, NULL)))
		atomic_fetch_add(&children_made, 1);
	skua_future_release(future);
}

static void *parent(void *kind)
{
	struct skua_pool *pool = skua_pool_current();
	long value = 0;

	atomic_fetch_add(&runs, 1);
	switch ((uintptr_t)kind % 8) {
	case 0:
		submit_child(pool);
		break;
	case 1:
		EXPECT(!ran(fib_run(pool, &value, 8)) || value == 21);
		break;
	case 2:
		EXPECT(skua_sleep(1000) == 0);
		break;
	case 3:
		skua_yield();
		break;
	default:
		break;
	}
	return kind;
}

struct submitter {
	struct skua_pool *pool;
	uint64_t random;
	pthread_t thread;
	size_t accepted, ran, cancelled;
	struct skua_future *kept[KEPT];
};

static void account(struct submitter *me, struct skua_future **slot)
{
	int error;

	if (!*slot)
		return;
	error = skua_future_result(*slot, SKUA_FOREVER, NULL);
	EXPECT(error == 0 || error == SKUA_ECANCELLED);
	EXPECT(skua_future_cancelled(*slot) == (error != 0));
	me->ran += error == 0;
	me->cancelled += error != 0;
	skua_future_release(*slot);
	*slot = NULL;
}

static void *submit_until_refused(void *arg)
{
	struct submitter *me = arg;
	struct skua_submit_options options = SKUA_SUBMIT_OPTIONS;
	int error = 0;

	options.drop_arg = drop_arg;
	atomic_fetch_add(&ready, 1);
	while (error == 0) {
		struct skua_future **slot = &me->kept[me->accepted % KEPT];

		account(me, slot);
		error = skua_submit_with(
			me->pool, parent,
			number(stress_below(&me->random, 1000)), &options,
			slot);
		EXPECT((error == 0) == (*slot != NULL));
		me->accepted += error == 0;
	}
	EXPECT(error == SKUA_ECLOSED);
	for (size_t i = 0; i < KEPT; i++)
		account(me, &me->kept[i]);
	return NULL;
}

static void count_up(struct submitter *all, unsigned flags)
{
	size_t ran = 0, cancelled = 0;

	for (size_t i = 0; i < SUBMITTERS; i++) {
		EXPECT(pthread_join(all[i].thread, NULL) == 0);
		EXPECT(all[i].accepted == all[i].ran + all[i].cancelled);
		ran += all[i].ran;
		cancelled += all[i].cancelled;
	}
	EXPECT((flags & SKUA_CLOSE_CANCEL) || cancelled == 0);
	EXPECT(atomic_load(&runs) == ran + atomic_load(&children_made));
	EXPECT(atomic_load(&arg_drops) == cancelled);
}

static void one_round(uint64_t *random)
{
	static struct submitter all[SUBMITTERS];
	struct skua_pool *pool = stress_open(stress.workers);
	unsigned flags = round_flags = stress_below(random, 4);
	unsigned spins = stress_below(random, 20000);

	memset(all, 0, sizeof(all));
	atomic_store(&runs, 0);
	atomic_store(&children_made, 0);
	atomic_store(&arg_drops, 0);
	atomic_store(&ready, 0);
	for (size_t i = 0; i < SUBMITTERS; i++) {
		all[i].pool = pool;
		all[i].random = stress_random(random) | 1;
		stress_thread(&all[i].thread, submit_until_refused, &all[i]);
	}
	while (atomic_load(&ready) < SUBMITTERS)
		sched_yield();
	for (volatile unsigned i = 0; i < spins; i++)
		continue;
	EXPECT(skua_pool_shutdown(pool, flags) == 0);
	/* A detached end is waited for here, so that the drops are counted. */
	EXPECT(skua_pool_shutdown(pool, SKUA_CLOSE_WAIT) == 0);
	count_up(all, flags);
	skua_pool_release(pool);
}

static void body(void)
{
	uint64_t random = stress_stream(0);
	size_t rounds = stress_rounds(SCALED(300), SCALED(10000));

	for (size_t i = 0; i < rounds; i++)
		one_round(&random);
}

int main(int argc, char *argv[])
{
	return stress_main(argc, argv, body);
}
