/* SPDX-License-Identifier: MIT */
/* The plan: cells, rounds. */
#include "plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine.h"
#include "progress.h"
#include "sample.h"
#include "stopwatch.h"

/* A peer that is many times slower than the others need not prove it in every
 * round: when it has taken this long times the number of all rounds, it gets no
 * more of them. */
static const double ROUND_SECONDS = 0.3;

static int add_cell(struct plan *plan, const struct workload *workload,
		    const struct peer *peer, unsigned workers)
{
	double *values = calloc(plan->rounds, sizeof(*values));

	if (!values)
		return -1;
	plan->cells[plan->count++] = (struct cell){
		.workload = workload,
		.peer = peer,
		.workers = workers,
		.values = values,
	};
	return 0;
}

/* Peers without threads stand in the first group, once. */
static bool belongs(const struct workload *workload, const struct peer *peer,
		    unsigned workers, bool first)
{
	if (!peer || !workload->fits(peer))
		return false;
	return peer->threads ? workers >= workload->workers_min : first;
}

static int add_group(struct plan *plan, const struct workload *workload,
		     const struct cmdline *cmdline, const struct peers *peers,
		     unsigned workers, bool first)
{
	for (size_t i = 0; i < peers->count; i++) {
		const struct peer *peer = peers->entry[i].peer;

		if (names_select(&cmdline->peers, peers->entry[i].name) &&
		    belongs(workload, peer, workers, first) &&
		    add_cell(plan, workload, peer, peer->threads ? workers : 1))
			return -1;
	}
	return 0;
}

static int add_workload(struct plan *plan, const struct workload *workload,
			const struct cmdline *cmdline,
			const struct peers *peers)
{
	for (size_t i = 0; i < cmdline->workers_count; i++) {
		if (add_group(plan, workload, cmdline, peers,
			      cmdline->workers[i], i == 0))
			return -1;
	}
	return 0;
}

int plan_open(struct plan *plan, const struct cmdline *cmdline,
	      const struct peers *peers)
{
	size_t most = 0;

	while (workloads[most])
		most++;
	most *= cmdline->workers_count * peers->count;
	*plan = (struct plan){
		.rounds = cmdline->rounds,
		.load = machine_load(),
		.cells = calloc(most, sizeof(*plan->cells)),
	};
	if (!plan->cells)
		return -1;
	for (size_t i = 0; workloads[i]; i++) {
		if (!names_select(&cmdline->only, workloads[i]->name) ||
		    workloads[i]->missing)
			continue;
		if (add_workload(plan, workloads[i], cmdline, peers)) {
			plan_close(plan);
			return -1;
		}
	}
	return 0;
}

void plan_close(struct plan *plan)
{
	for (size_t i = 0; i < plan->count; i++)
		free(plan->cells[i].values);
	free(plan->cells);
}

static void measure(struct cell *cell)
{
	struct trial trial = { cell->workload, cell->peer, cell->workers,
			       cell->count == 0 };
	double start = wall_seconds();
	struct sample sample = sample_take(&trial);

	cell->spent_seconds += wall_seconds() - start;
	if (sample.error[0])
		memcpy(cell->error, sample.error, sizeof(cell->error));
	else
		cell->values[cell->count++] = sample.value;
}

static bool has_time_left(const struct cell *cell, unsigned rounds)
{
	double seconds = cell->workload->seconds;

	return cell->spent_seconds <
	       rounds * (seconds > 0 ? seconds : ROUND_SECONDS);
}

static void run_round(struct cell cells[], size_t count, unsigned rounds,
		      struct progress *bar)
{
	for (size_t i = 0; i < count; i++) {
		struct cell *cell = &cells[i];

		progress_step(bar, cell);
		if (!cell->error[0] && has_time_left(cell, rounds))
			measure(cell);
	}
}

static size_t finish(struct cell cells[], size_t count)
{
	size_t failed = 0;

	for (size_t i = 0; i < count; i++) {
		if (cells[i].count)
			cells[i].spread =
				spread_of(cells[i].values, cells[i].count);
		failed += cells[i].error[0] != '\0';
	}
	return failed;
}

static void fail_all(struct cell cells[], size_t count)
{
	for (size_t i = 0; i < count; i++)
		snprintf(cells[i].error, sizeof(cells[i].error),
			 "could not be prepared");
}

/* The cells from @at on that share a workload. */
static size_t cells_alike(const struct plan *plan, size_t at)
{
	size_t end = at;

	while (end < plan->count &&
	       plan->cells[end].workload == plan->cells[at].workload)
		end++;
	return end - at;
}

static size_t run_workload(struct cell cells[], size_t count, unsigned rounds,
			   struct progress *bar)
{
	const struct workload *workload = cells[0].workload;

	if (workload->prepare && workload->prepare())
		fail_all(cells, count);
	for (unsigned round = 0; round < rounds; round++)
		run_round(cells, count, rounds, bar);
	return finish(cells, count);
}

size_t plan_run(struct plan *plan)
{
	struct progress bar;
	size_t failed = 0, count;

	progress_open(&bar, plan->count * plan->rounds);
	for (size_t at = 0; at < plan->count; at += count) {
		count = cells_alike(plan, at);
		failed += run_workload(&plan->cells[at], count, plan->rounds,
				       &bar);
	}
	progress_close(&bar);
	return failed;
}

const struct cell *plan_find(const struct plan *plan, const char *workload,
			     const char *variant, const char *peer,
			     unsigned workers)
{
	for (size_t i = 0; i < plan->count; i++) {
		const struct cell *cell = &plan->cells[i];

		if (cell->count && cell->workers == workers &&
		    !strcmp(cell->workload->name, workload) &&
		    !strcmp(cell->workload->variant, variant) &&
		    !strcmp(cell->peer->name, peer))
			return cell;
	}
	return NULL;
}
