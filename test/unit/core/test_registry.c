/* SPDX-License-Identifier: MIT */
/*
 * The table that only grows: nothing that was added is lost, moved or there
 * twice, whoever adds at the same time and wherever memory runs out.
 */
#include "core_test.h"

#include <skua/error.h>

#include "failing_memory.h"
#include "registry.h"

TestSuite(registry, .timeout = LIMIT);

enum {
	FIRST = SKI_REGISTRY_FIRST,
	/* Chunks 0 to 5 are full, and one entry is in the next. */
	SOME = FIRST * 63 + 1,
};

/* All indices: FIRST * (2^22 - 1). */
#define CAPACITY (FIRST * ((UINT32_C(1) << SKI_REGISTRY_CHUNKS) - 1))

static struct ski_registry registry;
static char entries[SOME];

Test(registry, empty)
{
	cr_expect_eq(ski_registry_count(&registry), 0);
	ski_registry_destroy(&registry);
}

/* Each index has its own place, in the order of chunks and within one. */
Test(registry, places)
{
	uint32_t i = 0;

	for (unsigned k = 0; k < 12; k++)
		for (uint32_t at = 0; at < (uint32_t)FIRST << k; at++, i++) {
			uint32_t place = UINT32_MAX;

			cr_assert_eq(ski_registry_place(i, &place), k);
			cr_assert_eq(place, at);
		}
}

Test(registry, places_at_the_ends_of_chunks)
{
	uint32_t start = 0;

	for (unsigned k = 0; k < SKI_REGISTRY_CHUNKS; k++) {
		uint32_t slots = (uint32_t)FIRST << k;
		uint32_t place = UINT32_MAX;

		cr_assert_eq(ski_registry_place(start, &place), k);
		cr_assert_eq(place, 0);
		cr_assert_eq(ski_registry_place(start + slots - 1, &place), k);
		cr_assert_eq(place, slots - 1);
		start += slots;
	}
	cr_assert_eq(start, CAPACITY);
}

/* And after each add all before are where they were. */
Test(registry, keeps_what_is_added)
{
	for (uint32_t i = 0; i < SOME; i++) {
		cr_assert_eq(ski_registry_count(&registry), i);
		cr_assert_eq(ski_registry_add(&registry, &entries[i]), 0);
		if ((i & (i + 1)) == 0 || i == SOME - 1)
			for (uint32_t j = 0; j <= i; j++)
				cr_assert_eq(ski_registry_at(&registry, j),
					     &entries[j]);
	}
	cr_expect_eq(ski_registry_count(&registry), SOME);
	ski_registry_destroy(&registry);
}

/* What is there stays, and the next add that finds memory goes on. */
Test(registry, without_memory)
{
	unsigned refused = 0;

	for (uint32_t i = 0; i < SOME; i++) {
		int error;

		memory_allow(0);
		error = ski_registry_add(&registry, &entries[i]);
		if (memory_relent()) {
			cr_assert_eq(error, SKUA_ENOMEM);
			cr_assert_eq(ski_registry_count(&registry), i);
			refused++;
			error = ski_registry_add(&registry, &entries[i]);
		}
		cr_assert_eq(error, 0);
	}
	/* Once a chunk, and never in between. */
	cr_expect_eq(refused, 7);
	for (uint32_t i = 0; i < SOME; i++)
		cr_assert_eq(ski_registry_at(&registry, i), &entries[i]);
	ski_registry_destroy(&registry);
}

Test(registry, full)
{
	atomic_store_explicit(&registry.count, CAPACITY, memory_order_relaxed);
	memory_allow(0);
	cr_expect_eq(ski_registry_add(&registry, entries), SKUA_ENOMEM);
	/* It did not even ask for memory. */
	cr_expect_eq(memory_relent(), 0);
	cr_expect_eq(ski_registry_count(&registry), CAPACITY);
	ski_registry_destroy(&registry);
}

/* One who stopped between setting a slot and counting it is helped. */
Test(registry, helps_who_stopped)
{
	_Atomic(void *) *chunk;

	cr_assert_eq(ski_registry_add(&registry, &entries[0]), 0);
	chunk = atomic_load_explicit(&registry.chunk[0], memory_order_relaxed);
	atomic_store_explicit(&chunk[1], &entries[1], memory_order_relaxed);
	cr_assert_eq(ski_registry_count(&registry), 1);
	cr_assert_eq(ski_registry_add(&registry, &entries[2]), 0);
	cr_expect_eq(ski_registry_count(&registry), 3);
	for (uint32_t i = 0; i < 3; i++)
		cr_expect_eq(ski_registry_at(&registry, i), &entries[i]);
	ski_registry_destroy(&registry);
}

enum {
	ADDERS = 6,
	READERS = 2,
	EACH = SCALED(20000),
	ALL = ADDERS * EACH,
};

/* Plain, so that TSan judges whether the entry was published. */
struct entry {
	unsigned adder, number;
};

static struct entry added[ADDERS][EACH];
static _Atomic bool scarce;
static _Atomic unsigned adding;

static void add_all(unsigned self)
{
	for (unsigned i = 0; i < EACH; i++) {
		added[self][i] = (struct entry){ self, i };
		while (ski_registry_add(&registry, &added[self][i]))
			CHECK(atomic_load_explicit(&scarce,
						   memory_order_relaxed));
	}
	/* Release: so the readers' last look sees it all. */
	atomic_fetch_sub_explicit(&adding, 1, memory_order_release);
}

/* Each sees what each adder added, in that adder's order, none twice. */
static void read_all(void)
{
	unsigned next[ADDERS] = { 0 };
	uint32_t seen = 0;
	bool last;

	do {
		uint32_t count;

		last = !atomic_load_explicit(&adding, memory_order_acquire);
		count = ski_registry_count(&registry);
		CHECK(count >= seen && count <= ALL);
		for (; seen < count; seen++) {
			const struct entry *entry =
				ski_registry_at(&registry, seen);

			CHECK(entry->adder < ADDERS);
			CHECK(entry->number == next[entry->adder]);
			next[entry->adder]++;
		}
		sched_yield();
	} while (!last);
	CHECK(seen == ALL);
}

static void add_or_read(unsigned self)
{
	if (self < ADDERS)
		add_all(self);
	else
		read_all();
}

static void add_and_read(void)
{
	atomic_store_explicit(&adding, ADDERS, memory_order_relaxed);
	crew_run(ADDERS + READERS, add_or_read);
	cr_expect_eq(ski_registry_count(&registry), ALL);
	read_all();
	settle();
	ski_registry_destroy(&registry);
}

Test(registry, loses_nothing)
{
	add_and_read();
}

static void add_or_starve(unsigned self)
{
	if (self < ADDERS + READERS) {
		add_or_read(self);
		return;
	}
	while (atomic_load_explicit(&adding, memory_order_acquire)) {
		memory_allow(0);
		sched_yield();
		memory_allow(1);
		sched_yield();
	}
}

/* Memory comes and goes: who was refused tries again. */
Test(registry, loses_nothing_without_memory)
{
	atomic_store_explicit(&scarce, true, memory_order_relaxed);
	atomic_store_explicit(&adding, ADDERS, memory_order_relaxed);
	crew_run(ADDERS + READERS + 1, add_or_starve);
	memory_relent();
	cr_expect_eq(ski_registry_count(&registry), ALL);
	read_all();
	settle();
	ski_registry_destroy(&registry);
}

static struct ski_registry *race[SCALED(2000)];

/* All meet at the first slot and the first chunk, again and again. */
static void add_first(unsigned self)
{
	for (size_t i = 0; i < COUNT_OF(race); i++)
		CHECK(!ski_registry_add(race[i], &added[self][0]));
}

Test(registry, first_adds_meet)
{
	for (size_t i = 0; i < COUNT_OF(race); i++)
		race[i] = ski_aligned_alloc(SKI_LINE, sizeof(*race[i]));
	crew_run(ADDERS, add_first);
	for (size_t i = 0; i < COUNT_OF(race); i++) {
		unsigned seen = 0;

		cr_assert_eq(ski_registry_count(race[i]), ADDERS);
		for (uint32_t at = 0; at < ADDERS; at++) {
			struct entry *entry = ski_registry_at(race[i], at);
			size_t adder = (size_t)(entry - added[0]) / EACH;

			cr_assert_lt(adder, ADDERS);
			seen |= 1U << adder;
		}
		cr_assert_eq(seen, (1U << ADDERS) - 1);
		ski_registry_destroy(race[i]);
		ski_free(race[i]);
	}
}
