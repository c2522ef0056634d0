/* SPDX-License-Identifier: MIT */
/*
 * Snapshots: the next execution goes on from a choice of the last one instead of
 * doing again all that led to it. It is the same execution that the choices from
 * the start would make, so what is explored does not depend on snapshots.
 *
 * What a snapshot has is copied where it is small or written by the scenario
 * itself (its state, blocks, stacks, thread-local variables): each file names
 * its own to ex_keep(). What is large and changes little (cells, locations,
 * stores) is not copied: whoever changes such a record hands it to
 * ex_undo_note() first, which logs what it was, once after each snapshot.
 *
 * Snapshots are a stack, as the choices of the depth-first search are, and not
 * each choice has one: a few accesses are done again sooner than a snapshot is
 * made.
 */
#include <stdlib.h>
#include <string.h>

#include "engine.h"

enum {
	SNAPSHOTS = 1024,
	GAP = 4 /* choices between two snapshots */
};

struct snapshot {
	unsigned depth; /* choices that were made before */
	size_t kept, kept_end; /* its part of what is kept */
	size_t logged; /* what was logged before it */
	jmp_buf context;
};

/* In a buffer: followed by what was there, rounded up to 8 bytes. */
struct piece {
	void *at;
	size_t bytes;
};

struct buffer {
	unsigned char *start;
	size_t used, room;
};

static struct snapshot snapshots[SNAPSHOTS];
static unsigned count;
static struct buffer kept, logged;
uint32_t ex_undo_epoch; /* 0: there is no snapshot */

static uint32_t next_epoch(void)
{
	static uint32_t last;

	return last = last == UINT32_MAX ? 1 : last + 1;
}

static size_t rounded(size_t bytes)
{
	return (bytes + 7) & ~(size_t)7;
}

static void *extend(struct buffer *b, size_t bytes)
{
	void *at;

	if (b->room - b->used < bytes) {
		b->room = 2 * b->room + bytes + (1 << 20);
		b->start = realloc(b->start, b->room);
		if (!b->start)
			abort();
	}
	at = b->start + b->used;
	b->used += bytes;
	return at;
}

void ex_keep(void *at, size_t bytes)
{
	struct piece *p;

	if (!bytes)
		return;
	p = extend(&kept, sizeof(*p) + rounded(bytes));
	p->at = at;
	p->bytes = bytes;
	memcpy(p + 1, at, bytes);
}

/* The size comes last, since the log is read from its end. */
void ex_undo_log(void *at, size_t bytes)
{
	size_t room = rounded(bytes);
	unsigned char *p = extend(&logged, room + sizeof(struct piece));

	memcpy(p, at, bytes);
	*(struct piece *)(void *)(p + room) = (struct piece){ at, bytes };
}

static void undo(size_t until)
{
	while (logged.used > until) {
		struct piece *p =
			(void *)(logged.start + logged.used - sizeof(*p));

		logged.used -= sizeof(*p) + rounded(p->bytes);
		memcpy(p->at, logged.start + logged.used, p->bytes);
	}
}

/* Its stack is kept from the caller's frame on. */
__attribute__((noinline)) static void keep_all(void)
{
	ex_schedule_keep(__builtin_frame_address(0));
	ex_model_keep();
	ex_order_keep();
	ex_rcu_keep();
	ex_memory_keep();
	ex_locals_keep();
}

/* Before choice number @depth, which is new. Returns again in each execution
 * that begins here. */
void ex_snapshot(unsigned depth)
{
	struct snapshot *s = &snapshots[count];

	if (count == SNAPSHOTS ||
	    (count && depth - snapshots[count - 1].depth < GAP))
		return;
	s->depth = depth;
	s->kept = kept.used;
	s->logged = logged.used;
	++count;
	if (_setjmp(s->context))
		return;
	ex_undo_epoch = next_epoch();
	keep_all();
	s->kept_end = kept.used;
}

/* Leaves those that were made before choice number @depth, or at it. */
void ex_snapshots_drop(unsigned depth)
{
	while (count && snapshots[count - 1].depth > depth)
		--count;
}

void ex_snapshots_clear(void)
{
	count = 0;
	kept.used = logged.used = 0;
	ex_undo_epoch = 0;
}

/* How many choices the newest has behind it; false: there is none. */
bool ex_snapshot_depth(unsigned *depth)
{
	if (!count)
		return false;
	*depth = snapshots[count - 1].depth;
	return true;
}

/* To be called on the stack of the command. */
_Noreturn void ex_snapshot_resume(void)
{
	struct snapshot *s = &snapshots[count - 1];
	size_t at = s->kept;

	undo(s->logged);
	while (at < s->kept_end) {
		struct piece *p = (void *)(kept.start + at);

		memcpy(p->at, p + 1, p->bytes);
		at += sizeof(*p) + rounded(p->bytes);
	}
	kept.used = at;
	ex_undo_epoch = next_epoch();
	_longjmp(s->context, 1);
}
