/* SPDX-License-Identifier: MIT */
/* The scenarios by name; meson.build has the same list. */
#include "scenarios.h"

const struct scenario fault_scenarios[] = {
	{ "open", scenario_open, false },
	{ "default", scenario_default, true },
	{ "submit", scenario_submit, false },
	{ "submit_with", scenario_submit_with, false },
	{ "submit_many", scenario_submit_many, false },
	{ "growth", scenario_growth, false },
	{ "guests", scenario_guests, false },
	{ "fork_join", scenario_fork_join, false },
	{ "chain", scenario_chain, false },
	{ "block", scenario_block, false },
	{ "suspend", scenario_suspend, false },
	{ "timed", scenario_timed, false },
	{ "trim", scenario_trim, false },
	{ "cancel", scenario_cancel, false },
	{ "cancel_inside", scenario_cancel_inside, false },
	{ "close", scenario_close, false },
	{ "close_outside", scenario_close_outside, false },
	{ "threads", scenario_threads, false },
	{ NULL, NULL, false },
};
