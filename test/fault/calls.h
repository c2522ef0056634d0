/* SPDX-License-Identifier: MIT */
/*
 * calls.h - the calls of the library that can fail, wrapped by the linker
 * (--wrap, see meson.build): they fail on demand, and what they gave is
 * counted until it is given back.
 *
 * Only the library's own calls come here. What libc and liburcu call inside
 * does not.
 */
#ifndef CALLS_H
#define CALLS_H

#include <stdbool.h>
#include <stddef.h>

/* Which call, by its place in this table; the last are groups. */
struct call_group {
	const char *name;
	unsigned calls; /* bits */
	bool hint; /* its failure must not be noticed at all */
};

extern const struct call_group call_groups[];

/* From now on the @nth call of @group fails, or all from it on. */
void calls_fail(const struct call_group *group, unsigned nth, bool and_on);
void calls_relent(void);

/* How many calls have failed. */
unsigned calls_failed(void);

/* What the library holds: blocks, files and bytes of mappings; not those that
 * it could not unmap because the call failed. */
size_t calls_blocks(void);
size_t calls_mapped(void);

#endif
