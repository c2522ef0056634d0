/* SPDX-License-Identifier: MIT */
/*
 * SHA-1 (FIPS 180-4) of very short messages, for the random numbers of UTS.
 *
 * Called by uts.c alone. Portable C and no vector instructions, so that every
 * peer of the benchmark hashes at the same speed on every machine. Not meant
 * for security: SHA-1 is broken there.
 */
#ifndef BENCH_SHA1_H
#define BENCH_SHA1_H

#include <stdint.h>

/* A digest, as the five big-endian words that the standard calls H0 to H4. */
struct sha1 {
	uint32_t word[5];
};

/* The most words that fit one block beside the padding and the length. */
enum {
	SHA1_WORDS_MAX = 13
};

/*
 * Hash a message of @count whole words, at most SHA1_WORDS_MAX, each standing
 * for its four bytes in big-endian order.
 */
struct sha1 sha1_words(const uint32_t words[], unsigned count);

#endif
