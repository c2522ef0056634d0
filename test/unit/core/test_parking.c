/* SPDX-License-Identifier: MIT */
/*
 * Who is idle and who searches: the arithmetic, and then publishers and
 * sleepers on real futexes. A publisher waits until its jobs are done and
 * nobody else wakes for it, so a wake-up that is lost is a hang.
 */
#include "core_test.h"

#include "clock.h"
#include "futex.h"
#include "inbox.h"
#include "parking.h"

TestSuite(parking, .timeout = LIMIT);

enum {
	MOST_WORKERS = 1024 /* of a pool */
};

/* Fields below zero borrow from the next. */
static uint64_t counts_of(int searching, int idle, int napping)
{
	return (uint64_t)searching * SKI_PARKING_SEARCHING +
	       (uint64_t)idle * SKI_PARKING_IDLE +
	       (uint64_t)napping * SKI_PARKING_NAPPING;
}

static void expect_counts(struct ski_parking *parking, int searching, int idle,
			  int napping)
{
	uint64_t counts = ski_parking_counts(parking);

	cr_assert_eq(ski_parking_searching(counts), searching);
	cr_assert_eq(ski_parking_idle(counts), idle);
	cr_assert_eq(ski_parking_napping(counts), napping);
	cr_assert_eq(counts, counts_of(searching, idle, napping));
	cr_assert_eq(ski_parking_published(parking), counts);
}

Test(parking, to_sleep_and_back)
{
	struct ski_parking parking = { 0 };

	for (int nap = 0; nap < 2; nap++) {
		expect_counts(&parking, 0, 0, 0);
		ski_parking_announce(&parking, nap, false);
		expect_counts(&parking, 0, 1, nap);
		ski_parking_leave(&parking, nap);
		expect_counts(&parking, 0, 0, 0);
	}
}

Test(parking, to_sleep_from_a_search_and_claimed)
{
	struct ski_parking parking = { 0 };

	for (int nap = 0; nap < 2; nap++) {
		cr_expect(ski_parking_search(&parking, 1));
		expect_counts(&parking, 1, 0, 0);
		ski_parking_announce(&parking, nap, true);
		expect_counts(&parking, 0, 1, nap);
		ski_parking_claimed(&parking, nap);
		expect_counts(&parking, 1, 0, 0);
		cr_expect_not(ski_parking_found(&parking));
		expect_counts(&parking, 0, 0, 0);
	}
}

Test(parking, no_more_search_than_asked_for)
{
	struct ski_parking parking = { 0 };

	cr_expect_not(ski_parking_search(&parking, 0));
	for (int i = 0; i < 5; i++)
		cr_expect(ski_parking_search(&parking, 5));
	cr_expect_not(ski_parking_search(&parking, 5));
	cr_expect_not(ski_parking_search(&parking, 1));
	expect_counts(&parking, 5, 0, 0);
	cr_expect(ski_parking_search(&parking, 6));
	expect_counts(&parking, 6, 0, 0);
}

/* Only the last searcher that finds work wakes, if there is whom. */
Test(parking, the_last_searcher_wakes)
{
	struct ski_parking parking = { 0 };

	cr_expect(ski_parking_search(&parking, 9));
	cr_expect(ski_parking_search(&parking, 9));
	ski_parking_announce(&parking, false, false);
	cr_expect_not(ski_parking_found(&parking));
	cr_expect(ski_parking_found(&parking));
	expect_counts(&parking, 0, 1, 0);
	/* A napper too. */
	ski_parking_leave(&parking, false);
	ski_parking_announce(&parking, true, false);
	cr_expect(ski_parking_search(&parking, 9));
	cr_expect(ski_parking_found(&parking));
	ski_parking_leave(&parking, true);
	cr_expect(ski_parking_search(&parking, 9));
	cr_expect_not(ski_parking_found(&parking));
	expect_counts(&parking, 0, 0, 0);
}

/* One that was claimed acts before its claimer has counted that. */
Test(parking, a_claimed_one_ahead_of_its_claimer)
{
	struct ski_parking parking = { 0 };

	for (int nap = 0; nap < 2; nap++) {
		/* It finds work, and cannot know that nobody sleeps. */
		ski_parking_announce(&parking, nap, false);
		cr_expect(ski_parking_found(&parking));
		expect_counts(&parking, -1, 1, nap);
		ski_parking_claimed(&parking, nap);
		expect_counts(&parking, 0, 0, 0);
		/* Or none, and is asleep again. */
		ski_parking_announce(&parking, nap, false);
		ski_parking_announce(&parking, !nap, true);
		expect_counts(&parking, -1, 2, 1);
		cr_expect(ski_parking_search(&parking, 1));
		expect_counts(&parking, 0, 2, 1);
		ski_parking_claimed(&parking, nap);
		expect_counts(&parking, 1, 1, !nap);
		cr_expect(ski_parking_found(&parking));
		ski_parking_leave(&parking, !nap);
		expect_counts(&parking, 0, 0, 0);
	}
}

Test(parking, all_counts)
{
	for (int searching = -3; searching <= 3; searching++)
		for (int idle = -3; idle <= 3; idle++)
			for (int nap = -3; nap <= 3; nap++) {
				struct ski_parking parking = { counts_of(
					searching, idle, nap) };

				expect_counts(&parking, searching, idle, nap);
			}
}

Test(parking, wanted)
{
	for (int searching = -2; searching < 3; searching++)
		for (int idle = 0; idle < 4; idle++)
			for (int nap = 0; nap <= idle; nap++) {
				uint64_t counts =
					counts_of(searching, idle, nap);

				cr_expect_eq(ski_parking_wanted(counts, true),
					     searching <= 0 && idle > 0);
				cr_expect_eq(ski_parking_wanted(counts, false),
					     searching <= 0 && idle > nap);
			}
}

/* As many as a pool may have: no count runs into the next. */
Test(parking, all_workers)
{
	struct ski_parking parking = { 0 };

	for (int i = 0; i < MOST_WORKERS; i++)
		cr_expect(ski_parking_search(&parking, MOST_WORKERS));
	expect_counts(&parking, MOST_WORKERS, 0, 0);
	for (int i = 0; i < MOST_WORKERS; i++)
		ski_parking_announce(&parking, true, true);
	expect_counts(&parking, 0, MOST_WORKERS, MOST_WORKERS);
	for (int i = 0; i < MOST_WORKERS; i++)
		ski_parking_claimed(&parking, true);
	expect_counts(&parking, MOST_WORKERS, 0, 0);
	for (int i = 0; i < MOST_WORKERS; i++)
		cr_expect_not(ski_parking_found(&parking));
	expect_counts(&parking, 0, 0, 0);
}

/* ---- publishers and sleepers ---- */

enum {
	PUBLISHERS_MOST = 4,
	SLEEPERS_MOST = 8,
	SPINS = 3,
	NAP_NS = 100000,
	JOBS = SCALED(10000),
	NOTES = 3,
	PAYLOADS = 4, /* one more than a burst has jobs */
};

struct note {
	struct ski_inbox_node node;
	unsigned from; /* plain: published by the push */
};

/* A worker without work: what it looks at are the publishers' counts. */
struct sleeper {
	_Alignas(SKI_LINE) struct ski_inbox inbox;
	bool searching, nap;
	unsigned jobs;
};

/* Plain: published with the job. In lines that the sleepers write too, so that
 * the stores before a publication take their time. */
struct payload {
	_Alignas(SKI_LINE) unsigned number;
};

struct publisher {
	_Alignas(SKI_LINE) atomic_uint published;
	_Alignas(SKI_LINE) atomic_uint taken, done;
	atomic_uint notes_read;
	struct note note[NOTES];
	struct payload payload[PAYLOADS];
};

static struct ski_parking parking;
static struct sleeper sleepers[SLEEPERS_MOST];
static struct publisher publishers[PUBLISHERS_MOST];
static unsigned sleeper_count, publisher_count;
static atomic_uint hint, publishing, sleeps, claimed, notes_pushed;
static atomic_bool over;

static void add(atomic_uint *count)
{
	atomic_fetch_add_explicit(count, 1, memory_order_relaxed);
}

/* As lib/sched/wake.c. */
static void wake_one(bool nappers)
{
	unsigned at = atomic_fetch_add_explicit(&hint, 1, memory_order_relaxed);

	for (unsigned i = 0; i < sleeper_count; i++) {
		struct ski_inbox *inbox =
			&sleepers[(at + i) % sleeper_count].inbox;
		uintptr_t was = ski_inbox_claim(inbox, nappers);

		if (!was)
			continue;
		ski_parking_claimed(&parking, was & SKI_INBOX_NAP);
		ski_futex_wake(ski_inbox_address(inbox), 1);
		add(&claimed);
		return;
	}
}

static void wake_all(void)
{
	for (unsigned i = 0; i < sleeper_count; i++) {
		struct ski_inbox *inbox = &sleepers[i].inbox;
		uintptr_t was = ski_inbox_claim(inbox, true);

		if (!was)
			continue;
		ski_parking_claimed(&parking, was & SKI_INBOX_NAP);
		ski_futex_wake(ski_inbox_address(inbox), 1);
	}
}

/* A store and no RMW, as the push to a deque: only PARK-A keeps it before the
 * look at the counts. */
static void publish_jobs(struct publisher *self, unsigned first, unsigned count,
			 bool nappers)
{
	for (unsigned n = first + 1; n <= first + count; n++) {
		self->payload[n % PAYLOADS].number = n;
		atomic_store_explicit(&self->published, n,
				      memory_order_release);
		if (ski_parking_wanted(ski_parking_published(&parking),
				       nappers))
			wake_one(nappers);
	}
}

static void push_notes(struct publisher *self, unsigned count, uint64_t *random)
{
	for (unsigned i = 0; i < count; i++) {
		struct ski_inbox *inbox =
			&sleepers[random_below(random, sleeper_count)].inbox;

		self->note[i].from = (unsigned)(self - publishers);
		add(&notes_pushed);
		if (ski_inbox_push(inbox, &self->note[i].node))
			ski_futex_wake(ski_inbox_address(inbox), 1);
	}
}

/* So that it meets a sleeper on its way at any point of it. */
static void dawdle(uint64_t *random)
{
	for (unsigned n = random_below(random, 40); n > 0; n--)
		ski_pause();
}

static void await_count(atomic_uint *count, unsigned until)
{
	unsigned spins = 0;

	while (atomic_load_explicit(count, memory_order_acquire) < until)
		if (++spins % 256)
			ski_pause();
		else
			sched_yield();
}

/* A few jobs and notes at a time, and nothing before all of them are done. */
static void publish(struct publisher *self, uint64_t *random)
{
	unsigned published = 0, notes = 0;

	while (published < JOBS) {
		unsigned more = random_below(random, 4);
		unsigned more_notes = random_below(random, NOTES + 1);

		if (more > JOBS - published)
			more = JOBS - published;
		if (random_below(random, 4))
			more_notes = 0;
		push_notes(self, more_notes, random);
		dawdle(random);
		publish_jobs(self, published, more, random_below(random, 2));
		published += more;
		notes += more_notes;
		await_count(&self->done, published);
		await_count(&self->notes_read, notes);
	}
	if (atomic_fetch_sub_explicit(&publishing, 1, memory_order_acq_rel) !=
	    1)
		return;
	/* As the end of a pool: all sleepers look at it behind PARK-B. */
	atomic_store_explicit(&over, true, memory_order_release);
	ski_fence_full(PARK_A);
	wake_all();
}

/* One job of @from: what is published, it has not taken yet. */
static bool run_job(struct publisher *from)
{
	unsigned n = atomic_load_explicit(&from->taken, memory_order_relaxed);
	unsigned *payload;

	do
		if (n >= atomic_load_explicit(&from->published,
					      memory_order_acquire))
			return false;
	while (!atomic_compare_exchange_weak_explicit(&from->taken, &n, n + 1,
						      memory_order_relaxed,
						      memory_order_relaxed));
	payload = &from->payload[(n + 1) % PAYLOADS].number;
	CHECK(*payload == n + 1);
	*payload = 0;
	atomic_fetch_add_explicit(&from->done, 1, memory_order_release);
	return true;
}

static bool look(struct sleeper *self)
{
	for (unsigned i = 0; i < publisher_count; i++)
		if (run_job(&publishers[i])) {
			self->jobs++;
			return true;
		}
	return false;
}

static void found(struct sleeper *self)
{
	if (!self->searching)
		return;
	self->searching = false;
	if (ski_parking_found(&parking))
		wake_one(true);
}

static uintptr_t read_notes(struct sleeper *self)
{
	uintptr_t taken = ski_inbox_take(&self->inbox);

	for (struct ski_inbox_node *node = ski_inbox_list(taken); node;) {
		struct note *note = (struct note *)(void *)node;

		/* The next: the note is its publisher's once it is counted. */
		node = node->next;
		atomic_fetch_add_explicit(&publishers[note->from].notes_read, 1,
					  memory_order_release);
	}
	return taken;
}

static bool search(struct sleeper *self)
{
	if (!self->searching)
		self->searching =
			ski_parking_search(&parking, (sleeper_count + 1) / 2);
	if (!self->searching)
		return false;
	for (int i = 0; i < SPINS; i++) {
		if (look(self))
			return true;
		ski_pause();
	}
	return false;
}

static void sleep_as(struct sleeper *self, uintptr_t how)
{
	int64_t deadline_ns = how & SKI_INBOX_NAP ? ski_deadline_ns(NAP_NS) :
						    -1;

	add(&sleeps);
	while (atomic_load_explicit(&self->inbox.word, memory_order_relaxed) ==
	       how)
		if (ski_futex_wait(ski_inbox_address(&self->inbox),
				   (uint32_t)how, deadline_ns))
			break;
}

/* As park() of lib/sched/loop.c. Returns whether there was a job. */
static bool park(struct sleeper *self)
{
	bool nap = self->nap;
	uintptr_t how = SKI_INBOX_ASLEEP | (nap ? SKI_INBOX_NAP : 0);
	bool job;

	if (!ski_inbox_lie_down(&self->inbox, how)) {
		read_notes(self);
		found(self);
		return false;
	}
	ski_parking_announce(&parking, nap, self->searching);
	self->searching = self->nap = false;
	job = look(self);
	if (!job && !atomic_load_explicit(&over, memory_order_acquire))
		sleep_as(self, how);
	if (read_notes(self) & SKI_INBOX_CLAIMED)
		self->searching = true;
	else
		ski_parking_leave(&parking, nap);
	/* Wakes were withheld while it searched. */
	if (job && !self->searching &&
	    ski_parking_wanted(ski_parking_published(&parking), true))
		wake_one(true);
	return job;
}

static void sleep_and_work(struct sleeper *self)
{
	while (!atomic_load_explicit(&over, memory_order_acquire)) {
		bool woken = self->searching;

		if (!ski_inbox_empty(&self->inbox))
			read_notes(self);
		if (search(self)) {
			found(self);
			continue;
		}
		self->nap = woken;
		if (park(self))
			found(self);
	}
	found(self);
}

static void publish_or_sleep(unsigned self)
{
	uint64_t random = random_stream(self);

	if (self < sleeper_count)
		sleep_and_work(&sleepers[self]);
	else
		publish(&publishers[self - sleeper_count], &random);
}

static void check_conserved(void)
{
	unsigned jobs = 0, notes = 0;

	for (unsigned i = 0; i < sleeper_count; i++) {
		jobs += sleepers[i].jobs;
		cr_assert_eq(sleepers[i].inbox.word, 0);
	}
	for (unsigned i = 0; i < publisher_count; i++) {
		cr_assert_eq(publishers[i].taken, JOBS);
		cr_assert_eq(publishers[i].done, JOBS);
		notes += publishers[i].notes_read;
	}
	cr_assert_eq(jobs, publisher_count * JOBS);
	cr_assert_eq(notes, notes_pushed);
	/* Nobody is counted who is not there. */
	cr_assert_eq(ski_parking_counts(&parking), 0);
}

static void run_with(unsigned publishers_wanted, unsigned sleepers_wanted)
{
	publisher_count = publishers_wanted;
	sleeper_count = sleepers_wanted;
	memset(sleepers, 0, sizeof(sleepers));
	memset(publishers, 0, sizeof(publishers));
	atomic_store_explicit(&publishing, publisher_count,
			      memory_order_relaxed);
	atomic_store_explicit(&notes_pushed, 0, memory_order_relaxed);
	atomic_store_explicit(&over, false, memory_order_relaxed);
	crew_run(publisher_count + sleeper_count, publish_or_sleep);
	check_conserved();
}

Test(parking, no_wake_up_is_lost)
{
	for (unsigned p = 1; p <= PUBLISHERS_MOST; p *= 2)
		for (unsigned s = 1; s <= SLEEPERS_MOST; s *= 2)
			run_with(p, s);
	/* They did sleep, and were woken. */
	cr_expect_gt(sleeps, 0);
	cr_expect_gt(claimed, 0);
}
