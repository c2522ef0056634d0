/* SPDX-License-Identifier: MIT */
/* test_error.c - the codes, their numbers and words, and the version. */
#include <criterion/criterion.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <skua/error.h>

TestSuite(error, .timeout = 60);

/* Frozen: from -1 down without a gap, in this order for ever. */
static const int codes[] = {
	SKUA_EINVAL,  SKUA_ENOMEM,    SKUA_EAGAIN,     SKUA_ECLOSED,
	SKUA_EFULL,   SKUA_ETIMEDOUT, SKUA_ECANCELLED, SKUA_EFAILED,
	SKUA_EBROKEN, SKUA_EDEADLK,   SKUA_ENONE,      SKUA_ENOWORKERS,
	SKUA_EBUSY,
};

enum {
	N = sizeof(codes) / sizeof(*codes)
};

Test(error, numbers_are_frozen)
{
	for (int i = 0; i < N; i++)
		cr_expect_eq(codes[i], -1 - i);
}

Test(error, each_code_has_words_of_its_own)
{
	const char *unknown = skua_strerror(INT_MIN);

	for (int i = 0; i <= N; i++) {
		cr_expect_gt(strlen(skua_strerror(-i)), 0);
		cr_expect_str_neq(skua_strerror(-i), unknown, "%d", -i);
		for (int j = 0; j < i; j++)
			cr_expect_str_neq(skua_strerror(-i), skua_strerror(-j),
					  "%d and %d", -i, -j);
	}
}

Test(error, others_are_none_of_ours)
{
	const char *unknown = skua_strerror(INT_MIN);

	cr_assert_not_null(unknown);
	cr_expect_str_eq(skua_strerror(-N - 1), unknown);
	cr_expect_str_eq(skua_strerror(1), unknown);
	cr_expect_str_eq(skua_strerror(INT_MAX), unknown);
}

Test(error, version_is_that_of_the_header)
{
	char text[64];

	snprintf(text, sizeof(text), "%d.%d.%d", SKUA_VERSION_MAJOR,
		 SKUA_VERSION_MINOR, SKUA_VERSION_PATCH);
	cr_expect_str_eq(skua_version(), text);
}
