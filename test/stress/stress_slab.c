/* SPDX-License-Identifier: MIT */
/*
 * stress_slab.c - every thread allocates from a slab of its own, frees what it
 * finds of others, and gives its slab up now and then while its objects are
 * out. What is in an object stays; each is freed once; all memory comes back.
 */
#include "crew.h"

#include "../unit/core/failing_memory.h"
#include "slab.h"

enum {
	THREADS_MOST = CREW_MOST,
	PLACES = 1024, /* where objects are left for others */
	HELD = 200,
	WORDS = SKI_OBJECT_BYTES / sizeof(uint64_t),
};

struct player {
	struct ski_slab *slab;
	uint64_t random;
	uint64_t *held[HELD]; /* objects of any slab */
	size_t allocated, freed;
};

static struct player players[THREADS_MOST];
static _Atomic(uint64_t *) place[PLACES];
static size_t turns;

static uint64_t *allocate(struct player *self)
{
	uint64_t *object = ski_slab_alloc(self->slab);
	uint64_t mark = stress_random(&self->random);

	EXPECT(object);
	for (size_t i = 0; i < WORDS; i++)
		object[i] = mark + i;
	self->allocated++;
	return object;
}

static void discard(struct player *self, uint64_t *object)
{
	if (!object)
		return;
	for (size_t i = 0; i < WORDS; i++)
		EXPECT(object[i] == object[0] + i);
	/* Freed twice it would not look like this. */
	memset(object, 0x5a, SKI_OBJECT_BYTES);
	ski_slab_free(self->slab, object);
	self->freed++;
}

/* Leave @object, or nothing, where another was. */
static uint64_t *swap(struct player *self, uint64_t *object)
{
	/* Acquire and release: what is in the objects. */
	return atomic_exchange_explicit(
		&place[stress_below(&self->random, PLACES)], object,
		memory_order_acq_rel);
}

static void keep(struct player *self, uint64_t *object)
{
	unsigned at = stress_below(&self->random, HELD);

	discard(self, self->held[at]);
	self->held[at] = object;
}

static void turn(struct player *self)
{
	unsigned what = stress_below(&self->random, 100);

	if (what < 40)
		keep(self, allocate(self));
	else if (what < 70)
		discard(self, swap(self, allocate(self)));
	else if (what < 90)
		keep(self, swap(self, NULL));
	else
		keep(self, NULL);
}

static void renew(struct player *self)
{
	ski_slab_orphan(self->slab);
	self->slab = ski_slab_open(0);
	EXPECT(self->slab);
}

static void play(unsigned number)
{
	struct player *self = &players[number];

	*self = (struct player){ .slab = ski_slab_open(0),
				 .random = stress_stream(number) };
	EXPECT(self->slab);
	for (size_t i = 0; i < turns; i++) {
		turn(self);
		if (stress_below(&self->random, 3000) == 0)
			renew(self);
	}
	/* Some before, some after the slab is given up. */
	for (unsigned i = 0; i < HELD / 2; i++)
		discard(self, self->held[i]);
	ski_slab_orphan(self->slab);
	self->slab = NULL;
	for (unsigned i = HELD / 2; i < HELD; i++)
		discard(self, self->held[i]);
}

static void count(void)
{
	struct player *last = &players[0];
	size_t allocated = 0, freed = 0;

	for (unsigned i = 0; i < PLACES; i++)
		discard(last, atomic_exchange_explicit(&place[i], NULL,
						       memory_order_acquire));
	for (unsigned i = 0; i < stress.workers; i++) {
		allocated += players[i].allocated;
		freed += players[i].freed;
	}
	EXPECT(allocated == freed);
	/* And every chunk is unmapped again. */
	EXPECT(memory_mapped_since(0) == 0);
}

static void body(void)
{
	size_t rounds = stress_rounds(6, 200);

	EXPECT(stress.workers > 0 && stress.workers <= THREADS_MOST);
	turns = SCALED(6000000) / stress.workers;
	while (rounds--) {
		crew_run(stress.workers, play);
		count();
	}
}

int main(int argc, char *argv[])
{
	return stress_main(argc, argv, body);
}
