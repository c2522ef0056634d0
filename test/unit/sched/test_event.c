/* SPDX-License-Identifier: MIT */
/* test_event.c - all who wait are let go, and nobody else. */
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <sys/mman.h>

#include "sync_test.h"

static struct skua_event event;
static size_t payload;

static void *wait_for_it(void *arg)
{
	CHECK(skua_event_wait(&event) == 0);
	CHECK(payload == 1);
	return arg;
}

static void let_all_go(const struct crew *crew)
{
	struct hand hands[CREW_THREADS];

	payload = 0;
	CHECK(skua_event_init(&event) == 0);
	CHECK(!skua_event_is_set(&event));
	for (size_t i = 0; i < CREW_THREADS; i++)
		hands[i] = start(crew, i, wait_for_it, NULL);
	payload = 1;
	CHECK(skua_event_set(&event) == 0);
	CHECK(skua_event_is_set(&event));
	for (size_t i = 0; i < CREW_THREADS; i++)
		finish(hands[i]);
	/* Set, it stays set. */
	CHECK(skua_event_set(&event) == 0);
	crew_run(crew, wait_for_it, NULL, 2);
	CHECK(skua_event_destroy(&event) == 0);
}

Test(event, lets_all_go_who_wait, .timeout = LIMIT)
{
	with_crews(let_all_go);
}

/* --- Set and cleared at once. --- */

/* Somebody waits: that much can be seen from outside. */
static void await_a_waiter(void)
{
	while (skua_event_destroy(&event) == 0)
		give_way();
}

static void pulse(const struct crew *crew)
{
	payload = 1;
	CHECK(skua_event_init(&event) == 0);
	for (size_t i = 0; i < SCALED(2000); i++) {
		struct hand hand = start(crew, i, wait_for_it, NULL);

		await_a_waiter();
		CHECK(skua_event_set(&event) == 0);
		CHECK(skua_event_clear(&event) == 0);
		CHECK(!skua_event_is_set(&event));
		finish(hand);
		CHECK(skua_event_wait_timed(&event, 0) == SKUA_ETIMEDOUT);
	}
	CHECK(skua_event_wait_timed(&event, 1) == SKUA_ETIMEDOUT);
	CHECK(skua_event_destroy(&event) == 0);
}

/* "Python's Event: set() lets those go who wait, whatever comes then" */
Test(event, set_and_cleared_lets_go_who_waited, .timeout = LIMIT)
{
	with_crews(pulse);
}

/* --- Rounds: each waits for all the events in turn. --- */

enum {
	ROUNDS = 50
};

static struct skua_event steps[ROUNDS];
static atomic_size_t passed;

static void *walk(void *arg)
{
	for (size_t i = 0; i < ROUNDS; i++) {
		CHECK(skua_event_wait(&steps[i]) == 0);
		atomic_fetch_add(&passed, 1);
	}
	return arg;
}

static void *lead(void *arg)
{
	for (size_t i = 0; i < ROUNDS; i++) {
		give_way();
		CHECK(skua_event_set(&steps[i]) == 0);
	}
	return arg;
}

static void step(const struct crew *crew)
{
	struct hand leader;
	size_t n;

	memset(steps, 0, sizeof(steps));
	atomic_store(&passed, 0);
	leader = start(crew, 0, lead, NULL);
	n = crew_run(crew, walk, NULL, FIBERS(1000));
	finish(leader);
	CHECK(atomic_load(&passed) == n * ROUNDS);
}

Test(event, a_thousand_walk_from_event_to_event, .timeout = LIMIT)
{
	with_crews(step);
}

/* --- Timeouts. --- */

static atomic_bool stop;

static void *wait_for_a_time(void *arg)
{
	uint64_t random = (uint64_t)(uintptr_t)arg * 33 + 1;

	for (size_t i = 0; i < SCALED(500); i++) {
		int error = skua_event_wait_timed(
			&event, (int64_t)(next_random(&random) % 100000));

		CHECK(error == 0 || error == SKUA_ETIMEDOUT);
	}
	return arg;
}

static void *blink(void *arg)
{
	while (!atomic_load(&stop)) {
		CHECK(skua_event_set(&event) == 0);
		CHECK(skua_event_clear(&event) == 0);
		CHECK(skua_sleep(20000) == 0);
	}
	return arg;
}

static void time_out(const struct crew *crew)
{
	struct hand blinker;

	CHECK(skua_event_init(&event) == 0);
	atomic_store(&stop, false);
	blinker = start(crew, 0, blink, NULL);
	crew_run(crew, wait_for_a_time, number(test_seed()), 40);
	atomic_store(&stop, true);
	finish(blinker);
	CHECK(skua_event_wait_timed(&event, 0) == SKUA_ETIMEDOUT);
	CHECK(skua_event_destroy(&event) == 0);
}

Test(event, leaves_nothing_behind_when_time_runs_out, .timeout = LIMIT)
{
	with_crews(time_out);
}

/* --- Whoever was let go may free it. --- */

static void *set_it(void *arg)
{
	CHECK(skua_event_set(arg) == 0);
	return arg;
}

static void *wait_and_free(void *arg)
{
	CHECK(skua_event_wait(arg) == 0);
	CHECK(skua_event_destroy(arg) == 0);
	memset(arg, 0xff, sizeof(struct skua_event));
	free(arg);
	return NULL;
}

static void freed(const struct crew *crew)
{
	for (size_t i = 0; i < SCALED(1000); i++) {
		struct skua_event *e = calloc(1, sizeof(*e));
		struct hand waiter = start(crew, i, wait_and_free, e);
		struct hand setter = start(crew, i + 2, set_it, e);

		finish(setter);
		finish(waiter);
	}
}

Test(event, may_be_freed_by_whoever_was_let_go, .timeout = LIMIT)
{
	with_crews(freed);
}

/* --- Without a stack to switch to. --- */

enum {
	STACK_BYTES = 32 << 20 /* of this test's pool, and of no other */
};

/* Mappings of that size there are, and may be. */
static atomic_int stacks, most_stacks = INT_MAX;

/* These are in front of the C library's, and of a sanitizer's, which clang
 * links under the other names. Meson has files of 64 bits, so it is mmap64()
 * where there is one. */
void *__interceptor_mmap64(void *at, size_t bytes, int protection, int flags,
			   int file, off_t offset) __attribute__((weak));
int __interceptor_munmap(void *at, size_t bytes) __attribute__((weak));

void *mmap(void *at, size_t bytes, int protection, int flags, int file,
	   off_t offset)
{
	void *(*next)(void *, size_t, int, int, int, off_t) =
		__interceptor_mmap64;

	if (bytes >= STACK_BYTES &&
	    atomic_fetch_add(&stacks, 1) >= atomic_load(&most_stacks)) {
		atomic_fetch_sub(&stacks, 1);
		errno = ENOMEM;
		return MAP_FAILED;
	}
	if (!next)
		*(void **)&next = dlsym(RTLD_NEXT, "mmap64");
	if (!next)
		*(void **)&next = dlsym(RTLD_NEXT, "mmap");
	return next(at, bytes, protection, flags, file, offset);
}

int munmap(void *at, size_t bytes)
{
	int (*next)(void *, size_t) = __interceptor_munmap;

	if (bytes >= STACK_BYTES)
		atomic_fetch_sub(&stacks, 1);
	if (!next)
		*(void **)&next = dlsym(RTLD_NEXT, "munmap");
	return next(at, bytes);
}

static struct skua_mutex mutex;
static struct skua_cond cond, never;
static bool signalled;

/* That there is none is what skua_sleep() says. */
static void *wait_on_the_last_stack(void *arg)
{
	CHECK(skua_sleep(1) == SKUA_ENOMEM);
	CHECK(skua_event_wait_timed(&event, 1000000) == SKUA_ETIMEDOUT);
	CHECK(skua_mutex_lock(&mutex) == 0);
	CHECK(skua_cond_wait_timed(&never, &mutex, 1000000) == SKUA_ETIMEDOUT);
	while (!signalled)
		CHECK(skua_cond_wait(&cond, &mutex) == 0);
	CHECK(skua_mutex_unlock(&mutex) == 0);
	CHECK(skua_event_wait(&event) == 0);
	return arg;
}

/* Promise 6: "a wait without a stack to switch to blocks its worker" */
Test(event, waits_without_a_stack_to_switch_to, .timeout = LIMIT)
{
	struct skua_pool_options options = SKUA_POOL_OPTIONS;
	struct skua_future *future;
	struct skua_pool *pool;

	options.workers = 1;
	options.stack_bytes = STACK_BYTES;
	atomic_store(&stacks, 0);
	atomic_store(&most_stacks, 1);
	cr_assert_eq(skua_pool_open(&pool, &options), 0);
	CHECK(skua_event_init(&event) == 0);
	future = submit(pool, wait_on_the_last_stack, &event);
	while (skua_cond_destroy(&cond) == 0)
		give_way();
	CHECK(skua_mutex_lock(&mutex) == 0);
	signalled = true;
	CHECK(skua_cond_signal(&cond) == 0);
	CHECK(skua_mutex_unlock(&mutex) == 0);
	await_a_waiter();
	CHECK(skua_event_set(&event) == 0);
	CHECK(take(future) == &event);
	CHECK(skua_pool_close(pool, SKUA_CLOSE_WAIT) == 0);
	cr_assert_eq(atomic_load(&stacks), 0);
	atomic_store(&most_stacks, INT_MAX);
	settle(1);
}

Test(event, refuses_null, .timeout = LIMIT)
{
	cr_assert_eq(skua_event_init(NULL), SKUA_EINVAL);
	cr_assert_eq(skua_event_destroy(NULL), SKUA_EINVAL);
	cr_assert_eq(skua_event_set(NULL), SKUA_EINVAL);
	cr_assert_eq(skua_event_clear(NULL), SKUA_EINVAL);
	cr_assert_eq(skua_event_wait(NULL), SKUA_EINVAL);
	cr_assert_eq(skua_event_wait_timed(NULL, 0), SKUA_EINVAL);
	cr_assert(!skua_event_is_set(NULL));
}
