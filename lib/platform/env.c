/* SPDX-License-Identifier: MIT */
/*
 * Settings from the environment. secure_getenv(): whoever starts a set-user-ID
 * program does not decide how many threads it has.
 */
#include "env.h"

#include <stdlib.h>

#include <skua/error.h>

#include "number.h"

int ski_env_unsigned(const char *name, unsigned min, unsigned max,
		     unsigned *out)
{
	const char *text = secure_getenv(name);
	uint64_t value;

	if (!text)
		return SKUA_ENONE;
	if (!ski_number_parse(text, &value) || value < min || value > max)
		return SKUA_EINVAL;
	*out = (unsigned)value;
	return 0;
}
