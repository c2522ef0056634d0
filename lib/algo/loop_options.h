/* SPDX-License-Identifier: MIT */
/* Option structs of any age, as sched/options.h has them. */
#ifndef SKI_LOOP_OPTIONS_H
#define SKI_LOOP_OPTIONS_H

#include <stddef.h>
#include <string.h>

#include <skua/error.h>

/* No struct of options will ever be larger: what is, is not one. */
#define SKI_OPTIONS_MAX 4096

/* The caller's @from over the defaults in @options of @size bytes; NULL leaves
 * them. SKUA_EINVAL: no size, or something that we do not know. */
static inline int ski_options_take(void *options, size_t size, const void *from)
{
	size_t theirs;

	if (!from)
		return 0;
	memcpy(&theirs, from, sizeof(theirs));
	if (theirs < sizeof(theirs) || theirs > SKI_OPTIONS_MAX)
		return SKUA_EINVAL;
	for (size_t i = size; i < theirs; i++)
		if (((const unsigned char *)from)[i])
			return SKUA_EINVAL;
	memcpy(options, from, theirs < size ? theirs : size);
	return 0;
}

#endif
