/* SPDX-License-Identifier: MIT */
/*
 * Sleeping on a 32-bit word, as futex(2): the only way in which a thread of
 * this library blocks. futex_linux.c is the system call; futex_posix.c has the
 * same contract over mutexes and condition variables.
 *
 * A word is not shared between processes. Both calls preserve errno.
 */
#ifndef SKI_FUTEX_H
#define SKI_FUTEX_H

#include <stdint.h>

/*
 * Block while *@word equals @expected, until a wake or the time @deadline_ns of
 * ski_clock_ns() (negative: no deadline).
 *
 * Returns 0 if woken, if *@word differed, or for no reason at all (the word of
 * another waiter may have lived at this address): the caller looks at its word
 * again. Returns SKUA_ETIMEDOUT once the deadline has passed. Signals neither
 * end the wait nor prolong it.
 */
int ski_futex_wait(const void *word, uint32_t expected, int64_t deadline_ns);

/*
 * Wake up to @count threads that wait on @word.
 *
 * Only the address is used: the memory there may already be freed, unmapped or
 * something else. The caller has stored a value other than the waiters'
 * `expected` before.
 */
void ski_futex_wake(const void *word, int count);

#endif
