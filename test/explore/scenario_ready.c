/* SPDX-License-Identifier: MIT */
/*
 * The counts of lib/algo/ready.c: one who waits against those who finish, take
 * and rouse; and who is at the descriptor. A lost wake-up is a hang.
 *
 * The event is one that lets go only who looks while it is set: less than the
 * library's promises. The descriptor is a plain variable: two at once are a race.
 */
#include "hooks.h"

#include <skua/sync.h>

#include "ready.c"

static struct {
	struct ski_ready ready;
	int payload;
	int readable;
	_Atomic(uint32_t) edges; /* times that it was made readable */
	_Atomic(bool) hopeless;
	unsigned taken[EX_THREADS];
} s;

static _Atomic(uint32_t) *word_of(struct skua_event *event)
{
	return (_Atomic(uint32_t) *)(void *)event;
}

int skua_event_set(struct skua_event *event)
{
	/* Release, and an RMW: as the library's. */
	atomic_exchange_explicit(word_of(event), 1, memory_order_acq_rel);
	ski_futex_wake(word_of(event), EX_THREADS);
	return 0;
}

int skua_event_clear(struct skua_event *event)
{
	atomic_fetch_and_explicit(word_of(event), 0, memory_order_relaxed);
	return 0;
}

int skua_event_wait_timed(struct skua_event *event, int64_t timeout_ns)
{
	while (!atomic_load_explicit(word_of(event), memory_order_acquire))
		ski_futex_wait(word_of(event), 0, timeout_ns);
	return 0;
}

int ski_ready_fd_open(struct ski_ready_fd *fd)
{
	*fd = (struct ski_ready_fd){ 1, 1 };
	return 0;
}

void ski_ready_fd_close(struct ski_ready_fd fd)
{
	(void)fd;
}

void ski_ready_fd_raise(struct ski_ready_fd fd)
{
	(void)fd;
	ex_assert(!s.readable);
	s.readable = 1;
	/* As the kernel: what was done before is seen by who is told. */
	atomic_fetch_add_explicit(&s.edges, 1, memory_order_acq_rel);
	ski_futex_wake(&s.edges, EX_THREADS);
}

void ski_ready_fd_lower(struct ski_ready_fd fd)
{
	(void)fd;
	ex_assert(s.readable);
	s.readable = 0;
}

static bool is_hopeless(void *what)
{
	(void)what;
	return atomic_load_explicit(&s.hopeless, memory_order_relaxed);
}

static void setup_one(void)
{
	ex_assert(ski_ready_add(&s.ready, 1));
}

static void setup_two(void)
{
	ex_assert(ski_ready_add(&s.ready, 2));
}

static void setup_fd(void)
{
	setup_two();
	ex_assert(ski_ready_open_fd(&s.ready) == 1);
}

static void finish(void)
{
	s.payload = 1;
	ski_ready_finish(&s.ready);
}

static void finish_bare(void)
{
	ski_ready_finish(&s.ready);
}

static void finish_twice(void)
{
	finish_bare();
	finish_bare();
}

/* One, unless others take all. */
static void wait_and_take(void)
{
	while (ski_ready_wait(&s.ready, -1, is_hopeless, NULL) == 0)
		if (ski_ready_take(&s.ready)) {
			s.taken[ex_self()]++;
			return;
		}
}

static void wait_for_payload(void)
{
	wait_and_take();
	ex_assert(s.payload == 1);
}

static void take_some(void)
{
	s.taken[ex_self()] += ski_ready_take(&s.ready);
	s.taken[ex_self()] += ski_ready_take(&s.ready);
}

/* An event loop: sleeps until there is an edge that it has not seen, and then
 * takes all that is ready. */
static void loop_by_edge(void)
{
	uint32_t seen = 0, edges;

	while (s.taken[ex_self()] < 2) {
		while ((edges = atomic_load_explicit(
				&s.edges, memory_order_acquire)) == seen)
			ski_futex_wait(&s.edges, seen, -1);
		seen = edges;
		while (ski_ready_take(&s.ready))
			s.taken[ex_self()]++;
	}
}

static void withdraw(void)
{
	ski_ready_withdraw(&s.ready, 1);
}

static void open_late(void)
{
	ex_assert(ski_ready_open_fd(&s.ready) == 1);
}

static void lose_hope(void)
{
	atomic_store_explicit(&s.hopeless, true, memory_order_relaxed);
	ski_ready_rouse(&s.ready);
}

static void give_up(void)
{
	ex_assert(ski_ready_wait(&s.ready, -1, is_hopeless, NULL) ==
		  SKUA_ENOWORKERS);
}

static unsigned all_taken(void)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < EX_THREADS; ++i)
		sum += s.taken[i];
	return sum;
}

static void check_one(void)
{
	ex_assert(all_taken() == 1 && !ski_ready_pending(&s.ready));
}

static void check_two(void)
{
	ex_assert(all_taken() == 2 && !ski_ready_pending(&s.ready));
}

/* At rest it says what is true. */
static void check_fd(void)
{
	ex_assert(ski_ready_pending(&s.ready) == 2 - all_taken());
	ex_assert(s.readable == (ski_ready_count(&s.ready) > 0));
}

#define READY_SCENARIO(id, text, ...)                                  \
	EX_SCENARIO(id, .concept = "ready", .what = text, .state = &s, \
		    .state_bytes = sizeof(s), __VA_ARGS__)

READY_SCENARIO(ready_wait, "one finishes, one waits", .setup = setup_one,
	       .check = check_one, .spurious = 1,
	       .run = { wait_for_payload, finish })
READY_SCENARIO(ready_rivals, "two wait for one", .setup = setup_one,
	       .check = check_one,
	       .run = { wait_and_take, wait_and_take, finish })
READY_SCENARIO(ready_two, "two wait for two", .setup = setup_two,
	       .check = check_two,
	       .run = { wait_and_take, wait_and_take, finish_twice })
READY_SCENARIO(ready_withdraw, "nothing is pending any more",
	       .setup = setup_one,
	       .run = { wait_and_take, wait_and_take, withdraw })
READY_SCENARIO(ready_fd, "finished and taken by two", .setup = setup_fd,
	       .check = check_fd, .run = { finish_twice, take_some })
READY_SCENARIO(ready_fd_three, "finished by two, taken by one",
	       .setup = setup_fd, .check = check_fd,
	       .run = { finish_bare, finish_bare, take_some })
READY_SCENARIO(ready_fd_late, "opened while one finishes", .setup = setup_two,
	       .check = check_fd, .run = { finish_twice, open_late, open_late })
READY_SCENARIO(ready_edge, "a loop that is told of edges", .setup = setup_fd,
	       .check = check_fd, .run = { finish_twice, loop_by_edge })
READY_SCENARIO(ready_edge_three, "the same, and two who finish",
	       .setup = setup_fd, .check = check_fd,
	       .run = { finish_bare, finish_bare, loop_by_edge })
READY_SCENARIO(ready_rouse, "hope is lost while one waits", .setup = setup_one,
	       .run = { give_up, lose_hope })
READY_SCENARIO(ready_rouse_two, "hope is lost while two wait",
	       .setup = setup_one, .run = { give_up, give_up, lose_hope })
