/* SPDX-License-Identifier: MIT */
/*
 * Small straight-line programs, and which outcomes RC11 allows them.
 */
#ifndef EX_RC11_H
#define EX_RC11_H

#include <stdbool.h>
#include <stdint.h>

enum {
	RC11_THREADS = 4,
	RC11_OPS = 9, /* of a program */
	RC11_LOCATIONS = 3,
};

enum rc11_kind {
	RC11_LOAD,
	RC11_STORE,
	RC11_EXCHANGE,
	RC11_CAS,
	RC11_FENCE
};

/* Operation i stores the value i + 1. */
struct rc11_op {
	enum rc11_kind kind;
	unsigned thread, location;
	int order, failure;
	unsigned expected; /* of a CAS */
};

/* Operations of a thread are in its program order. */
struct rc11_program {
	unsigned count, locations;
	struct rc11_op op[RC11_OPS];
};

/* An outcome has four bits for what each operation read, then four for the
 * last value of each location. Some programs have thousands: a hash table, of
 * outcomes plus 1, so that 0 is an empty slot. */
struct rc11_outcomes {
	unsigned count, slots; /* a power of two, or 0 */
	uint64_t *slot;
};

static inline uint64_t rc11_read(unsigned op, unsigned value)
{
	return (uint64_t)value << op * 4;
}

static inline uint64_t rc11_last(unsigned location, unsigned value)
{
	return (uint64_t)value << (RC11_OPS + location) * 4;
}

void rc11_clear(struct rc11_outcomes *set);
void rc11_note(struct rc11_outcomes *set, uint64_t outcome);
bool rc11_has(const struct rc11_outcomes *set, uint64_t outcome);
void rc11_allowed(const struct rc11_program *program,
		  struct rc11_outcomes *out);

#endif
