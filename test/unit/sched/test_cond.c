/* SPDX-License-Identifier: MIT */
/*
 * test_cond.c - no signal is lost or stolen, a broadcast reaches everybody,
 * timeouts leave nothing behind.
 */
#include "sync_test.h"

static struct skua_mutex mutex;
static struct skua_cond cond, other_cond;

static void lock(void)
{
	CHECK(skua_mutex_lock(&mutex) == 0);
}

static void unlock(void)
{
	CHECK(skua_mutex_unlock(&mutex) == 0);
}

static void all_unused(void)
{
	CHECK(skua_mutex_destroy(&mutex) == 0);
	CHECK(skua_cond_destroy(&cond) == 0);
	CHECK(skua_cond_destroy(&other_cond) == 0);
}

/* --- A bounded buffer: a lost or stolen signal hangs it. --- */

enum {
	ROOM = 2
};

static size_t buffered, put_in, got_out;
static bool timed;

static void wait_on(struct skua_cond *c, uint64_t *random)
{
	int error;

	if (timed && next_random(random) % 2) {
		error = skua_cond_wait_timed(
			c, &mutex, (int64_t)(next_random(random) % 100000));
		CHECK(error == 0 || error == SKUA_ETIMEDOUT);
	} else {
		CHECK(skua_cond_wait(c, &mutex) == 0);
	}
}

static void *produce(void *arg)
{
	uint64_t random = (uint64_t)(uintptr_t)arg * 5 + 1;

	for (size_t i = 0; i < SCALED(2000); i++) {
		lock();
		while (buffered == ROOM)
			wait_on(&other_cond, &random);
		buffered++;
		put_in++;
		if (i % 2)
			CHECK(skua_cond_signal(&cond) == 0);
		unlock();
		if (i % 2 == 0)
			CHECK(skua_cond_signal(&cond) == 0);
	}
	return arg;
}

static void *consume(void *arg)
{
	uint64_t random = (uint64_t)(uintptr_t)arg * 7 + 1;

	for (size_t i = 0; i < SCALED(2000); i++) {
		lock();
		while (!buffered)
			wait_on(&cond, &random);
		buffered--;
		got_out++;
		CHECK(skua_cond_signal(&other_cond) == 0);
		unlock();
	}
	return arg;
}

static void buffer(const struct crew *crew)
{
	struct hand hands[16];

	buffered = put_in = got_out = 0;
	for (size_t i = 0; i < 8; i++) {
		hands[2 * i] = start(crew, i, produce, number(i));
		hands[2 * i + 1] = start(crew, i + 2, consume, number(i));
	}
	for (size_t i = 0; i < 16; i++)
		finish(hands[i]);
	CHECK(buffered == 0 && put_in == 8 * SCALED(2000) && got_out == put_in);
	all_unused();
}

Test(cond, no_signal_is_lost_or_stolen, .timeout = LIMIT)
{
	timed = false;
	with_crews(buffer);
}

Test(cond, no_signal_is_lost_to_a_timeout, .timeout = LIMIT)
{
	timed = true;
	with_crews(buffer);
}

/* --- A broadcast reaches all of them, and one at a time has the mutex. --- */

static size_t round_number, waiting, inside;

static void *wait_for_rounds(void *arg)
{
	for (size_t i = 1; i <= 20; i++) {
		lock();
		waiting++;
		while (round_number < i)
			CHECK(skua_cond_wait(&cond, &mutex) == 0);
		CHECK(inside++ == 0);
		if (i % 4 == 0)
			give_way();
		CHECK(--inside == 0);
		unlock();
	}
	return arg;
}

static void broadcasts(const struct crew *crew, bool locked)
{
	static struct hand hands[CREW_MOST];
	size_t n = crew->threads ? CREW_THREADS : FIBERS(CREW_MOST);

	round_number = waiting = inside = 0;
	for (size_t i = 0; i < n; i++)
		hands[i] = start(crew, i, wait_for_rounds, NULL);
	for (size_t i = 1; i <= 20; i++) {
		lock();
		while (waiting < i * n) {
			unlock();
			give_way();
			lock();
		}
		round_number = i;
		if (locked)
			CHECK(skua_cond_broadcast(&cond) == 0);
		unlock();
		if (!locked)
			CHECK(skua_cond_broadcast(&cond) == 0);
	}
	for (size_t i = 0; i < n; i++)
		finish(hands[i]);
	all_unused();
}

static void broadcast_both(const struct crew *crew)
{
	broadcasts(crew, true);
	broadcasts(crew, false);
}

Test(cond, a_broadcast_reaches_everybody, .timeout = LIMIT)
{
	with_crews(broadcast_both);
}

/* --- One signal lets one go. --- */

static size_t gone;

static void *go_when_signalled(void *arg)
{
	lock();
	waiting++;
	CHECK(skua_cond_wait(&cond, &mutex) == 0);
	gone++;
	CHECK(skua_cond_signal(&other_cond) == 0);
	unlock();
	return arg;
}

static void one_by_one(const struct crew *crew)
{
	struct hand hands[10];

	waiting = gone = 0;
	for (size_t i = 0; i < 10; i++)
		hands[i] = start(crew, i, go_when_signalled, NULL);
	lock();
	while (waiting < 10) {
		unlock();
		give_way();
		lock();
	}
	for (size_t i = 0; i < 10; i++) {
		CHECK(gone == i);
		CHECK(skua_cond_signal(&cond) == 0);
		while (gone == i)
			CHECK(skua_cond_wait(&other_cond, &mutex) == 0);
		CHECK(skua_cond_wait_timed(&other_cond, &mutex, 10000) ==
		      SKUA_ETIMEDOUT);
	}
	unlock();
	for (size_t i = 0; i < 10; i++)
		finish(hands[i]);
	all_unused();
}

Test(cond, one_signal_lets_one_go, .timeout = LIMIT)
{
	with_crews(one_by_one);
}

/* --- It may go after a broadcast. --- */

struct element {
	struct skua_cond gone;
	bool removed;
};

static struct element *element;
static size_t in_use;

static void *wait_for_removal(void *arg)
{
	lock();
	in_use++;
	while (element && !element->removed)
		CHECK(skua_cond_wait(&element->gone, &mutex) == 0);
	in_use--;
	unlock();
	return arg;
}

static void removed(const struct crew *crew)
{
	for (size_t i = 0; i < SCALED(400); i++) {
		struct hand hands[4];

		element = calloc(1, sizeof(*element));
		for (size_t k = 0; k < 4; k++)
			hands[k] = start(crew, i + k, wait_for_removal, NULL);
		if (i % 2)
			give_way();
		lock();
		element->removed = true;
		CHECK(skua_cond_broadcast(&element->gone) == 0);
		CHECK(skua_cond_destroy(&element->gone) == 0);
		memset(element, 0xff, sizeof(*element));
		free(element);
		element = NULL;
		unlock();
		for (size_t k = 0; k < 4; k++)
			finish(hands[k]);
		CHECK(in_use == 0);
	}
	CHECK(skua_mutex_destroy(&mutex) == 0);
}

/* "It shall be safe to destroy a condition variable upon which no threads are
 * currently blocked": POSIX gives this example. */
Test(cond, may_go_right_after_a_broadcast, .timeout = LIMIT)
{
	with_crews(removed);
}

/* --- Errors. --- */

static void *not_mine(void *arg)
{
	CHECK(skua_cond_wait(&cond, &mutex) == SKUA_EINVAL);
	CHECK(skua_cond_wait_timed(&cond, &mutex, 1) == SKUA_EINVAL);
	return arg;
}

static void owners(const struct crew *crew)
{
	crew_run(crew, not_mine, NULL, 1);
	lock();
	crew_run(crew, not_mine, NULL, 4);
	for (int64_t ns = 0; ns < 100000; ns = ns * 10 + 1) {
		CHECK(skua_cond_wait_timed(&cond, &mutex, ns) ==
		      SKUA_ETIMEDOUT);
		CHECK(skua_mutex_lock(&mutex) == SKUA_EDEADLK);
	}
	unlock();
	all_unused();
}

Test(cond, wants_the_mutex_of_its_caller, .timeout = LIMIT)
{
	with_crews(owners);
}

Test(cond, refuses_null, .timeout = LIMIT)
{
	cr_assert_eq(skua_cond_init(NULL), SKUA_EINVAL);
	cr_assert_eq(skua_cond_destroy(NULL), SKUA_EINVAL);
	cr_assert_eq(skua_cond_signal(NULL), SKUA_EINVAL);
	cr_assert_eq(skua_cond_broadcast(NULL), SKUA_EINVAL);
	cr_assert_eq(skua_cond_wait(NULL, &mutex), SKUA_EINVAL);
	cr_assert_eq(skua_cond_wait(&cond, NULL), SKUA_EINVAL);
	cr_assert_eq(skua_cond_signal(&cond), 0);
	cr_assert_eq(skua_cond_broadcast(&cond), 0);
	cr_assert_eq(skua_cond_destroy(&cond), 0);
}
