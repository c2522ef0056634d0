/* SPDX-License-Identifier: MIT */
/*
 * The registry: each entry is added once, every index below the count has one
 * with what its owner wrote, and it never moves. The source of core/registry.c;
 * the first chunk has one slot, the next two.
 */
#include "registry.h"

enum {
	ENTRIES = 4
};

static struct {
	struct ski_registry registry;
	unsigned entry[ENTRIES]; /* plain, before the add */
	bool added[ENTRIES];
} s;

static void add(unsigned i)
{
	int error;

	s.entry[i] = i + 1;
	error = ski_registry_add(&s.registry, &s.entry[i]);
	ex_assert(!error || error == SKUA_ENOMEM);
	s.added[i] = !error;
}

static void add_first(void)
{
	add(0);
}

static void add_second(void)
{
	add(1);
}

static void add_third(void)
{
	add(2);
}

static void add_two(void)
{
	add(0);
	add(1);
}

static unsigned number_at(uint32_t i)
{
	unsigned *entry = ski_registry_at(&s.registry, i);

	ex_assert(entry && *entry == (unsigned)(entry - s.entry) + 1);
	return *entry;
}

static void look(void)
{
	uint32_t count = ski_registry_count(&s.registry);

	for (uint32_t i = 0; i < count; ++i)
		number_at(i);
}

/* What is there stays where it is. */
static void look_twice(void)
{
	uint32_t count = ski_registry_count(&s.registry);
	unsigned first = count ? number_at(0) : 0;

	look();
	ex_assert(!count || number_at(0) == first);
}

static void check(void)
{
	uint32_t count = ski_registry_count(&s.registry);
	unsigned times[ENTRIES] = { 0 };

	for (uint32_t i = 0; i < count; ++i)
		times[number_at(i) - 1]++;
	for (unsigned i = 0; i < ENTRIES; ++i)
		ex_assert(times[i] == s.added[i]);
	ski_registry_destroy(&s.registry);
}

#define REGISTRY_SCENARIO(id, text, ...)                                  \
	EX_SCENARIO(id, .concept = "registry", .what = text, .state = &s, \
		    .state_bytes = sizeof(s), .check = check, __VA_ARGS__)

REGISTRY_SCENARIO(registry_add, "three add at the same time",
		  .run = { add_first, add_second, add_third })
REGISTRY_SCENARIO(registry_look, "a reader while two add",
		  .run = { add_two, add_third, look_twice })
REGISTRY_SCENARIO(registry_no_memory, "no memory for a chunk, for one of them",
		  .alloc_failures = 1, .run = { add_two, add_third, look })
