/* SPDX-License-Identifier: MIT */
/*
 * stress_registry.c - many threads add to one table while others read it: each
 * entry is there once, where it was first seen, and in the order of its adder.
 */
#include "crew.h"

#include "registry.h"

enum {
	THREADS_MOST = CREW_MOST
};

/* Plain: published by the add. */
struct entry {
	unsigned adder;
	size_t number;
};

static struct ski_registry registry;
static struct entry *entries;
static size_t each;
static _Alignas(SKI_LINE) atomic_uint adding;

/* One in four reads, if there are so many. */
static bool is_reader(unsigned self)
{
	return self % 4 == 3;
}

static unsigned adders(void)
{
	return stress.workers - stress.workers / 4;
}

/* The number of @self among the adders. */
static unsigned adder_of(unsigned self)
{
	return self - self / 4;
}

static void add_all(unsigned adder)
{
	for (size_t i = 0; i < each; i++) {
		struct entry *entry = &entries[adder * each + i];

		*entry = (struct entry){ adder, i };
		EXPECT(ski_registry_add(&registry, entry) == 0);
	}
	/* Release: the readers' last look sees it all. */
	atomic_fetch_sub_explicit(&adding, 1, memory_order_release);
}

static void read_all(void)
{
	size_t next[THREADS_MOST] = { 0 };
	uint32_t seen = 0;
	bool last;

	do {
		uint32_t count;

		last = !atomic_load_explicit(&adding, memory_order_acquire);
		count = ski_registry_count(&registry);
		EXPECT(count >= seen);
		for (; seen < count; seen++) {
			struct entry *entry = ski_registry_at(&registry, seen);

			EXPECT(entry->adder < adders());
			EXPECT(entry->number == next[entry->adder]++);
		}
		sched_yield();
	} while (!last);
	EXPECT(seen == each * adders());
}

static void add_or_read(unsigned self)
{
	if (is_reader(self))
		read_all();
	else
		add_all(adder_of(self));
}

/* A large table, or many small ones, where the first slots are contended. */
static void fill_tables(size_t tables, size_t entries_each)
{
	each = entries_each;
	entries = malloc(each * adders() * sizeof(*entries));
	EXPECT(entries);
	while (tables--) {
		atomic_store_explicit(&adding, adders(), memory_order_relaxed);
		crew_run(stress.workers, add_or_read);
		read_all();
		ski_registry_destroy(&registry);
		memset(&registry, 0, sizeof(registry));
	}
	free(entries);
}

static void body(void)
{
	EXPECT(stress.workers > 0 && stress.workers <= THREADS_MOST);
	fill_tables(stress_rounds(2, 40), SCALED(2000000) / adders());
	fill_tables(stress_rounds(SCALED(300), SCALED(10000)), 5);
}

int main(int argc, char *argv[])
{
	return stress_main(argc, argv, body);
}
