/* SPDX-License-Identifier: MIT */
/* The report as text on stdout. */
#include "table.h"

#include <skua/skua.h>
#include <stdio.h>
#include <string.h>

#include "machine.h"

/* A processor that others use a quarter of the time spoils a comparison. */
static const double BUSY = 0.25;

struct scale {
	double factor;
	const char *name;
};

static const struct scale times[] = { { 1e0, "s" },
				      { 1e-3, "ms" },
				      { 1e-6, "us" },
				      { 1e-9, "ns" } };
static const struct scale sizes[] = { { 1 << 30, "GiB" },
				      { 1 << 20, "MiB" },
				      { 1 << 10, "KiB" },
				      { 1, "B" } };
static const struct scale plain[] = { { 1, "" },
				      { 1, "" },
				      { 1, "" },
				      { 1, "" } };

static const struct scale *scale_for(enum unit unit, double value)
{
	const struct scale *scale = unit == UNIT_SECONDS ? times :
				    unit == UNIT_BYTES	 ? sizes :
							   plain;

	for (int i = 0; i < 3 && value < scale->factor; i++)
		scale++;
	return scale;
}

const char *table_format(enum unit unit, double value, char *buffer,
			 size_t bytes)
{
	const struct scale *scale = scale_for(unit, value);
	double scaled = value / scale->factor;
	int decimals = scaled < 10 ? 2 : scaled < 100 ? 1 : 0;

	snprintf(buffer, bytes, "%.*f %s", decimals, scaled, scale->name);
	return buffer;
}

static void print_missing_workloads(const struct cmdline *cmdline)
{
	for (size_t i = 0; workloads[i]; i++) {
		if (workloads[i]->missing &&
		    names_select(&cmdline->only, workloads[i]->name))
			printf("Not measured: workload %s: %s\n",
			       workloads[i]->name, workloads[i]->missing);
	}
}

void table_print_head(const struct plan *plan, const struct cmdline *cmdline,
		      const struct peers *peers)
{
	printf("Skua %s on %s, %u processors, compiled by %s.\n",
	       skua_version(), machine_name(), machine_processors(),
	       machine_compiler());
	printf("At most %u rounds, peers in turns; median, least and most; "
	       "less is better.\n",
	       plan->rounds);
	if (!machine_is_optimised())
		puts("This is no release build: its figures mean nothing.");
	if (plan->load > BUSY)
		printf("Others keep %.1f processors busy here: figures with "
		       "threads mean little.\n",
		       plan->load);
	for (size_t i = 0; i < peers->count; i++) {
		if (!peers->entry[i].peer &&
		    names_select(&cmdline->peers, peers->entry[i].name))
			printf("Not measured: peer %s: not built (%s)\n",
			       peers->entry[i].name, peers->entry[i].remedy);
	}
	print_missing_workloads(cmdline);
}

static void print_title(const struct workload *workload)
{
	char label[64];

	printf("\n%s: %s\n", workload_label(workload, label, sizeof(label)),
	       workload->title);
	printf("  %-12s %7s  %11s %11s %11s  %8s %7s\n", "peer", "workers",
	       "median", "least", "most", "to skua", "rounds");
}

/* Beside Skua with as many workers. */
static void print_ratio(const struct plan *plan, const struct cell *cell)
{
	const struct cell *skua = plan_find(plan, cell->workload->name,
					    cell->workload->variant, "skua",
					    cell->workers);

	if (skua && skua->spread.median > 0)
		printf("  %7.2fx", cell->spread.median / skua->spread.median);
	else
		printf("  %8s", "-");
}

static void print_cell(const struct plan *plan, const struct cell *cell)
{
	enum unit unit = cell->workload->unit;
	char median[32], min[32], max[32];

	printf("  %-12s %7u  ", cell->peer->name, cell->workers);
	if (cell->error[0]) {
		printf("FAILED: %s\n", cell->error);
		return;
	}
	printf("%11s %11s %11s",
	       table_format(unit, cell->spread.median, median, sizeof(median)),
	       table_format(unit, cell->spread.min, min, sizeof(min)),
	       table_format(unit, cell->spread.max, max, sizeof(max)));
	print_ratio(plan, cell);
	printf(" %7zu\n", cell->count);
}

void table_print(const struct plan *plan)
{
	const struct workload *last = NULL;

	for (size_t i = 0; i < plan->count; i++) {
		if (plan->cells[i].workload != last)
			print_title(plan->cells[i].workload);
		last = plan->cells[i].workload;
		print_cell(plan, &plan->cells[i]);
	}
}

void table_print_list(const struct peers *peers)
{
	char label[64];

	puts("Workloads:");
	for (size_t i = 0; workloads[i]; i++) {
		const struct workload *workload = workloads[i];

		printf("  %-17s %s\n",
		       workload_label(workload, label, sizeof(label)),
		       workload->title);
		if (workload->missing)
			printf("  %-17s (%s)\n", "", workload->missing);
	}
	puts("Peers:");
	for (size_t i = 0; i < peers->count; i++) {
		const struct peer_entry *entry = &peers->entry[i];

		if (entry->peer)
			printf("  %s\n", entry->name);
		else
			printf("  %-17s not built (%s)\n", entry->name,
			       entry->remedy);
	}
}
