/* SPDX-License-Identifier: MIT */
/*
 * Numbers in text, as environment variables and the files of the kernel have
 * them.
 */
#ifndef SKI_NUMBER_H
#define SKI_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Read all of @text as a decimal number into *@out. Digits only, at least one.
 * False, with *@out untouched, if it is anything else or does not fit.
 */
bool ski_number_parse(const char *text, uint64_t *out);

#endif
