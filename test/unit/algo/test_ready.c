/* SPDX-License-Identifier: MIT */
/*
 * test_ready.c - counts, those who wait for them, and the descriptor: readable
 * exactly while something is ready, no edge is lost, and nobody spins.
 */
#include "ready.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include "../sched/sched_test.h"
#include "deadline.h"

static bool is_readable(int fd)
{
	struct pollfd look = { .fd = fd, .events = POLLIN };

	return poll(&look, 1, 0) == 1 && (look.revents & POLLIN);
}

/* --- Counts. --- */

Test(ready, counts, .timeout = LIMIT)
{
	static struct ski_ready ready;

	cr_assert_eq(ski_ready_look(&ready), SKUA_ENONE);
	cr_assert(!ski_ready_take(&ready));
	cr_assert(ski_ready_add(&ready, 3));
	cr_assert_eq(ski_ready_look(&ready), SKUA_ETIMEDOUT);
	cr_assert(!ski_ready_take(&ready));
	ski_ready_finish(&ready);
	ski_ready_finish(&ready);
	cr_assert_eq(ski_ready_look(&ready), 0);
	cr_assert_eq(ski_ready_count(&ready), 2);
	cr_assert_eq(ski_ready_pending(&ready), 3);
	cr_assert(ski_ready_take(&ready));
	ski_ready_withdraw(&ready, 1);
	cr_assert_eq(ski_ready_pending(&ready), 1);
	cr_assert(ski_ready_take(&ready));
	cr_assert_eq(ski_ready_look(&ready), SKUA_ENONE);
	ski_ready_destroy(&ready);
}

Test(ready, too_many, .timeout = LIMIT)
{
	static struct ski_ready ready;
	size_t most = ((size_t)1 << 29) - 1;

	cr_assert(!ski_ready_add(&ready, most + 1));
	cr_assert(!ski_ready_add(&ready, SIZE_MAX));
	cr_assert(ski_ready_add(&ready, most));
	cr_assert(!ski_ready_add(&ready, 1));
	cr_assert_eq(ski_ready_pending(&ready), most);
	ski_ready_finish(&ready);
	cr_assert_eq(ski_ready_count(&ready), 1);
	cr_assert(ski_ready_take(&ready));
	cr_assert(ski_ready_add(&ready, 1));
	ski_ready_withdraw(&ready, most);
	cr_assert_eq(ski_ready_look(&ready), SKUA_ENONE);
}

/* --- The descriptor. --- */

Test(ready, readable_while_something_is, .timeout = LIMIT)
{
	static struct ski_ready ready;
	int fd = ski_ready_open_fd(&ready);

	cr_assert_geq(fd, 0);
	cr_assert_eq(ski_ready_open_fd(&ready), fd);
	cr_assert(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	cr_assert(!is_readable(fd));
	cr_assert(ski_ready_add(&ready, 2));
	cr_assert(!is_readable(fd));
	for (int i = 0; i < 3; i++) {
		ski_ready_finish(&ready);
		cr_assert(is_readable(fd));
		ski_ready_finish(&ready);
		cr_assert(is_readable(fd));
		cr_assert(ski_ready_take(&ready));
		cr_assert(is_readable(fd));
		cr_assert(ski_ready_take(&ready));
		cr_assert(!is_readable(fd));
		cr_assert(ski_ready_add(&ready, 2));
	}
	ski_ready_destroy(&ready);
	cr_assert_eq(fcntl(fd, F_GETFD), -1);
}

/* Asked for when something is ready already. */
Test(ready, descriptor_comes_late, .timeout = LIMIT)
{
	static struct ski_ready ready;
	int fd;

	cr_assert(ski_ready_add(&ready, 1));
	ski_ready_finish(&ready);
	fd = ski_ready_open_fd(&ready);
	cr_assert(is_readable(fd));
	cr_assert(ski_ready_take(&ready));
	cr_assert(!is_readable(fd));
	ski_ready_destroy(&ready);
}

Test(ready, no_descriptor_to_be_had, .timeout = LIMIT)
{
	static struct ski_ready ready;
	struct rlimit limit, none;

	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = limit;
	none.rlim_cur = 0;
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	cr_assert_eq(ski_ready_open_fd(&ready), SKUA_ENOMEM);
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	cr_assert_geq(ski_ready_open_fd(&ready), 0);
	ski_ready_destroy(&ready);
}

/* --- All at once. --- */

enum {
	ITEMS = SCALED(100000),
	FINISHERS = 2
};

static struct ski_ready shared;
static atomic_size_t taken, finished;

static void *finish_all(void *arg)
{
	for (int i = 0; i < ITEMS; i++) {
		CHECK(ski_ready_add(&shared, 1));
		ski_ready_finish(&shared);
		atomic_fetch_add(&finished, 1);
	}
	return arg;
}

static bool is_not(void *what)
{
	(void)what;
	return false;
}

static void *wait_for_some(void *arg)
{
	while (atomic_load(&taken) < (size_t)FINISHERS * ITEMS) {
		int error = ski_ready_wait(&shared,
					   arg ? ski_deadline_after(20000) : -1,
					   is_not, NULL);

		CHECK(error == 0 || error == SKUA_ENONE ||
		      (arg && error == SKUA_ETIMEDOUT));
		if (!error && ski_ready_take(&shared))
			atomic_fetch_add(&taken, 1);
		else
			sched_yield();
	}
	return arg;
}

static void waiting_body(struct skua_pool *pool, unsigned workers)
{
	struct skua_future *tasks[2];
	pthread_t threads[2], finishers[FINISHERS];
	int fd = ski_ready_open_fd(&shared);

	(void)workers;
	atomic_store(&taken, 0);
	for (uintptr_t i = 0; i < 2; i++) {
		tasks[i] = submit(pool, wait_for_some, number(i));
		CHECK(pthread_create(&threads[i], NULL, wait_for_some,
				     number(i)) == 0);
	}
	for (int i = 0; i < FINISHERS; i++)
		CHECK(pthread_create(&finishers[i], NULL, finish_all, NULL) ==
		      0);
	for (int i = 0; i < FINISHERS; i++)
		CHECK(pthread_join(finishers[i], NULL) == 0);
	for (uintptr_t i = 0; i < 2; i++) {
		CHECK(take(tasks[i]) == number(i));
		CHECK(pthread_join(threads[i], NULL) == 0);
	}
	CHECK(atomic_load(&taken) == (size_t)FINISHERS * ITEMS);
	CHECK(ski_ready_look(&shared) == SKUA_ENONE);
	/* At rest it says what is true. */
	CHECK(!is_readable(fd));
	CHECK(ski_ready_add(&shared, 1));
	ski_ready_finish(&shared);
	CHECK(is_readable(fd));
	CHECK(ski_ready_take(&shared));
	CHECK(!is_readable(fd));
	ski_ready_destroy(&shared);
	shared = (struct ski_ready){ 0 };
}

/* Threads and tasks that wait, with a time limit or without. */
Test(ready, everybody_at_once, .timeout = LIMIT)
{
	with_pools(waiting_body);
}

/* --- Hope. --- */

static atomic_bool hopeless;

static bool is_hopeless(void *what)
{
	return atomic_load((atomic_bool *)what);
}

static void *give_up(void *arg)
{
	CHECK(ski_ready_wait(arg, -1, is_hopeless, &hopeless) ==
	      SKUA_ENOWORKERS);
	return arg;
}

/* It is told to those who sleep and to those who are about to. */
Test(ready, roused, .timeout = LIMIT)
{
	static struct ski_ready ready;

	cr_assert(ski_ready_add(&ready, 1));
	for (int round = 0; round < SCALED(2000) + 10; round++) {
		pthread_t threads[2];

		atomic_store(&hopeless, false);
		for (int i = 0; i < 2; i++)
			CHECK(pthread_create(&threads[i], NULL, give_up,
					     &ready) == 0);
		if (round % 2)
			sched_yield();
		atomic_store(&hopeless, true);
		ski_ready_rouse(&ready);
		for (int i = 0; i < 2; i++)
			CHECK(pthread_join(threads[i], NULL) == 0);
	}
	cr_assert_eq(ski_ready_look(&ready), SKUA_ETIMEDOUT);
	settle(0);
}

/* As an event loop: it sleeps in epoll for ever, so that an edge that is lost is
 * a hang. By level it takes one at each turn: if the descriptor were readable
 * without anything ready, turns would be many more than takes. */
static void event_loop(uint32_t mode)
{
	struct epoll_event event = { .events = EPOLLIN | mode };
	pthread_t finishers[FINISHERS];
	size_t takes = 0, vain = 0;
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	CHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, ski_ready_open_fd(&shared),
			&event) == 0);
	for (int i = 0; i < FINISHERS; i++)
		CHECK(pthread_create(&finishers[i], NULL, finish_all, NULL) ==
		      0);
	while (takes < (size_t)FINISHERS * ITEMS) {
		size_t before = takes;

		CHECK(epoll_wait(epoll, &event, 1, -1) == 1);
		while (ski_ready_take(&shared)) {
			takes++;
			if (!mode)
				break;
		}
		vain += takes == before;
	}
	for (int i = 0; i < FINISHERS; i++)
		CHECK(pthread_join(finishers[i], NULL) == 0);
	CHECK(epoll_wait(epoll, &event, 1, 0) == 0);
	/* While another is about to take it back, it may be readable for
	 * nothing: once for each time that this happens, not on and on. */
	cr_assert_leq(vain, takes);
	close(epoll);
	ski_ready_destroy(&shared);
	shared = (struct ski_ready){ 0 };
	settle(0);
}

Test(ready, event_loop_by_level, .timeout = LIMIT)
{
	event_loop(0);
}

Test(ready, event_loop_by_edge, .timeout = LIMIT)
{
	event_loop(EPOLLET);
}

/* One at a time: each edge is one item, and the loop sleeps between them. */
Test(ready, each_edge_is_one, .timeout = LIMIT)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	static struct ski_ready ready;

	CHECK(epoll_ctl(epoll, EPOLL_CTL_ADD, ski_ready_open_fd(&ready),
			&event) == 0);
	for (int i = 0; i < 1000; i++) {
		cr_assert(ski_ready_add(&ready, 1));
		cr_assert_eq(epoll_wait(epoll, &event, 1, 0), 0);
		ski_ready_finish(&ready);
		cr_assert_eq(epoll_wait(epoll, &event, 1, 0), 1);
		cr_assert_eq(epoll_wait(epoll, &event, 1, 0), 0);
		cr_assert(ski_ready_take(&ready));
		cr_assert_eq(epoll_wait(epoll, &event, 1, 0), 0);
	}
	close(epoll);
	ski_ready_destroy(&ready);
	settle(0);
}
