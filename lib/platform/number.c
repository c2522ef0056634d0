/* SPDX-License-Identifier: MIT */
/*
 * Strict decimal numbers. strtoul() takes spaces, signs and, in some locales,
 * more.
 */
#include "number.h"

bool ski_number_parse(const char *text, uint64_t *out)
{
	uint64_t value = 0;

	if (!*text)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (unsigned)(*text - '0'),
					   &value))
			return false;
	}
	*out = value;
	return true;
}
