/* SPDX-License-Identifier: MIT */
/* Settings from the environment. */
#include <criterion/criterion.h>
#include <limits.h>
#include <stdlib.h>

#include <skua/error.h>

#include "env.h"

TestSuite(env, .timeout = 30);

static const char name[] = "SKUA_TEST_ENV";

/* What reading @text within the limits gives; the output is checked. */
static int read_as(const char *text, unsigned min, unsigned max,
		   unsigned expected)
{
	unsigned value = 12345;
	int error;

	setenv(name, text, 1);
	error = ski_env_unsigned(name, min, max, &value);
	cr_expect_eq(value, error ? 12345 : expected, "\"%s\" gave %u", text,
		     value);
	return error;
}

Test(env, not_set)
{
	unsigned value = 12345;

	unsetenv(name);
	cr_expect_eq(ski_env_unsigned(name, 0, UINT_MAX, &value), SKUA_ENONE);
	cr_expect_eq(value, 12345);
}

Test(env, numbers)
{
	cr_expect_eq(read_as("4", 1, 1024, 4), 0);
	cr_expect_eq(read_as("1", 1, 1024, 1), 0);
	cr_expect_eq(read_as("1024", 1, 1024, 1024), 0);
	cr_expect_eq(read_as("0", 0, 0, 0), 0);
	cr_expect_eq(read_as("4294967295", 0, UINT_MAX, UINT_MAX), 0);
}

Test(env, out_of_range)
{
	cr_expect_eq(read_as("0", 1, 1024, 0), SKUA_EINVAL);
	cr_expect_eq(read_as("1025", 1, 1024, 0), SKUA_EINVAL);
	cr_expect_eq(read_as("4294967296", 0, UINT_MAX, 0), SKUA_EINVAL);
	/* 1 more than 2^32 must not come out as 1. */
	cr_expect_eq(read_as("4294967297", 0, UINT_MAX, 0), SKUA_EINVAL);
	cr_expect_eq(read_as("99999999999999999999", 0, UINT_MAX, 0),
		     SKUA_EINVAL);
}

Test(env, malformed)
{
	static const char *const rows[] = { "",	  " 4",	 "4 ", "+4",   "-4",
					    "4x", "0x4", "4.", "four", "\n" };

	for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		cr_expect_eq(read_as(rows[i], 0, UINT_MAX, 0), SKUA_EINVAL,
			     "\"%s\"", rows[i]);
}
