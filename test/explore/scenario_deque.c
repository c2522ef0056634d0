/* SPDX-License-Identifier: MIT */
/*
 * The deque: every job is got exactly once, whole, by somebody, and nobody
 * reads a ring that is freed.
 *
 * scenario_deque_wrap.c includes this file with another index type.
 */
static unsigned deque_slots;

#ifdef DEQUE_WRAPS
static int deque_start;
#define SKI_DEQUE_INDEX int8_t
#define SKI_DEQUE_START ((ski_index)deque_start)
#endif
#define SKI_DEQUE_SLOTS deque_slots

/* Between the fences and what follows them, see read_and_steal(). */
static void after_fence(void);
#include "hooks.h"
#undef ski_fence_full
#define ski_fence_full(name) \
	(ex_fence(EX_SITE("fence " #name), memory_order_seq_cst), after_fence())

#include "deque.c"

#include "rcu.h"

enum {
	JOBS = 6
};

static struct {
	struct ski_deque deque;
	_Atomic(unsigned) told;
	uint64_t job[JOBS]; /* jobs: plain, written before the push */
	unsigned pushed; /* by the owner */
	unsigned got[EX_THREADS][JOBS]; /* by each thread */
	unsigned first_slot; /* stands for the first slot, see read_and_steal() */
	bool reads_slot[EX_THREADS];
} s;

static void after_fence(void)
{
	if (s.reads_slot[ex_self()])
		ex_plain_read(&s.first_slot, sizeof(s.first_slot));
}

static void open_deque(unsigned slots)
{
	deque_slots = slots;
	ex_assert(!ski_deque_init(&s.deque));
}

static void push(void)
{
	uint64_t *job = &s.job[s.pushed++];

	*job = s.pushed;
	if (!ski_deque_reserve(&s.deque, 1))
		ski_deque_push(&s.deque, (uintptr_t)job);
}

static void got(uintptr_t job)
{
	uint64_t *p = (uint64_t *)job;
	size_t i = (size_t)(p - s.job);

	ex_assert(job);
	ex_assert(i < JOBS && *p == i + 1);
	++s.got[ex_self()][i];
}

static bool take(void)
{
	uintptr_t job = ski_deque_take(&s.deque);

	if (job)
		got(job);
	return job;
}

static int steal(int most)
{
	uintptr_t jobs[JOBS];
	int n;

	ski_rcu_read_lock();
	n = ski_deque_steal_many(&s.deque, jobs, most);
	ski_rcu_read_unlock();
	for (int i = 0; i < n; ++i)
		got(jobs[i]);
	return n;
}

/* What is left, then: each job was got once. */
static void check(void)
{
	while (take())
		;
	for (unsigned i = 0; i < JOBS; ++i) {
		unsigned times = 0;
		for (unsigned t = 0; t < EX_THREADS; ++t)
			times += s.got[t][i];
		ex_assert(times == (i < s.pushed));
	}
	ski_deque_destroy(&s.deque);
}

#define DEQUE_SCENARIO(id, text, ...)                                  \
	EX_SCENARIO(id, .concept = "deque", .what = text, .state = &s, \
		    .state_bytes = sizeof(s), .check = check, __VA_ARGS__)

static void steal_one(void)
{
	steal(1);
}

static void steal_two(void)
{
	steal(1);
	steal(1);
}

#ifdef DEQUE_WRAPS

static void setup_wrap(void)
{
	deque_start = INT8_MAX - 1;
	open_deque(2);
	push();
}

static void push_push_take_take(void)
{
	push();
	push();
	take();
	take();
}

static void push_push_push(void)
{
	push();
	push();
	push();
}

DEQUE_SCENARIO(deque_wrap, "the index wraps around", .setup = setup_wrap,
	       .run = { push_push_take_take, steal_two })
DEQUE_SCENARIO(deque_wrap_growth, "... in rings of different size",
	       .setup = setup_wrap,
	       .run = { push_push_push, steal_one, steal_one })

#else

static void take_one(void)
{
	take();
}

static void push_take_push_take(void)
{
	push();
	take();
	push();
	take();
}

static void setup_empty(void)
{
	open_deque(4);
}

static void setup_one(void)
{
	open_deque(2);
	push();
}

static void setup_two(void)
{
	open_deque(2);
	push();
	push();
}

static void setup_four(void)
{
	setup_two();
	push();
	push();
}

static void push_push_take_take(void)
{
	push();
	push();
	take();
	take();
}

static void push_two(void)
{
	push();
	push();
}

static void push_three(void)
{
	push();
	push();
	push();
}

static void steal_batch(void)
{
	steal(3);
	steal(3);
}

/* A thief that got the only job tells the owner, who reuses its slot. */
static void take_take_push_push(void)
{
	take();
	take();
	push();
	push();
}

static void push_then_trim(void)
{
	push();
	push();
	/* As skua_pool_trim() does. */
	struct ski_ring *retired = ski_deque_retired(&s.deque);
	ski_rcu_synchronize();
	ski_ring_free_all(retired);
}

/* Whoever knows of the push, and that nobody else gets it, gets it. */
static void push_and_tell(void)
{
	push();
	atomic_store_explicit(&s.told, 1, memory_order_release);
}

/*
 * A slot is written again only by who knows that it was read. Slots are atomic,
 * so that breaking this is no race, and RC11 has no execution in which the
 * thief's load sees the later store; machines that reorder a load with a later
 * store have. A plain variable stands for the slot here: read where a thief
 * reads the slot, if it then has the job, and written where the owner writes
 * that slot again.
 */
static void read_and_steal(void)
{
	s.reads_slot[ex_self()] = true;
	ex_assume(steal(1) == 1);
}

static void push_in_place(void)
{
	struct ski_ring *ring =
		atomic_load_explicit(&s.deque.ring, memory_order_relaxed);

	ex_assume(!ski_deque_reserve(&s.deque, 1));
	ex_assume(atomic_load_explicit(&s.deque.ring, memory_order_relaxed) ==
		  ring);
	ex_plain_write(&s.first_slot, sizeof(s.first_slot));
	push();
}

static void steal_when_told(void)
{
	if (atomic_load_explicit(&s.told, memory_order_acquire))
		ex_assert(steal(1) == 1);
}

DEQUE_SCENARIO(deque_push_take_steal, "owner and thief over two jobs",
	       .setup = setup_empty, .run = { push_push_take_take, steal_two })
DEQUE_SCENARIO(deque_last, "owner and two thieves for the last job",
	       .setup = setup_one, .run = { take_one, steal_one, steal_one })
DEQUE_SCENARIO(deque_two_thieves, "owner and two thieves over two jobs",
	       .setup = setup_empty,
	       .run = { push_push_take_take, steal_one, steal_one })
DEQUE_SCENARIO(deque_reuse, "slots are used again and again",
	       .setup = setup_one,
	       .run = { push_take_push_take, steal_one, steal_one })
DEQUE_SCENARIO(deque_growth, "a thief reads an outgrown ring",
	       .setup = setup_one, .run = { push_two, steal_two, steal_one })
DEQUE_SCENARIO(deque_trim, "an outgrown ring is freed", .setup = setup_one,
	       .run = { push_then_trim, steal_two })
DEQUE_SCENARIO(deque_full, "a full ring, or just not", .setup = setup_two,
	       .run = { take_take_push_push, steal_one, steal_one })
DEQUE_SCENARIO(deque_slot, "a slot is written again after it was read",
	       .setup = setup_two, .run = { push_in_place, read_and_steal })
DEQUE_SCENARIO(deque_batch, "two thieves take several of a guest's jobs",
	       .setup = setup_four, .run = { steal_batch, steal_batch })
DEQUE_SCENARIO(deque_batch_push, "... while it pushes more and grows",
	       .setup = setup_two, .run = { push_three, steal_batch })
DEQUE_SCENARIO(deque_known, "a job that is known of is found",
	       .setup = setup_empty, .run = { push_and_tell, steal_when_told })

#endif
