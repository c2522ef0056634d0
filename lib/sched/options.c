/* SPDX-License-Identifier: MIT */
#include "options.h"

#include <string.h>

#include <skua/error.h>

/* No struct of options will ever be larger: what is, is not one. */
enum {
	OPTIONS_MAX = 4096
};

int ski_options_read(void *options, size_t size, const void *from)
{
	size_t theirs;

	if (!from)
		return 0;
	memcpy(&theirs, from, sizeof(theirs));
	if (theirs < sizeof(theirs) || theirs > OPTIONS_MAX)
		return SKUA_EINVAL;
	for (size_t i = size; i < theirs; i++)
		if (((const unsigned char *)from)[i])
			return SKUA_EINVAL;
	memcpy(options, from, theirs < size ? theirs : size);
	return 0;
}
