/* SPDX-License-Identifier: MIT */
/*
 * How many CPUs this process may use: what containers, batch systems and
 * taskset allow, not what the machine has.
 */
#ifndef SKI_CPUS_H
#define SKI_CPUS_H

#include "env.h"

/*
 * The least of the affinity mask of the calling thread and the CPU quota of its
 * control group, at least 1.
 */
unsigned ski_cpus_usable(void);

/*
 * The CPU quota of this process's control group and of all groups above it, in
 * whole CPUs, rounded up; UINT_MAX if there is none. cgroup v1 and v2.
 *
 * @root is put before every path that is read ("": the system's own), so that
 * a test can lay out a tree of its own.
 */
unsigned ski_cpus_quota(const char *root);

#endif
