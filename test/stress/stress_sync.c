/* SPDX-License-Identifier: MIT */
/*
 * stress_sync.c - all locks at random, by tasks of two pools and by threads at
 * once; what they guard is counted exactly, and nothing is left in any queue.
 */
#include "stress.h"

enum {
	PLACES = 3, /* of each kind of lock */
	TASKS = FIBERS(600),
	THREADS = 4,
	ROOM = 4,
	UNITS = 2
};

static struct place {
	struct skua_mutex mutex;
	struct skua_rmutex rmutex;
	struct skua_rwlock rwlock;
	struct skua_semaphore units;
	size_t locked, nested, written[2];
	atomic_size_t locks, nests, writes; /* what they ought to be */
	atomic_int inside;

	/* A bounded buffer. */
	struct skua_mutex buffer;
	struct skua_cond filled, emptied;
	size_t in, out;
	atomic_size_t puts, takes;
} places[PLACES];

static size_t rounds;

/* Half of the waits may run out, most of them soon. */
static int64_t some_timeout(uint64_t *random)
{
	if (stress_below(random, 2))
		return SKUA_FOREVER;
	return (int64_t)stress_below(random, 200000);
}

/* Whether it was had; else its time ran out. */
static bool had(int error, int64_t timeout_ns)
{
	EXPECT(!error || (error == SKUA_ETIMEDOUT && timeout_ns >= 0));
	return !error;
}

static void linger(uint64_t *random)
{
	if (stress_below(random, 8) == 0)
		skua_yield();
}

static void use_mutex(struct place *p, uint64_t *random)
{
	int64_t timeout_ns = some_timeout(random);

	if (!had(skua_mutex_lock_timed(&p->mutex, timeout_ns), timeout_ns))
		return;
	p->locked++;
	linger(random);
	atomic_fetch_add(&p->locks, 1);
	EXPECT(skua_mutex_unlock(&p->mutex) == 0);
}

static void use_rmutex(struct place *p, uint64_t *random)
{
	unsigned depth = 1 + stress_below(random, 3);
	int64_t timeout_ns = some_timeout(random);

	if (!had(skua_rmutex_lock_timed(&p->rmutex, timeout_ns), timeout_ns))
		return;
	for (unsigned i = 1; i < depth; i++)
		EXPECT(skua_rmutex_lock(&p->rmutex) == 0);
	p->nested++;
	linger(random);
	atomic_fetch_add(&p->nests, 1);
	for (unsigned i = 0; i < depth; i++)
		EXPECT(skua_rmutex_unlock(&p->rmutex) == 0);
}

static void use_rwlock(struct place *p, uint64_t *random)
{
	int64_t timeout_ns = some_timeout(random);

	if (stress_below(random, 4)) {
		if (!had(skua_rwlock_rdlock_timed(&p->rwlock, timeout_ns),
			 timeout_ns))
			return;
		linger(random);
		EXPECT(p->written[0] == p->written[1]);
	} else {
		if (!had(skua_rwlock_wrlock_timed(&p->rwlock, timeout_ns),
			 timeout_ns))
			return;
		p->written[0]++;
		linger(random);
		p->written[1]++;
		atomic_fetch_add(&p->writes, 1);
	}
	EXPECT(skua_rwlock_unlock(&p->rwlock) == 0);
}

static void use_units(struct place *p, uint64_t *random)
{
	int64_t timeout_ns = some_timeout(random);

	if (!had(skua_semaphore_acquire_timed(&p->units, timeout_ns),
		 timeout_ns))
		return;
	EXPECT(atomic_fetch_add(&p->inside, 1) < UNITS);
	linger(random);
	EXPECT(atomic_fetch_sub(&p->inside, 1) > 0);
	EXPECT(skua_semaphore_release(&p->units) == 0);
}

/* With the buffer locked: until there is room, or something in it. */
static void await(struct place *p, struct skua_cond *cond, size_t full,
		  uint64_t *random)
{
	while (p->in - p->out == full) {
		int64_t timeout_ns = some_timeout(random);

		had(skua_cond_wait_timed(cond, &p->buffer, timeout_ns),
		    timeout_ns);
	}
}

/* Each puts one and takes one, so that in the end it is empty. */
static void use_buffer(struct place *p, uint64_t *random)
{
	SKUA_LOCKED(&p->buffer) {
		await(p, &p->emptied, ROOM, random);
		p->in++;
		EXPECT(skua_cond_signal(&p->filled) == 0);
	}
	atomic_fetch_add(&p->puts, 1);
	linger(random);
	SKUA_LOCKED(&p->buffer) {
		await(p, &p->filled, 0, random);
		p->out++;
		if (stress_below(random, 8))
			EXPECT(skua_cond_signal(&p->emptied) == 0);
		else
			EXPECT(skua_cond_broadcast(&p->emptied) == 0);
	}
	atomic_fetch_add(&p->takes, 1);
}

static void *use(void *arg)
{
	static void (*const uses[])(struct place *, uint64_t *) = {
		use_mutex, use_rmutex, use_rwlock, use_units, use_buffer,
	};
	uint64_t random = stress_stream((uintptr_t)arg);

	for (size_t i = 0; i < rounds; i++) {
		struct place *p = &places[stress_below(&random, PLACES)];

		uses[stress_below(&random, 5)](p, &random);
	}
	return arg;
}

static void check(struct place *p)
{
	EXPECT(p->locked == atomic_load(&p->locks));
	EXPECT(p->nested == atomic_load(&p->nests));
	EXPECT(p->written[0] == atomic_load(&p->writes));
	EXPECT(p->written[1] == atomic_load(&p->writes));
	EXPECT(p->in == atomic_load(&p->puts) && p->in == p->out);
	EXPECT(atomic_load(&p->takes) == atomic_load(&p->puts));
	EXPECT(skua_mutex_destroy(&p->mutex) == 0);
	EXPECT(skua_rmutex_destroy(&p->rmutex) == 0);
	EXPECT(skua_rwlock_destroy(&p->rwlock) == 0);
	EXPECT(skua_mutex_destroy(&p->buffer) == 0);
	EXPECT(skua_cond_destroy(&p->filled) == 0);
	EXPECT(skua_cond_destroy(&p->emptied) == 0);
	EXPECT(skua_semaphore_destroy(&p->units) == 0);
	for (int i = 0; i < UNITS; i++)
		EXPECT(skua_semaphore_acquire_timed(&p->units, 0) == 0);
	EXPECT(skua_semaphore_acquire_timed(&p->units, 0) == SKUA_ETIMEDOUT);
}

static void body(void)
{
	struct skua_pool *pool = stress_open(stress.workers);
	struct skua_pool *other = stress_open(2);
	static struct skua_future *tasks[TASKS];
	pthread_t threads[THREADS];

	rounds = SCALED(stress_rounds(400, 40000));
	memset(places, 0, sizeof(places));
	for (size_t i = 0; i < PLACES; i++)
		EXPECT(skua_semaphore_init(&places[i].units, UNITS) == 0);
	for (size_t i = 0; i < TASKS; i++)
		tasks[i] = stress_submit(i % 8 ? pool : other, use, number(i));
	for (size_t i = 0; i < THREADS; i++)
		stress_thread(&threads[i], use, number(TASKS + i));
	for (size_t i = 0; i < TASKS; i++)
		stress_take(tasks[i]);
	for (size_t i = 0; i < THREADS; i++)
		EXPECT(pthread_join(threads[i], NULL) == 0);
	for (size_t i = 0; i < PLACES; i++)
		check(&places[i]);
	stress_close(pool);
	stress_close(other);
}

int main(int argc, char *argv[])
{
	return stress_main(argc, argv, body);
}
