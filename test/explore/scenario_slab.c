/* SPDX-License-Identifier: MIT */
/*
 * Slabs: nobody gets an object that another still has, what was done with it
 * before it was freed happens before, and when the slab is given up each chunk
 * and the slab itself go once, with the last object. The source of core/slab.c;
 * a chunk has 3 objects.
 *
 * Thread 1 owns the slab. Whoever has an object keeps its own number in it.
 */
#include "slab.h"

enum {
	OBJECTS = 8
};

_Static_assert(SKI_CHUNK_OBJECTS == 3, "what the scenarios count on");

struct content {
	void *link; /* the slab's while it is free */
	unsigned holder; /* 0: nobody */
};

static struct {
	struct ski_slab *slab;
	struct content *object[OBJECTS]; /* out since the setup, or NULL */
} s;

static struct content *take(void)
{
	struct content *object = ski_slab_alloc(s.slab);

	if (!object)
		return NULL;
	ex_assert(!object->holder);
	object->holder = ex_self() + 1;
	return object;
}

/* The object's holder gives it back; @mine as in ski_slab_free(). */
static void give(struct content *object, struct ski_slab *mine)
{
	if (!object)
		return;
	ex_assert(object->holder);
	object->holder = 0;
	ski_slab_free(mine, object);
}

static void open_slab(unsigned objects)
{
	s.slab = ski_slab_open(0);
	ex_assert(s.slab);
	for (unsigned i = 0; i < objects; ++i)
		s.object[i] = take();
}

static void setup_one(void)
{
	open_slab(1);
}

static void setup_three(void)
{
	open_slab(3);
}

static void setup_two(void)
{
	open_slab(2);
}

static void setup_four(void)
{
	open_slab(4);
}

/* One object in each chunk is out. */
static void setup_two_chunks(void)
{
	setup_four();
	give(s.object[1], s.slab);
	give(s.object[2], s.slab);
}

/* As somebody to whom a future was handed. */
static void give_object(unsigned i)
{
	struct content *object = s.object[i];

	object->holder = ex_self() + 1;
	give(object, NULL);
}

static void give_first(void)
{
	give_object(0);
}

static void give_second(void)
{
	give_object(1);
}

static void give_last(void)
{
	give_object(3);
}

static void give_both(void)
{
	give_object(0);
	give_object(1);
}

/* Two at a time, kept until both are there: they differ. */
static void take_two(void)
{
	struct content *a = take(), *b = take();

	give(b, s.slab);
	give(a, s.slab);
}

static void take_twice(void)
{
	take_two();
	take_two();
}

static void orphan(void)
{
	ski_slab_orphan(s.slab);
}

/* Keeps one that others have freed meanwhile, or a new one. */
static void take_orphan_give(void)
{
	struct content *object = take();

	orphan();
	give(object, NULL);
}

static void free_own_and_orphan(void)
{
	give(s.object[1], s.slab);
	orphan();
}

/* What the setup took and nobody gave back, then the slab. */
static void check_open(void)
{
	give(s.object[2], s.slab);
	orphan();
}

static void check_last_three(void)
{
	for (unsigned i = 1; i < 4; ++i)
		give(s.object[i], NULL);
}

#define SLAB_SCENARIO(id, text, ...)                                  \
	EX_SCENARIO(id, .concept = "slab", .what = text, .state = &s, \
		    .state_bytes = sizeof(s), __VA_ARGS__)

SLAB_SCENARIO(slab_return, "what another frees comes back to the owner",
	      .setup = setup_three, .check = check_open, .spurious = 1,
	      .alloc_failures = 1, .run = { take_twice, give_both })
SLAB_SCENARIO(slab_two_freers, "two free while the owner takes the list",
	      .setup = setup_three, .check = check_open,
	      .run = { take_twice, give_first, give_second })
SLAB_SCENARIO(slab_orphan, "the slab is given up, its only object is freed",
	      .setup = setup_one, .spurious = 1, .run = { orphan, give_first })
SLAB_SCENARIO(slab_orphan_two, "... and two of one chunk", .setup = setup_two,
	      .run = { orphan, give_first, give_second })
SLAB_SCENARIO(slab_orphan_chunks, "... and those of two chunks",
	      .setup = setup_two_chunks,
	      .run = { orphan, give_first, give_last })
SLAB_SCENARIO(slab_orphan_empty, "... which the owner's own frees empty",
	      .setup = setup_two, .run = { free_own_and_orphan, give_first })
SLAB_SCENARIO(slab_orphan_take, "... after a last allocation",
	      .setup = setup_four, .check = check_last_three,
	      .alloc_failures = 1, .run = { take_orphan_give, give_first })
