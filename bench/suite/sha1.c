/* SPDX-License-Identifier: MIT */
/*
 * SHA-1 of one block, unrolled so that the message schedule has constant
 * indices and the five variables only change their names from step to step.
 */
#include "sha1.h"

#include <string.h>

static inline uint32_t rotate(uint32_t x, unsigned bits)
{
	return x << bits | x >> (32 - bits);
}

static inline uint32_t choose(uint32_t b, uint32_t c, uint32_t d)
{
	return d ^ (b & (c ^ d));
}

static inline uint32_t parity(uint32_t b, uint32_t c, uint32_t d)
{
	return b ^ c ^ d;
}

static inline uint32_t majority(uint32_t b, uint32_t c, uint32_t d)
{
	return (b & c) | (d & (b | c));
}

/* The message itself for the first 16 steps, then its recurrence, in place. */
#define GIVEN(t) w[t]
#define MIXED(t)                                                     \
	(w[(t)&15] = rotate(w[((t) + 13) & 15] ^ w[((t) + 8) & 15] ^ \
				    w[((t) + 2) & 15] ^ w[(t)&15],   \
			    1))

#define STEP(a, b, c, d, e, mix, constant, word)                 \
	(e += rotate(a, 5) + mix(b, c, d) + (constant) + (word), \
	 b = rotate(b, 30))

#define FIVE(mix, constant, word, t)                               \
	do {                                                       \
		STEP(a, b, c, d, e, mix, constant, word(t));       \
		STEP(e, a, b, c, d, mix, constant, word((t) + 1)); \
		STEP(d, e, a, b, c, mix, constant, word((t) + 2)); \
		STEP(c, d, e, a, b, mix, constant, word((t) + 3)); \
		STEP(b, c, d, e, a, mix, constant, word((t) + 4)); \
	} while (0)

#define TWENTY(mix, constant, t)                      \
	do {                                          \
		FIVE(mix, constant, MIXED, t);        \
		FIVE(mix, constant, MIXED, (t) + 5);  \
		FIVE(mix, constant, MIXED, (t) + 10); \
		FIVE(mix, constant, MIXED, (t) + 15); \
	} while (0)

static struct sha1 hash_block(uint32_t w[16])
{
	static const struct sha1 start = { { 0x67452301, 0xefcdab89, 0x98badcfe,
					     0x10325476, 0xc3d2e1f0 } };
	uint32_t a = start.word[0], b = start.word[1], c = start.word[2];
	uint32_t d = start.word[3], e = start.word[4];

	FIVE(choose, 0x5a827999, GIVEN, 0);
	FIVE(choose, 0x5a827999, GIVEN, 5);
	FIVE(choose, 0x5a827999, GIVEN, 10);
	STEP(a, b, c, d, e, choose, 0x5a827999, GIVEN(15));
	STEP(e, a, b, c, d, choose, 0x5a827999, MIXED(16));
	STEP(d, e, a, b, c, choose, 0x5a827999, MIXED(17));
	STEP(c, d, e, a, b, choose, 0x5a827999, MIXED(18));
	STEP(b, c, d, e, a, choose, 0x5a827999, MIXED(19));
	TWENTY(parity, 0x6ed9eba1, 20);
	TWENTY(majority, 0x8f1bbcdc, 40);
	TWENTY(parity, 0xca62c1d6, 60);

	return (struct sha1){ { start.word[0] + a, start.word[1] + b,
				start.word[2] + c, start.word[3] + d,
				start.word[4] + e } };
}

struct sha1 sha1_words(const uint32_t words[], unsigned count)
{
	uint32_t block[16] = { 0 };

	memcpy(block, words, count * sizeof(*words));
	block[count] = 0x80000000;
	block[15] = count * 32;
	return hash_block(block);
}
