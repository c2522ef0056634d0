/* SPDX-License-Identifier: MIT */
/* In place of work_gzip.c where there is no zlib. */
#include "works.h"

const struct workload work_gzip = {
	.name = "gzip",
	.variant = "",
	.title = "compress 100 MB of files in blocks of 128 KiB, in order",
	.unit = UNIT_SECONDS,
	.missing = "built without zlib: apt-get install zlib1g-dev",
};
