/* SPDX-License-Identifier: MIT */
/* Futexes as this system has them. */
#define SUITE futex
#include "futex_tests.h"
