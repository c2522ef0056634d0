/* SPDX-License-Identifier: MIT */
/*
 * Settings from the environment, read strictly: a value that is not understood
 * is an error and never half of a number.
 */
#ifndef SKI_ENV_H
#define SKI_ENV_H

/*
 * Read the variable @name as a decimal number within [@min, @max] into *@out.
 *
 * Digits only: no space, sign, prefix or unit. Ignored in set-user-ID programs.
 * Errors, with *@out untouched: SKUA_ENONE (not set), SKUA_EINVAL (empty,
 * malformed or out of range).
 */
int ski_env_unsigned(const char *name, unsigned min, unsigned max,
		     unsigned *out);

#endif
