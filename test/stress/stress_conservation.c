/* SPDX-License-Identifier: MIT */
/*
 * stress_conservation.c - futures are conserved. Each is submitted by one
 * thread and then waited for, timed out on, cancelled, read, called back,
 * retained and released by several at once; at the end each job ran or had its
 * argument dropped, each that ran had its result read or dropped, and each
 * callback was called, exactly once.
 */
#include "stress.h"

enum {
	HANDLERS = 4,
	BATCH = SCALED(2000)
};

struct parcel {
	struct skua_future *future;
	unsigned kind;
	atomic_uint runs, arg_drops, result_drops, reads, cancels;
	atomic_uint callbacks, calls;
};

static struct parcel parcels[BATCH];
static struct skua_pool *pool;

static void *handle(void *arg)
{
	struct parcel *parcel = arg;

	atomic_fetch_add(&parcel->runs, 1);
	if (parcel->kind % 16 == 1)
		skua_yield();
	if (parcel->kind % 16 == 2)
		return skua_fail(7);
	if (parcel->kind % 16 == 3)
		(void)skua_fail(8);
	return parcel;
}

static void drop_arg(void *arg)
{
	atomic_fetch_add(&((struct parcel *)arg)->arg_drops, 1);
}

static void drop_result(void *result)
{
	atomic_fetch_add(&((struct parcel *)result)->result_drops, 1);
}

static void call_back(struct skua_future *future, void *arg)
{
	struct parcel *parcel = arg;

	EXPECT(future == parcel->future && skua_future_done(future));
	atomic_fetch_add(&parcel->calls, 1);
	if (parcel->kind % 16 == 4)
		skua_yield();
}

static void check_result(struct parcel *parcel, int error, const void *result)
{
	switch (error) {
	case 0:
		EXPECT(result == parcel);
		EXPECT(parcel->kind % 16 != 2 && parcel->kind % 16 != 3);
		atomic_fetch_add(&parcel->reads, 1);
		break;
	case SKUA_EFAILED:
		EXPECT(result == NULL);
		EXPECT(skua_future_code(parcel->future) ==
		       (parcel->kind % 16 == 2 ? 7 : 8));
		break;
	case SKUA_ECANCELLED:
		EXPECT(result == NULL);
		EXPECT(skua_future_cancelled(parcel->future));
		break;
	default:
		EXPECT(error == SKUA_ETIMEDOUT);
		EXPECT(result == NULL);
	}
}

/* One act of one of those who have a reference; it ends with its release. */
static void act(struct parcel *parcel, uint64_t *random)
{
	void *result = NULL;
	int error;

	switch (stress_below(random, 7)) {
	case 0:
		error = skua_future_cancel(parcel->future);
		EXPECT(error == 0 || error == SKUA_EBUSY);
		EXPECT((error == 0) == skua_future_cancelled(parcel->future));
		atomic_fetch_add(&parcel->cancels, error == 0);
		break;
	case 1:
		error = skua_future_result(parcel->future, 5000, &result);
		check_result(parcel, error, result);
		break;
	case 2:
		error = skua_future_result(parcel->future, SKUA_FOREVER, NULL);
		EXPECT(error != SKUA_ETIMEDOUT);
		break;
	case 3:
		error = skua_future_result(parcel->future, SKUA_FOREVER,
					   &result);
		EXPECT(error != SKUA_ETIMEDOUT);
		check_result(parcel, error, result);
		break;
	case 4:
		skua_future_release(skua_future_retain(parcel->future));
		break;
	case 5:
		EXPECT(skua_future_on_done(parcel->future, call_back, parcel) ==
		       0);
		atomic_fetch_add(&parcel->callbacks, 1);
		break;
	default:
		break;
	}
	skua_future_release(parcel->future);
}

static void *handler(void *stream)
{
	uint64_t random = stress_stream((uintptr_t)stream);

	for (size_t i = 0; i < BATCH; i++)
		act(&parcels[i], &random);
	return NULL;
}

/* Each parcel is ours and that of every handler. */
static void submit_all(uint64_t *random)
{
	struct skua_submit_options options = SKUA_SUBMIT_OPTIONS;

	options.drop_arg = drop_arg;
	options.drop_result = drop_result;
	for (size_t i = 0; i < BATCH; i++) {
		struct parcel *parcel = &parcels[i];

		memset(parcel, 0, sizeof(*parcel));
		parcel->kind = stress_below(random, 1024);
		EXPECT(skua_submit_with(pool, handle, parcel, &options,
					&parcel->future) == 0);
		for (size_t k = 0; k < HANDLERS; k++)
			EXPECT(skua_future_retain(parcel->future) ==
			       parcel->future);
	}
}

static void is_conserved(const struct parcel *parcel)
{
	unsigned runs = atomic_load(&parcel->runs);
	unsigned reads = atomic_load(&parcel->reads);
	unsigned drops = atomic_load(&parcel->result_drops);

	EXPECT(runs + atomic_load(&parcel->arg_drops) == 1);
	EXPECT(atomic_load(&parcel->calls) == atomic_load(&parcel->callbacks));
	EXPECT(runs == 0 || atomic_load(&parcel->cancels) == 0);
	EXPECT(runs == 1 || atomic_load(&parcel->cancels) >= 1);
	/* A failed task that returned NULL has nothing to drop. */
	if (runs == 0 || parcel->kind % 16 == 2)
		EXPECT(drops == 0 && reads == 0);
	else
		EXPECT(reads ? drops == 0 : drops == 1);
}

static void one_round(uint64_t *random, size_t round)
{
	pthread_t threads[HANDLERS / 2];
	struct skua_future *tasks[HANDLERS / 2];

	pool = stress_open(stress.workers);
	submit_all(random);
	for (size_t i = 0; i < HANDLERS / 2; i++) {
		stress_thread(&threads[i], handler,
			      number(1 + round * HANDLERS + 2 * i));
		tasks[i] = stress_submit(pool, handler,
					 number(2 + round * HANDLERS + 2 * i));
	}
	for (size_t i = 0; i < BATCH; i++)
		skua_future_release(parcels[i].future);
	for (size_t i = 0; i < HANDLERS / 2; i++) {
		EXPECT(pthread_join(threads[i], NULL) == 0);
		EXPECT(stress_take(tasks[i]) == NULL);
	}
	stress_close(pool);
	for (size_t i = 0; i < BATCH; i++)
		is_conserved(&parcels[i]);
}

static void body(void)
{
	uint64_t random = stress_stream(0);
	size_t rounds = stress_rounds(30, 3000);

	for (size_t i = 0; i < rounds; i++)
		one_round(&random, i);
}

int main(int argc, char *argv[])
{
	return stress_main(argc, argv, body);
}
