/* SPDX-License-Identifier: MIT */
/*
 * Slabs: objects that one thread allocates and any thread frees, while their
 * slab is in use and after it was given up. Blocks come from this program, so
 * each that is not given back exactly once is noticed.
 */
#include "core_test.h"

#include "failing_memory.h"
#include "slab.h"

enum {
	CHUNK = SKI_CHUNK_OBJECTS,
	MANY = 3 * CHUNK + 5, /* four chunks, the last with five objects */
};

static size_t mapped_before;

/* Chunks mapped since the test began: nothing else is. */
static size_t chunks(void)
{
	size_t bytes = memory_mapped_since(mapped_before);

	CHECK(bytes % SKI_CHUNK_BYTES == 0);
	return bytes / SKI_CHUNK_BYTES;
}

static void begin(void)
{
	mapped_before = memory_mapped_since(0);
}

TestSuite(slab, .init = begin, .timeout = LIMIT);

static struct ski_slab *open_slab(unsigned generation)
{
	struct ski_slab *slab = ski_slab_open(generation);

	cr_assert_not_null(slab);
	return slab;
}

static void *allocate(struct ski_slab *slab)
{
	void *object = ski_slab_alloc(slab);

	cr_assert_not_null(object);
	return object;
}

static void allocate_many(struct ski_slab *slab, void *objects[], size_t count)
{
	for (size_t i = 0; i < count; i++) {
		objects[i] = allocate(slab);
		memset(objects[i], (int)(i % 251), SKI_OBJECT_BYTES);
	}
}

static bool holds(const void *object, size_t i)
{
	const unsigned char *byte = object;

	for (size_t at = 0; at < SKI_OBJECT_BYTES; at++)
		if (byte[at] != i % 251)
			return false;
	return true;
}

static bool is_among(const void *object, void *const objects[], size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (objects[i] == object)
			return true;
	return false;
}

Test(slab, layout)
{
	cr_expect_eq(sizeof(struct ski_object), SKI_OBJECT_BYTES);
	cr_expect_leq(offsetof(struct ski_chunk, object) +
			      CHUNK * sizeof(struct ski_object),
		      SKI_CHUNK_BYTES);
	/* What all threads write is apart from what the owner writes. */
	cr_expect_geq(offsetof(struct ski_slab, remote), SKI_LINE);
}

Test(slab, objects_are_apart_and_know_their_chunk)
{
	struct ski_slab *slab = open_slab(7);
	static void *objects[MANY];

	cr_expect_eq((uintptr_t)slab % SKI_LINE, 0);
	cr_expect_eq(chunks(), 0);
	allocate_many(slab, objects, MANY);
	cr_expect_eq(chunks(), 4);
	for (size_t i = 0; i < MANY; i++) {
		cr_assert_eq((uintptr_t)objects[i] % SKI_OBJECT_BYTES, 0);
		cr_assert_eq(ski_chunk_of(objects[i])->slab, slab);
		cr_assert_eq(ski_chunk_of(objects[i])->generation, 7);
		cr_assert(holds(objects[i], i));
	}
	for (size_t i = 0; i < MANY; i++)
		ski_slab_free(slab, objects[i]);
	ski_slab_orphan(slab);
	cr_expect_eq(chunks(), 0);
}

/* What the owner frees it gets back, newest first, before anything new. */
Test(slab, own_objects_come_back)
{
	struct ski_slab *slab = open_slab(0);
	static void *objects[MANY];

	allocate_many(slab, objects, MANY);
	for (size_t i = 0; i < MANY; i++)
		ski_slab_free(slab, objects[i]);
	for (size_t i = MANY; i-- > 0;)
		cr_assert_eq(ski_slab_alloc(slab), objects[i]);
	cr_expect_eq(chunks(), 4);
	cr_assert_not_null(ski_slab_alloc(slab));
	cr_expect_eq(chunks(), 4);
	for (size_t i = 0; i < MANY; i++)
		ski_slab_free(slab, objects[i]);
	ski_slab_free(slab, slab->fresh - 1);
	ski_slab_orphan(slab);
	cr_expect_eq(chunks(), 0);
}

/* And what others free, before anything new too. */
Test(slab, objects_go_home)
{
	struct ski_slab *slab = open_slab(0);
	struct ski_slab *other = open_slab(0);
	void *objects[6], *again[6];

	allocate_many(slab, objects, 6);
	ski_slab_free(slab, objects[0]);
	ski_slab_free(NULL, objects[1]);
	ski_slab_free(other, objects[2]);
	ski_slab_free(NULL, objects[3]);
	cr_expect_eq(ski_slab_alloc(slab), objects[0]);
	again[0] = objects[0];
	for (size_t i = 1; i < 4; i++) {
		again[i] = allocate(slab);
		cr_expect(is_among(again[i], objects, 4));
		cr_expect_not(is_among(again[i], again, i));
	}
	again[4] = allocate(slab);
	cr_expect_not(is_among(again[4], objects, 6));
	/* Nothing of it came to the other. */
	again[5] = allocate(other);
	cr_expect_eq(ski_chunk_of(again[5])->slab, other);
	ski_slab_free(other, again[5]);
	for (size_t i = 0; i < 5; i++)
		ski_slab_free(slab, again[i]);
	ski_slab_free(slab, objects[4]);
	ski_slab_free(slab, objects[5]);
	ski_slab_orphan(slab);
	ski_slab_orphan(other);
	cr_expect_eq(chunks(), 0);
}

Test(slab, without_memory)
{
	struct ski_slab *slab;
	static void *objects[CHUNK];
	void *more;

	memory_allow(0);
	cr_expect_null(ski_slab_open(0));
	cr_expect_gt(memory_relent(), 0);
	slab = open_slab(0);
	memory_allow(0);
	cr_expect_null(ski_slab_alloc(slab));
	cr_expect_null(ski_slab_alloc(slab));
	cr_expect_gt(memory_relent(), 0);
	allocate_many(slab, objects, CHUNK);
	memory_allow(0);
	cr_expect_null(ski_slab_alloc(slab));
	/* What comes back needs none. */
	ski_slab_free(NULL, objects[3]);
	cr_expect_eq(ski_slab_alloc(slab), objects[3]);
	ski_slab_free(slab, objects[5]);
	cr_expect_eq(ski_slab_alloc(slab), objects[5]);
	cr_expect_null(ski_slab_alloc(slab));
	cr_expect_gt(memory_relent(), 0);
	more = allocate(slab);
	cr_expect_eq(chunks(), 2);
	for (size_t i = 0; i < CHUNK; i++)
		ski_slab_free(slab, objects[i]);
	ski_slab_free(slab, more);
	ski_slab_orphan(slab);
	cr_expect_eq(chunks(), 0);
}

enum {
	AFTER = SKI_STOCK_AFTER,
	STOCK = SKI_STOCK_CHUNKS,
	HEAPS = (AFTER + STOCK + 1) * CHUNK + 1,
};

/* A slab that grows takes chunks ahead, and what it did not use goes with it;
 * the others go each with the last of their own objects. */
Test(slab, takes_a_stock_of_chunks)
{
	struct ski_slab *slab = open_slab(0);
	static void *objects[HEAPS];

	allocate_many(slab, objects, AFTER * CHUNK);
	cr_expect_eq(chunks(), AFTER);
	objects[AFTER * CHUNK] = allocate(slab);
	cr_expect_eq(chunks(), AFTER + STOCK);
	for (size_t i = AFTER * CHUNK + 1; i < HEAPS; i++)
		objects[i] = allocate(slab);
	cr_expect_eq(chunks(), AFTER + 2 * STOCK);
	ski_slab_orphan(slab);
	cr_expect_eq(chunks(), AFTER + STOCK + 2);
	for (size_t i = 0; i < HEAPS; i++) {
		cr_assert_eq(chunks(), AFTER + STOCK + 2 - i / CHUNK);
		ski_slab_free(NULL, objects[i]);
	}
	cr_expect_eq(chunks(), 0);
}

Test(slab, without_memory_for_a_stock)
{
	struct ski_slab *slab = open_slab(0);
	static void *objects[AFTER * CHUNK];
	void *more;

	allocate_many(slab, objects, AFTER * CHUNK);
	memory_allow(0);
	cr_expect_null(ski_slab_alloc(slab));
	cr_expect_gt(memory_relent(), 0);
	cr_expect_eq(chunks(), AFTER);
	/* Enough for one chunk is enough. */
	memory_fail(0, 1);
	more = ski_slab_alloc(slab);
	cr_expect_not_null(more);
	cr_expect_eq(memory_relent(), 1);
	cr_expect_eq(chunks(), AFTER + 1);
	ski_slab_free(NULL, more);
	for (size_t i = 0; i < AFTER * CHUNK; i++)
		ski_slab_free(slab, objects[i]);
	ski_slab_orphan(slab);
	cr_expect_eq(chunks(), 0);
}

/* Of a stock that nothing was taken of but one chunk. */
Test(slab, a_stock_is_given_back)
{
	struct ski_slab *slab = open_slab(0);
	static void *objects[AFTER * CHUNK + 1];

	allocate_many(slab, objects, AFTER * CHUNK + 1);
	for (size_t i = 0; i <= AFTER * CHUNK; i++)
		ski_slab_free(slab, objects[i]);
	cr_expect_eq(chunks(), AFTER + STOCK);
	ski_slab_orphan(slab);
	cr_expect_eq(chunks(), 0);
}

Test(slab, orphaned_unused)
{
	ski_slab_orphan(open_slab(0));
	cr_expect_eq(chunks(), 0);
}

/* With objects out each chunk goes with the last of its own. */
Test(slab, orphaned_with_objects_out)
{
	struct ski_slab *slab = open_slab(0);
	static void *objects[MANY];

	allocate_many(slab, objects, MANY);
	ski_slab_orphan(slab);
	cr_expect_eq(chunks(), 4);
	for (size_t i = 0; i < MANY; i++) {
		cr_assert(holds(objects[i], i));
		ski_slab_free(NULL, objects[i]);
		cr_assert_eq(chunks(), 4 - (i + 1) / CHUNK - (i + 1 == MANY));
	}
}

/* One is left in each chunk, the rest was freed before in each way. */
Test(slab, orphaned_with_one_object_a_chunk)
{
	static void *objects[MANY];
	struct ski_slab *slab = open_slab(0);
	struct ski_slab *other = open_slab(0);

	allocate_many(slab, objects, MANY);
	for (size_t i = 0; i < MANY; i++)
		if (i % CHUNK)
			ski_slab_free(i % 3 ? slab :
				      i % 2 ? other :
					      NULL,
				      objects[i]);
	ski_slab_orphan(slab);
	cr_expect_eq(chunks(), 4);
	for (unsigned left = 4; left > 0; left--) {
		cr_assert_eq(chunks(), left);
		ski_slab_free(other, objects[(left - 1) * CHUNK]);
	}
	cr_expect_eq(chunks(), 0);
	ski_slab_orphan(other);
}

enum {
	OUT,
	MINE,
	AWAY,
	WAYS
};

/* All ways for a few objects, in the first chunk, the last, or both. */
static void free_in_ways(unsigned ways, size_t skipped)
{
	enum {
		FEW = 4
	};
	static void *objects[CHUNK + FEW];
	struct ski_slab *slab = open_slab(0);
	unsigned way = ways;

	allocate_many(slab, objects, skipped + FEW);
	for (size_t i = 0; i < skipped; i++)
		ski_slab_free(slab, objects[i]);
	for (size_t i = 0; i < FEW; i++, way /= WAYS)
		if (way % WAYS != OUT)
			ski_slab_free(way % WAYS == MINE ? slab : NULL,
				      objects[skipped + i]);
	ski_slab_orphan(slab);
	way = ways;
	for (size_t i = 0; i < FEW; i++, way /= WAYS)
		if (way % WAYS == OUT)
			ski_slab_free(NULL, objects[skipped + i]);
	cr_assert_eq(chunks(), 0, "ways %u, %zu before", ways, skipped);
}

Test(slab, orphaned_in_all_ways)
{
	for (unsigned ways = 0; ways < WAYS * WAYS * WAYS * WAYS; ways++) {
		free_in_ways(ways, 0);
		free_in_ways(ways, 1);
		free_in_ways(ways, CHUNK - 2);
		free_in_ways(ways, CHUNK);
	}
}

/* ---- several threads ---- */

enum {
	OWNERS = 4,
	PLACES = 64, /* where objects wait for who frees them */
	TURNS = SCALED(100000),
	LATE = 40,
};

/* Plain, so that TSan judges whether an object is anybody else's still. */
struct message {
	uint64_t from, number, check;
	uint64_t rest[5];
};

static _Atomic(struct message *) place[PLACES];
static atomic_uint allocated, freed;
static _Atomic(struct message *) late[OWNERS][LATE];

static struct message *write_message(struct ski_slab *slab, uint64_t from,
				     uint64_t number)
{
	struct message *message = ski_slab_alloc(slab);

	CHECK(message);
	for (int i = 0; i < 5; i++)
		message->rest[i] = from ^ number;
	message->from = from;
	message->number = number;
	message->check = from * 31 + number;
	atomic_fetch_add_explicit(&allocated, 1, memory_order_relaxed);
	return message;
}

static void read_message(struct ski_slab *mine, struct message *message)
{
	if (!message)
		return;
	CHECK(message->check == message->from * 31 + message->number);
	for (int i = 0; i < 5; i++)
		CHECK(message->rest[i] == (message->from ^ message->number));
	memset(message, 0x5a, sizeof(*message));
	ski_slab_free(mine, message);
	atomic_fetch_add_explicit(&freed, 1, memory_order_relaxed);
}

/* Everybody allocates and leaves objects where all others find them; frees
 * what was there before; gives its slab up; and frees the rest together. */
static void exchange(unsigned self)
{
	struct ski_slab *slab = ski_slab_open(self);
	uint64_t random = random_stream(self);

	for (unsigned i = 0; i < TURNS; i++) {
		unsigned at = random_below(&random, PLACES);

		/* Acquire and release: the message. */
		read_message(slab,
			     atomic_exchange_explicit(
				     &place[at], write_message(slab, self, i),
				     memory_order_acq_rel));
	}
	for (unsigned i = 0; i < LATE; i++)
		atomic_store_explicit(&late[self][i],
				      write_message(slab, self, i),
				      memory_order_release);
	ski_slab_orphan(slab);
	for (unsigned i = 0; i < PLACES; i++)
		read_message(NULL,
			     atomic_exchange_explicit(&place[i], NULL,
						      memory_order_acq_rel));
	for (unsigned i = 0; i < OWNERS * LATE; i++)
		read_message(NULL, atomic_exchange_explicit(
					   &late[i / LATE][i % LATE], NULL,
					   memory_order_acq_rel));
}

static void free_rest(void)
{
	for (unsigned i = 0; i < PLACES; i++)
		read_message(NULL, place[i]);
	for (unsigned i = 0; i < OWNERS * LATE; i++)
		read_message(NULL, late[i / LATE][i % LATE]);
}

Test(slab, everybody_frees_everything)
{
	crew_run(OWNERS, exchange);
	free_rest();
	settle();
	cr_expect_eq(allocated, OWNERS * (TURNS + LATE));
	cr_expect_eq(freed, allocated);
	cr_expect_eq(chunks(), 0);
}

enum {
	ROUNDS = SCALED(4000),
	HELPERS = 3,
	LOT = 2 * CHUNK + 7,
};

static struct ski_slab *round_slab[ROUNDS];
static _Atomic(void *) lot[LOT];
static atomic_uint arrived, done;

static void meet(atomic_uint *count, unsigned until)
{
	atomic_fetch_add_explicit(count, 1, memory_order_acq_rel);
	while (atomic_load_explicit(count, memory_order_acquire) < until)
		sched_yield();
}

static void give_up(unsigned round)
{
	struct ski_slab *slab = round_slab[round];
	/* A few or many, so that the end is reached early or late. */
	unsigned count = round % 8 ? 1 + round % 7 : LOT;

	for (unsigned i = 0; i < count; i++) {
		void *object = ski_slab_alloc(slab);

		memset(object, 1, SKI_OBJECT_BYTES);
		atomic_store_explicit(&lot[i], object, memory_order_relaxed);
	}
	if (round % 3 == 0)
		ski_slab_free(slab,
			      atomic_exchange_explicit(&lot[0], NULL,
						       memory_order_relaxed));
	meet(&arrived, (round + 1) * (HELPERS + 1));
	ski_slab_orphan(slab);
}

static void free_lot(unsigned round)
{
	meet(&arrived, (round + 1) * (HELPERS + 1));
	for (unsigned i = 0; i < LOT; i++) {
		void *object = NULL;

		if (atomic_load_explicit(&lot[i], memory_order_relaxed))
			object = atomic_exchange_explicit(&lot[i], NULL,
							  memory_order_relaxed);
		if (object)
			ski_slab_free(NULL, object);
	}
}

static void orphan_or_free(unsigned self)
{
	for (unsigned round = 0; round < ROUNDS; round++) {
		if (self == 0)
			give_up(round);
		else
			free_lot(round);
		meet(&done, (2 * round + 1) * (HELPERS + 1));
		CHECK(!chunks());
		meet(&done, (2 * round + 2) * (HELPERS + 1));
	}
}

Test(slab, orphaned_while_others_free)
{
	for (unsigned i = 0; i < ROUNDS; i++)
		round_slab[i] = open_slab(i);
	crew_run(HELPERS + 1, orphan_or_free);
	cr_expect_eq(chunks(), 0);
}
