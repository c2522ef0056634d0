/* SPDX-License-Identifier: MIT */
/* The scenarios, for the table. */
#ifndef SCENARIOS_H
#define SCENARIOS_H

#include "fault.h"

/* scenarios_submit.c */
void scenario_open(void);
void scenario_default(void);
void scenario_submit(void);
void scenario_submit_with(void);
void scenario_submit_many(void);
void scenario_growth(void);
void scenario_guests(void);
void scenario_bounded(void);

/* scenarios_wait.c */
void scenario_fork_join(void);
void scenario_chain(void);
void scenario_block(void);
void scenario_suspend(void);
void scenario_timed(void);
void scenario_trim(void);
void scenario_isolate(void);

/* scenarios_pool.c */
void scenario_resize(void);
void scenario_resize_none(void);
void scenario_pause(void);

/* scenarios_sync.c */
void scenario_locks(void);
void scenario_told(void);
void scenario_gave_way(void);

/* scenarios_gather.c */
void scenario_promises(void);
void scenario_callbacks(void);
void scenario_wait_many(void);
void scenario_completed(void);

/* scenarios_algo.c */
void scenario_map(void);
void scenario_map_stream(void);
void scenario_ordered(void);

/* scenarios_loops.c */
void scenario_loop(void);
void scenario_reduce(void);
void scenario_scan(void);
void scenario_sort(void);
void scenario_pipeline(void);
void scenario_invoke(void);
void scenario_group(void);

/* scenarios_close.c */
void scenario_cancel(void);
void scenario_cancel_inside(void);
void scenario_close(void);
void scenario_close_outside(void);

/* scenarios_thread.c */
void scenario_threads(void);

/* scenarios_requests.c */
void scenario_requests(void);

#endif
