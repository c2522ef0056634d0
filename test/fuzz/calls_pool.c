/* SPDX-License-Identifier: MIT */
/* Calls on pools. */
#include <limits.h>
#include <sched.h>
#include <string.h>

#include "fuzz.h"

/* ---- opening ---- */

static int start(void *context, unsigned worker)
{
	(void)context;
	EXPECT(worker < SKUA_WORKERS_MAX);
	return 0;
}

static void stop(void *context, unsigned worker)
{
	(void)context;
	(void)worker;
}

/* What is wrong with the options, by the words of pool.h. */
static int fault_of(const struct skua_pool_options *options)
{
	if (options->workers > SKUA_WORKERS_MAX)
		return SKUA_EINVAL;
	if (options->stack_bytes > PTRDIFF_MAX)
		return SKUA_EINVAL;
	/* More than any address space has. */
	return options->stack_bytes > SIZE_MAX / 4 ? SKUA_ENOMEM : 0;
}

static void fill_options(struct skua_pool_options *options)
{
	static const char *const names[] = {
		NULL, "", "fuzz", "a name that is longer than a thread's",
		"%s%n"
	};
	static const unsigned workers[] = { 1, 2, 1, 2, 3, 8, 1025, UINT_MAX };
	static const size_t stacks[] = {
		0, 1, 16384, 1 << 20, (1 << 20) + 1, SIZE_MAX, PTRDIFF_MAX
	};

	options->workers = workers[take(8)];
	options->name = names[take(5)];
	if (coin())
		options->stack_bytes = stacks[take(7)];
	options->seed = take(256);
	switch (take(32)) {
	case 1:
		/* More than a program has: a full pool would hold it up. */
		options->max_pending = 1 << 20;
		break;
	case 2:
		options->start = start;
		break;
	case 3:
		options->stop = stop;
		break;
	default:
		break;
	}
}

/* As a program has it that was compiled with an older or a newer header: cut
 * between fields, or with a tail. */
union box {
	struct skua_pool_options options;
	unsigned char bytes[8192];
};

static void choose_size(union box *box)
{
	/* Between fields: half a pointer is none. */
	static const size_t cuts[] = { 8,  12, 16, 24, 32, 36,
				       40, 41, 48, 56, 64, 72 };
	size_t whole = sizeof(box->options);

	switch (take(4)) {
	case 0:
		box->options.size = take((unsigned)sizeof(size_t));
		break;
	case 1:
		box->options.size = 4097 + take(200) * 20;
		break;
	case 2:
		box->options.size = cuts[take(12)];
		break;
	default:
		box->options.size = whole + take(256) * 15;
		box->bytes[whole + take(256)] = (unsigned char)take(2);
	}
}

/* What the library must take them for: SKUA_EINVAL, or 0 and *@read. */
static int read_options(struct skua_pool_options *read, const union box *box)
{
	size_t size = box->options.size;

	if (size < sizeof(size) || size > 4096)
		return SKUA_EINVAL;
	for (size_t i = sizeof(*read); i < size; i++)
		if (box->bytes[i])
			return SKUA_EINVAL;
	memcpy(read, box, size < sizeof(*read) ? size : sizeof(*read));
	return fault_of(read);
}

/* SKUA_EAGAIN would be the machine's fault. */
void call_open(void)
{
	static union box box;
	struct skua_pool_options read = SKUA_POOL_OPTIONS;
	struct skua_pool *handle = NULL;
	struct pool *pool;
	int expected;
	int error;

	if (world.pools_used == POOLS_MOST)
		return;
	memset(&box, 0, sizeof(box));
	box.options = read;
	fill_options(&box.options);
	if (!take(4))
		choose_size(&box);
	expected = read_options(&read, &box);
	if (!take(32))
		EXPECT(skua_pool_open(NULL, &box.options) == SKUA_EINVAL);
	error = skua_pool_open(&handle, &box.options);
	EXPECT(error == expected);
	EXPECT(!error == (handle != NULL));
	if (error)
		return;
	pool = &world.pools[world.pools_used++];
	pool->handle = handle;
	pool->refs = 1;
	pool->bounded = read.max_pending != 0;
	pool->workers = skua_pool_workers(handle);
	/* 0: the library has chosen. */
	EXPECT(read.workers ? pool->workers == read.workers :
			      pool->workers > 0);
}

/* ---- the end of one ---- */

/* The model's part of it, before: without DETACH it would wait for those who
 * are held, and of what is loose nobody could tell whether CANCEL gets it. */
static void is_shut(struct pool *pool, unsigned flags)
{
	if (!(flags & SKUA_CLOSE_DETACH))
		open_gates(pool);
	else if (flags & SKUA_CLOSE_CANCEL)
		drain(pool);
	lock();
	pool->closing = true;
	if (flags & SKUA_CLOSE_CANCEL)
		pool->cancelling = true;
	unlock();
	if (flags & SKUA_CLOSE_CANCEL)
		cancel_pending(pool);
}

static unsigned some_flags(void)
{
	return take(8) ? take(4) : 4 + take(250);
}

void call_shutdown(void)
{
	struct pool *pool = some_pool();
	unsigned flags = some_flags();

	if (!pool)
		return;
	if (flags > 3) {
		EXPECT(skua_pool_shutdown(pool->handle, flags) == SKUA_EINVAL);
		return;
	}
	is_shut(pool, flags);
	EXPECT(skua_pool_shutdown(pool->handle, flags) == 0);
	if (flags & SKUA_CLOSE_DETACH)
		return;
	EXPECT(skua_pool_pending(pool->handle) == 0);
	EXPECT(skua_pool_running(pool->handle) == 0);
}

void call_close(void)
{
	struct pool *pool = some_pool();
	unsigned flags = some_flags();

	if (!pool)
		return;
	if (flags > 3) {
		EXPECT(skua_pool_close(pool->handle, flags) == SKUA_EINVAL);
		return;
	}
	is_shut(pool, flags);
	EXPECT(skua_pool_close(pool->handle, flags) == 0);
	pool->refs--;
}

void call_retain_pool(void)
{
	struct pool *pool = some_pool();

	if (!pool)
		return;
	EXPECT(skua_pool_retain(pool->handle) == pool->handle);
	pool->refs++;
}

void call_release_pool(void)
{
	struct pool *pool = some_pool();

	if (!pool)
		return;
	if (pool->refs == 1)
		is_shut(pool, SKUA_CLOSE_DETACH);
	pool->refs--;
	skua_pool_release(pool->handle);
}

/* ---- looking ---- */

void call_trim(void)
{
	struct pool *pool = some_pool();

	if (pool)
		EXPECT(skua_pool_trim(pool->handle) == 0);
}

/* How many jobs of @pool are in @state. */
static size_t in_state(const struct pool *pool, enum state state)
{
	size_t count = 0;

	for (unsigned i = 0; i < world.jobs_used; i++)
		count += world.jobs[i].pool == pool &&
			 world.jobs[i].state == state;
	return count;
}

static size_t unmet(const struct pool *pool)
{
	size_t count = 0;

	for (unsigned i = 0; i < world.jobs_used; i++)
		count += world.jobs[i].pool == pool && world.jobs[i].unmet;
	return count;
}

void call_numbers(void)
{
	struct pool *pool = some_pool();
	size_t pending;
	size_t running;

	if (!pool)
		return;
	EXPECT(skua_pool_workers(pool->handle) == pool->workers);
	pending = skua_pool_pending(pool->handle);
	running = skua_pool_running(pool->handle);
	EXPECT(pending >= in_state(pool, PENDING) + unmet(pool));
	EXPECT(pending <= JOBS_MOST);
	EXPECT(running >= in_state(pool, HELD));
	EXPECT(running <= JOBS_MOST);
}

/* Until nothing moves; then the numbers are exact. One that was cancelled and
 * is met just now runs for a moment: so it is waited for, not looked at once,
 * and numbers that never come right are a hang. */
void call_settle(void)
{
	struct pool *pool = some_pool();
	size_t pending;
	size_t running;

	if (!pool)
		return;
	drain(pool);
	pending = in_state(pool, PENDING) + unmet(pool);
	running = in_state(pool, HELD);
	while (skua_pool_running(pool->handle) != running ||
	       skua_pool_pending(pool->handle) != pending)
		sched_yield();
}

/* Nobody can end the default pool. */
void call_default(void)
{
	struct skua_pool *pool = skua_pool_default();
	unsigned flags = take(8);
	long value = 0;

	EXPECT(pool && pool == skua_pool_default());
	EXPECT(skua_pool_shutdown(pool, flags) == SKUA_EINVAL);
	EXPECT(skua_pool_close(pool, flags) == SKUA_EINVAL);
	EXPECT(skua_pool_retain(pool) == pool);
	skua_pool_release(pool);
	EXPECT(skua_pool_workers(pool) > 0);
	EXPECT(run_fib(pool, &value, 10) == 0 && value == fib_of(10));
}
