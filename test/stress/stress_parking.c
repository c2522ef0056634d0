/* SPDX-License-Identifier: MIT */
/*
 * stress_parking.c - workers that sleep on their inboxes, and guests that push
 * jobs into deques: the whole way from a push to a sleeper that runs it, and
 * back, since some jobs are answered by a note in another worker's inbox.
 *
 * A guest waits until all it pushed has been had, and nobody wakes for it: a
 * wake-up that is lost is a hang. In the end every job was had and every note
 * read exactly once, and nobody is counted who is not there.
 */
#include "crew.h"

#include "clock.h"
#include "deque.h"
#include "inbox.h"
#include "parking.h"
#include "rcu.h"

enum {
	THREADS_MOST = CREW_MOST,
	GUESTS_MOST = THREADS_MOST / 4,
	BURST = 40,
	SPINS = 4,
	NAP_NS = 200000,
};

/* Even jobs are answered at once, odd ones after a note went round. */
struct job {
	struct ski_inbox_node node;
	struct guest *guest;
	atomic_uint had;
};

static struct guest {
	_Alignas(SKI_LINE) struct ski_deque deque;
	uint64_t random;
	struct job job[BURST];
	_Alignas(SKI_LINE) atomic_uint pending;
} guests[GUESTS_MOST];

static struct worker {
	_Alignas(SKI_LINE) struct ski_inbox inbox;
	uint64_t random;
	size_t had, read, sent;
	bool searching, nap;
} workers[THREADS_MOST];

static struct ski_parking parking;
static unsigned guest_count;
static size_t bursts;
static _Alignas(SKI_LINE) atomic_uint hint, guests_left;
static atomic_bool over;
static atomic_size_t jobs_pushed;

/* ---- as lib/sched/wake.c ---- */

static bool wake(struct worker *worker, bool nappers)
{
	uintptr_t was = ski_inbox_claim(&worker->inbox, nappers);

	if (!was)
		return false;
	ski_parking_claimed(&parking, was & SKI_INBOX_NAP);
	ski_futex_wake(ski_inbox_address(&worker->inbox), 1);
	return true;
}

static void wake_one(bool nappers)
{
	unsigned at = atomic_fetch_add_explicit(&hint, 1, memory_order_relaxed);

	for (unsigned i = 0; i < stress.workers; i++)
		if (wake(&workers[(at + i) % stress.workers], nappers))
			return;
}

static void wake_published(bool nappers)
{
	if (ski_parking_wanted(ski_parking_published(&parking), nappers))
		wake_one(nappers);
}

/* ---- jobs ---- */

/* Its last touch: the guest reuses it. */
static void answer(struct job *job)
{
	struct guest *guest = job->guest;

	EXPECT(!atomic_fetch_add_explicit(&job->had, 1, memory_order_relaxed));
	/* Release: pairs with the guest's wait. */
	if (atomic_fetch_sub_explicit(&guest->pending, 1,
				      memory_order_release) == 1)
		ski_futex_wake(&guest->pending, 1);
}

static void send(struct worker *self, struct job *job)
{
	struct ski_inbox *inbox =
		&workers[stress_below(&self->random, stress.workers)].inbox;

	self->sent++;
	if (ski_inbox_push(inbox, &job->node))
		ski_futex_wake(ski_inbox_address(inbox), 1);
}

static void run(struct worker *self, struct job *job)
{
	self->had++;
	if (stress_below(&self->random, 2))
		answer(job);
	else
		send(self, job);
}

static uintptr_t collect(struct worker *self)
{
	uintptr_t taken = ski_inbox_take(&self->inbox);

	for (struct ski_inbox_node *node = ski_inbox_list(taken); node;) {
		struct ski_inbox_node *next = node->next;

		self->read++;
		answer((struct job *)(void *)node);
		node = next;
	}
	return taken;
}

static struct job *look(struct worker *self)
{
	unsigned at = stress_below(&self->random, guest_count);

	for (unsigned i = 0; i < guest_count; i++) {
		struct ski_deque *deque = &guests[(at + i) % guest_count].deque;
		uintptr_t job;
		int got;

		ski_rcu_read_lock();
		do
			got = ski_deque_steal_many(deque, &job, 1);
		while (got < 0);
		ski_rcu_read_unlock();
		if (got)
			return (struct job *)job;
	}
	return NULL;
}

/* ---- as lib/sched/loop.c ---- */

static void found(struct worker *self)
{
	if (!self->searching)
		return;
	self->searching = false;
	if (ski_parking_found(&parking))
		wake_one(true);
}

static struct job *search(struct worker *self)
{
	if (!self->searching)
		self->searching = ski_parking_search(
			&parking, ((int)stress.workers + 1) / 2);
	for (int i = 0; self->searching && i < SPINS; i++) {
		struct job *job = look(self);

		if (job)
			return job;
		ski_pause();
	}
	return NULL;
}

static void sleep_as(struct worker *self, uintptr_t how)
{
	int64_t deadline_ns = how & SKI_INBOX_NAP ? ski_deadline_ns(NAP_NS) :
						    -1;

	while (atomic_load_explicit(&self->inbox.word, memory_order_relaxed) ==
	       how)
		if (ski_futex_wait(ski_inbox_address(&self->inbox),
				   (uint32_t)how, deadline_ns))
			break;
}

static struct job *park(struct worker *self)
{
	bool nap = self->nap;
	uintptr_t how = SKI_INBOX_ASLEEP | (nap ? SKI_INBOX_NAP : 0);
	struct job *job;

	if (!ski_inbox_lie_down(&self->inbox, how)) {
		collect(self);
		found(self);
		return NULL;
	}
	ski_parking_announce(&parking, nap, self->searching);
	self->searching = self->nap = false;
	job = look(self);
	if (!job && !atomic_load_explicit(&over, memory_order_acquire))
		sleep_as(self, how);
	if (collect(self) & SKI_INBOX_CLAIMED)
		self->searching = true;
	else
		ski_parking_leave(&parking, nap);
	if (job && !self->searching)
		wake_published(true);
	return job;
}

static void work(struct worker *self)
{
	while (!atomic_load_explicit(&over, memory_order_acquire)) {
		bool woken = self->searching;
		struct job *job;

		if (!ski_inbox_empty(&self->inbox))
			collect(self);
		job = search(self);
		if (!job) {
			self->nap = woken;
			job = park(self);
		}
		if (job) {
			found(self);
			run(self, job);
		}
	}
	found(self);
}

/* ---- guests ---- */

static void push_burst(struct guest *self)
{
	unsigned count = 1 + stress_below(&self->random, BURST);

	EXPECT(ski_deque_reserve(&self->deque, count) == 0);
	/* Relaxed: published by the pushes. */
	atomic_store_explicit(&self->pending, count, memory_order_relaxed);
	atomic_fetch_add_explicit(&jobs_pushed, count, memory_order_relaxed);
	for (unsigned i = 0; i < count; i++) {
		struct job *job = &self->job[i];

		atomic_store_explicit(&job->had, 0, memory_order_relaxed);
		job->guest = self;
		ski_deque_push(&self->deque, (uintptr_t)job);
		wake_published(stress_below(&self->random, 4));
	}
}

/* Asleep: nothing but the workers' wake-ups brings this on. */
static void await_burst(struct guest *self)
{
	uint32_t left;

	while ((left = atomic_load_explicit(&self->pending,
					    memory_order_acquire)))
		ski_futex_wait(&self->pending, left, -1);
	for (unsigned i = 0; i < BURST; i++)
		EXPECT(self->job[i].had <= 1);
}

static void visit(struct guest *self)
{
	for (size_t i = 0; i < bursts; i++) {
		push_burst(self);
		await_burst(self);
	}
	if (atomic_fetch_sub_explicit(&guests_left, 1, memory_order_acq_rel) !=
	    1)
		return;
	/* The end of a pool: who lies down sees it behind PARK-B. */
	atomic_store_explicit(&over, true, memory_order_release);
	ski_fence_full(PARK_A);
	for (unsigned i = 0; i < stress.workers; i++)
		wake(&workers[i], true);
}

static void work_or_visit(unsigned number)
{
	if (number < stress.workers)
		work(&workers[number]);
	else
		visit(&guests[number - stress.workers]);
}

static void open_all(void)
{
	atomic_store_explicit(&over, false, memory_order_relaxed);
	atomic_store_explicit(&guests_left, guest_count, memory_order_relaxed);
	atomic_store_explicit(&jobs_pushed, 0, memory_order_relaxed);
	for (unsigned i = 0; i < stress.workers; i++)
		workers[i] = (struct worker){ .random = stress_stream(i) };
	for (unsigned i = 0; i < guest_count; i++) {
		memset(&guests[i], 0, sizeof(guests[i]));
		guests[i].random = stress_stream(THREADS_MOST + i);
		EXPECT(ski_deque_init(&guests[i].deque) == 0);
	}
}

static void count(void)
{
	size_t had = 0, sent = 0, received = 0;

	for (unsigned i = 0; i < stress.workers; i++) {
		had += workers[i].had;
		sent += workers[i].sent;
		received += workers[i].read;
		EXPECT(workers[i].inbox.word == 0);
	}
	EXPECT(had == jobs_pushed);
	EXPECT(received == sent);
	EXPECT(ski_parking_counts(&parking) == 0);
	for (unsigned i = 0; i < guest_count; i++) {
		EXPECT(ski_deque_count(&guests[i].deque) == 0);
		ski_deque_destroy(&guests[i].deque);
	}
}

static void body(void)
{
	static const unsigned guests_of[] = { 1, 3, 16 };

	EXPECT(stress.workers > 0 &&
	       stress.workers + GUESTS_MOST <= THREADS_MOST);
	for (size_t i = 0; i < sizeof(guests_of) / sizeof(*guests_of); i++) {
		guest_count = guests_of[i];
		bursts = 1 + stress_rounds(SCALED(30000), SCALED(1000000)) /
				     guest_count;
		open_all();
		crew_run(stress.workers + guest_count, work_or_visit);
		count();
	}
}

int main(int argc, char *argv[])
{
	return stress_main(argc, argv, body);
}
