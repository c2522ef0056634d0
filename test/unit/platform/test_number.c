/* SPDX-License-Identifier: MIT */
/* Strict decimal numbers. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>

#include "number.h"

TestSuite(number, .timeout = 30);

Test(number, numbers)
{
	static const struct {
		const char *text;
		uint64_t value;
	} rows[] = {
		{ "0", 0 },
		{ "00", 0 },
		{ "7", 7 },
		{ "08", 8 },
		{ "1024", 1024 },
		{ "0000000000000000000000000000000042", 42 },
		{ "4294967296", 4294967296 },
		{ "18446744073709551614", UINT64_MAX - 1 },
		{ "18446744073709551615", UINT64_MAX },
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		uint64_t value = 99;
		cr_expect(ski_number_parse(rows[i].text, &value), "%s",
			  rows[i].text);
		cr_expect_eq(value, rows[i].value, "%s", rows[i].text);
	}
}

Test(number, everything_else)
{
	static const char *const rows[] = {
		"",
		" ",
		" 4",
		"4 ",
		"\t4",
		"4\n",
		"+4",
		"-4",
		"-0",
		"4x",
		"x4",
		"0x10",
		"1e3",
		"1.0",
		"1,000",
		"1_0",
		"\xd9\xa4",
		"max",
		"18446744073709551616",
		"18446744073709551620",
		"99999999999999999999",
		"184467440737095516150",
		"340282366920938463463374607431768211456",
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		uint64_t value = 99;
		cr_expect(!ski_number_parse(rows[i], &value), "\"%s\"",
			  rows[i]);
		cr_expect_eq(value, 99, "\"%s\" touched the output", rows[i]);
	}
}

/* No byte but a digit is taken, wherever it stands. */
Test(number, every_byte)
{
	for (int c = 1; c < 256; c++) {
		for (int at = 0; at < 3; at++) {
			char text[] = "123";
			uint64_t value;
			text[at] = (char)c;
			cr_expect_eq(ski_number_parse(text, &value),
				     c >= '0' && c <= '9', "byte %d at %d", c,
				     at);
		}
	}
}

Test(number, round_trip)
{
	uint64_t x = 1;

	for (int i = 0; i < 10000; i++) {
		char text[32];
		uint64_t value;
		x = x * 6364136223846793005 + 1442695040888963407;
		snprintf(text, sizeof(text), "%" PRIu64, x >> i % 64);
		cr_assert(ski_number_parse(text, &value));
		cr_assert_eq(value, x >> i % 64);
	}
}
