/* SPDX-License-Identifier: MIT */
/* Option structs of any age: what the caller knows, and defaults. */
#ifndef SKI_OPTIONS_H
#define SKI_OPTIONS_H

#include <stddef.h>

/*
 * Read the caller's @from, whose first member says its size, over the defaults
 * in @options of @size bytes. NULL: all defaults. Errors: SKUA_EINVAL (no
 * size, or something behind what we know that is not zero).
 */
int ski_options_read(void *options, size_t size, const void *from);

#endif
