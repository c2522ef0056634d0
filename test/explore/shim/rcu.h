/* SPDX-License-Identifier: MIT */
/*
 * Stands in the place of lib/core/rcu.h when scenarios are compiled: read-side
 * sections and grace periods as the explorer has them (rcu.c).
 */
#ifndef SKI_RCU_H
#define SKI_RCU_H

#include "hooks.h"

#define ski_rcu_read_lock() ex_rcu_read_lock(EX_SITE("rcu read lock"))
#define ski_rcu_read_unlock() ex_rcu_read_unlock(EX_SITE("rcu read unlock"))
#define ski_rcu_synchronize() ex_rcu_synchronize(EX_SITE("rcu synchronize"))

/* Threads of a scenario are known from the start. */
#define urcu_bp_register_thread() ((void)0)

#endif
