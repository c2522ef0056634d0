/* SPDX-License-Identifier: MIT */
/*
 * The inbox: each fiber that is resumed is got by its worker once, with what
 * was done before, in the order of who pushed it; a sleeping worker wakes, and
 * nobody touches a worker that may be gone. The source of lib/sched: pushes are
 * ski_fiber_resume(), the worker collects and sleeps as in loop.c, or blocks in
 * a join as in join.c and wait.c.
 *
 * Thread 1 is the worker.
 */
#include "loop.c"
#include "wait.c"

enum {
	FIBERS = 4
};

static struct {
	struct skua_pool pool;
	struct ski_worker *worker;
	struct ski_fiber fiber[FIBERS];
	unsigned sent[FIBERS]; /* plain, before the push */
	unsigned fibers; /* how many will be pushed */
	unsigned got[FIBERS]; /* in which order, from 1 */
	unsigned claims_made, claims_got;
} s;

static void open_worker(unsigned fibers)
{
	s.worker = ski_aligned_alloc(SKI_LINE, sizeof(*s.worker));
	ex_assert(s.worker);
	s.worker->pool = &s.pool;
	s.fibers = fibers;
	ski_queue_init(&s.worker->ready);
	for (unsigned i = 0; i < FIBERS; ++i)
		s.fiber[i].home = s.worker;
}

static void setup_one(void)
{
	open_worker(1);
}

static void setup_three(void)
{
	open_worker(3);
}

static void resume(unsigned i)
{
	s.sent[i] = i + 1;
	ski_fiber_resume(&s.fiber[i]);
}

static void resume_first(void)
{
	resume(0);
}

static void resume_second_third(void)
{
	resume(1);
	resume(2);
}

static void claim(void)
{
	uintptr_t was = ski_inbox_claim(&s.worker->inbox, true);

	if (!was)
		return;
	s.claims_made = 1;
	/* As ski_wake_one(). */
	ski_futex_wake(ski_inbox_address(&s.worker->inbox), 1);
}

/* Number of the fibers got so far. */
static unsigned get(unsigned count)
{
	struct ski_inbox_node *node;

	while ((node = ski_queue_take(&s.worker->ready))) {
		size_t i = (size_t)(ski_fiber_of_node(node) - s.fiber);

		ex_assert(i < s.fibers && !s.got[i]);
		ex_assert(s.sent[i] == i + 1);
		s.got[i] = ++count;
	}
	return count;
}

/* As park() and get_up() in loop.c, without the counts. */
static void collect_and_sleep(void)
{
	struct ski_worker *worker = s.worker;

	for (unsigned count = 0; count < s.fibers;) {
		if (ski_inbox_lie_down(&worker->inbox, SKI_INBOX_ASLEEP))
			sleep_until(worker, SKI_INBOX_ASLEEP, -1);
		if (ski_loop_collect(worker) & SKI_INBOX_CLAIMED)
			s.claims_got++;
		count = get(count);
	}
}

/* Awake: it only looks. */
static void collect(void)
{
	for (unsigned count = 0; count < s.fibers; count = get(count)) {
		ex_await(!ski_inbox_empty(&s.worker->inbox));
		ski_loop_collect(s.worker);
	}
}

/* The task blocks in a join; its thief resumes it. */
static void block_in_join(void)
{
	s.worker->fiber = &s.fiber[0];
	block(s.worker);
	ex_assert(s.sent[0]);
	s.got[0] = 1;
}

/* The task that was resumed has closed the pool, and ended. */
static void block_then_free(void)
{
	block_in_join();
	ski_free(s.worker);
	ex_forget(&s.fiber[0], sizeof(s.fiber[0]));
}

static void check_got(void)
{
	for (unsigned i = 0; i < FIBERS; ++i)
		ex_assert(!s.got[i] == (i >= s.fibers));
	if (s.fibers > 2)
		ex_assert(s.got[1] < s.got[2]);
}

static void check(void)
{
	check_got();
	ski_free(s.worker);
}

/* A claim is met by the worker, now or when it looks next. */
static void check_claims(void)
{
	if (ski_loop_collect(s.worker) & SKI_INBOX_CLAIMED)
		s.claims_got++;
	ex_assert(s.claims_got == s.claims_made);
	check();
}

/* A worker that is blocked wants no work. */
static void check_unclaimed(void)
{
	ex_assert(!s.claims_made);
	check();
}

#define INBOX_SCENARIO(id, text, ...)                                  \
	EX_SCENARIO(id, .concept = "inbox", .what = text, .state = &s, \
		    .state_bytes = sizeof(s), __VA_ARGS__)

INBOX_SCENARIO(inbox_sleep, "a push against a worker that goes to sleep",
	       .setup = setup_one, .check = check, .spurious = 1, .stray = 1,
	       .run = { collect_and_sleep, resume_first })
INBOX_SCENARIO(inbox_two_pushers, "two push three, and their order is kept",
	       .setup = setup_three, .check = check,
	       .run = { collect, resume_first, resume_second_third })
INBOX_SCENARIO(inbox_claim, "a claim and a push against sleep",
	       .setup = setup_one, .check = check_claims, .spurious = 1,
	       .run = { collect_and_sleep, resume_first, claim })
INBOX_SCENARIO(inbox_block, "a push against a worker blocked in a join",
	       .setup = setup_one, .check = check_unclaimed, .stray = 1,
	       .run = { block_in_join, resume_first, claim })
INBOX_SCENARIO(inbox_gone, "the fiber that is resumed frees the worker",
	       .setup = setup_one, .check = check_got, .spurious = 1,
	       .run = { block_then_free, resume_first })
