/* SPDX-License-Identifier: MIT */
/*
 * Figures: the value of a cell, or its ratio to another. They are for the
 * 2-core machine that they were set on; elsewhere read them with that in mind.
 * They do not change the exit status: a benchmark measures, tests judge.
 */
#include "figures.h"

#include <stdio.h>

#include "table.h"

enum bound {
	AT_MOST,
	AT_LEAST
};

struct place {
	const char *peer; /* NULL: no such cell */
	unsigned workers;
};

struct figure {
	const char *text;
	const char *workload;
	const char *variant;
	struct place value;
	struct place over; /* without: the value as it is */
	enum bound bound;
	double wanted;
};

/* At most so many times as long as the peer. */
#define TIME(label, workload, variant, workers, peer, peer_workers, times) \
	{                                                                  \
		label, workload, variant, { "skua", workers },             \
			{ peer, peer_workers }, AT_MOST, times             \
	}

/* At least so many times as fast as the peer, with 2 workers. */
#define SPEED(label, workload, variant, peer, peer_workers, times) \
	{                                                          \
		label, workload, variant, { peer, peer_workers },  \
			{ "skua", 2 }, AT_LEAST, times             \
	}

static const struct figure figures[] = {
	{ "fib, 1 worker, to plain noinline C",
	  "fib",
	  "",
	  { "skua", 1 },
	  { "noinline", 1 },
	  AT_MOST,
	  0.70 },
	{ "fib, 2 workers to 1",
	  "fib",
	  "",
	  { "skua", 2 },
	  { "skua", 1 },
	  AT_MOST,
	  0.56 },
	{ "nqueens, speed-up of 2 workers",
	  "nqueens",
	  "",
	  { "skua", 1 },
	  { "skua", 2 },
	  AT_LEAST,
	  1.8 },
	{ "uts T1, speed-up of 2 workers",
	  "uts",
	  "T1",
	  { "skua", 1 },
	  { "skua", 2 },
	  AT_LEAST,
	  1.8 },
	{ "uts T3, speed-up of 2 workers",
	  "uts",
	  "T3",
	  { "skua", 1 },
	  { "skua", 2 },
	  AT_LEAST,
	  1.8 },
	{ "uts T5, speed-up of 2 workers",
	  "uts",
	  "T5",
	  { "skua", 1 },
	  { "skua", 2 },
	  AT_LEAST,
	  1.8 },
	{ "uts T1, 1 worker to serial",
	  "uts",
	  "T1",
	  { "skua", 1 },
	  { "serial", 1 },
	  AT_MOST,
	  1.10 },
	{ "uts T3, 1 worker to serial",
	  "uts",
	  "T3",
	  { "skua", 1 },
	  { "serial", 1 },
	  AT_MOST,
	  1.10 },
	{ "uts T5, 1 worker to serial",
	  "uts",
	  "T5",
	  { "skua", 1 },
	  { "serial", 1 },
	  AT_MOST,
	  1.10 },
	TIME("for cheap, 1 worker, to serial", "for", "cheap", 1, "serial", 1,
	     1.03),
	TIME("for cheap, 2 workers, to libgomp", "for", "cheap", 2, "libgomp",
	     2, 1),
	TIME("for cheap, 2 workers, to oneTBB", "for", "cheap", 2, "tbb", 2, 1),
	TIME("for triangle, 1 worker, to serial", "for", "triangle", 1,
	     "serial", 1, 1.03),
	TIME("for triangle, 2 workers, to libgomp", "for", "triangle", 2,
	     "libgomp", 2, 1),
	TIME("for triangle, 2 workers, to oneTBB", "for", "triangle", 2, "tbb",
	     2, 1),
	TIME("for spike, 1 worker, to serial", "for", "spike", 1, "serial", 1,
	     1.03),
	TIME("for spike, 2 workers, to libgomp", "for", "spike", 2, "libgomp",
	     2, 1),
	TIME("for spike, 2 workers, to oneTBB", "for", "spike", 2, "tbb", 2, 1),
	TIME("for nested, 1 worker, to serial", "for", "nested", 1, "serial", 1,
	     1.03),
	TIME("for nested, 2 workers, to libgomp", "for", "nested", 2, "libgomp",
	     2, 1),
	TIME("for nested, 2 workers, to oneTBB", "for", "nested", 2, "tbb", 2,
	     1),
	TIME("reduce, 1 worker, to serial", "reduce", "", 1, "serial", 1, 1.03),
	TIME("reduce, 2 workers, to libgomp", "reduce", "", 2, "libgomp", 2, 1),
	TIME("reduce, 2 workers, to oneTBB", "reduce", "", 2, "tbb", 2, 1),
	TIME("scan, 1 worker, to serial", "scan", "", 1, "serial", 1, 1.03),
	TIME("scan, 2 workers, to libgomp", "scan", "", 2, "libgomp", 2, 1),
	TIME("scan, 2 workers, to oneTBB", "scan", "", 2, "tbb", 2, 1),
	SPEED("scan, speed-up of 2 workers to serial", "scan", "", "serial", 1,
	      1.2),
	{ "whether a group is cancelled",
	  "group",
	  "asked",
	  { "skua", 1 },
	  { NULL, 0 },
	  AT_MOST,
	  2e-9 },
	{ "submit, 1 worker, throughput to mutex",
	  "submit",
	  "",
	  { "mutex", 1 },
	  { "skua", 1 },
	  AT_LEAST,
	  2 },
	{ "submit, 2 workers, throughput to mutex",
	  "submit",
	  "",
	  { "mutex", 2 },
	  { "skua", 2 },
	  AT_LEAST,
	  2 },
	{ "submit4, 1 worker, throughput to mutex",
	  "submit4",
	  "",
	  { "mutex", 1 },
	  { "skua", 1 },
	  AT_LEAST,
	  2 },
	{ "submit4, 2 workers, throughput to mutex",
	  "submit4",
	  "",
	  { "mutex", 2 },
	  { "skua", 2 },
	  AT_LEAST,
	  2 },
	{ "roundtrip awake, 1 worker",
	  "roundtrip",
	  "awake",
	  { "skua", 1 },
	  { NULL, 0 },
	  AT_MOST,
	  1e-6 },
	{ "roundtrip awake, 2 workers",
	  "roundtrip",
	  "awake",
	  { "skua", 2 },
	  { NULL, 0 },
	  AT_MOST,
	  1e-6 },
	{ "roundtrip asleep, 1 worker, to mutex",
	  "roundtrip",
	  "asleep",
	  { "skua", 1 },
	  { "mutex", 1 },
	  AT_MOST,
	  1 },
	{ "roundtrip asleep, 2 workers, to mutex",
	  "roundtrip",
	  "asleep",
	  { "skua", 2 },
	  { "mutex", 2 },
	  AT_MOST,
	  1 },
	{ "hidden, over ideal",
	  "hidden",
	  "",
	  { "skua", 2 },
	  { NULL, 0 },
	  AT_MOST,
	  1.15 },
	{ "mutex alone, to pthread's",
	  "mutex",
	  "alone",
	  { "skua", 1 },
	  { "mutex", 1 },
	  AT_MOST,
	  1.05 },
	{ "mutex contended, to pthread's",
	  "mutex",
	  "contended",
	  { "skua", 2 },
	  { "mutex", 2 },
	  AT_MOST,
	  1 },
	{ "a wait for an event",
	  "waits",
	  "",
	  { "skua", 2 },
	  { NULL, 0 },
	  AT_MOST,
	  2e-6 },
	{ "idle for 2 s, processor time",
	  "idle",
	  "empty",
	  { "skua", 2 },
	  { NULL, 0 },
	  AT_MOST,
	  1e-3 },
	{ "idle beside a busy task, 1 s",
	  "idle",
	  "beside",
	  { "skua", 2 },
	  { NULL, 0 },
	  AT_MOST,
	  10e-3 },
	{ "gzip, speed-up of 2 workers to serial",
	  "gzip",
	  "",
	  { "serial", 1 },
	  { "skua", 2 },
	  AT_LEAST,
	  1.8 },
	{ "pipeline, 2 workers, to oneTBB",
	  "pipeline",
	  "",
	  { "skua", 2 },
	  { "tbb", 2 },
	  AT_MOST,
	  1 },
	SPEED("sort of ints, 2 workers, speed to oneTBB", "sort", "random",
	      "tbb", 2, 1.05),
	SPEED("sort of strings, 2 workers, to oneTBB", "sort", "strings", "tbb",
	      2, 1.05),
	SPEED("sort of ints by call, 2 workers, to qsort()", "sort", "by call",
	      "serial", 1, 1.9),
	SPEED("map 100, 2 workers, speed to GLib", "map", "100", "gthreadpool",
	      2, 2),
	TIME("map 1000, 2 workers, to serial", "map", "1000", 2, "serial", 1,
	     0.55),
	{ "1,000,000 pending submits",
	  "pending",
	  "",
	  { "skua", 2 },
	  { NULL, 0 },
	  AT_MOST,
	  100e6 },
	{ "open and close a pool of 2",
	  "open",
	  "time",
	  { "skua", 2 },
	  { NULL, 0 },
	  AT_MOST,
	  300e-6 },
	{ "memory of an open pool of 2",
	  "open",
	  "memory",
	  { "skua", 2 },
	  { NULL, 0 },
	  AT_MOST,
	  1 << 20 },
};

static const struct cell *cell_at(const struct plan *plan,
				  const struct figure *figure,
				  struct place place)
{
	return plan_find(plan, figure->workload, figure->variant, place.peer,
			 place.workers);
}

static void print_line(const struct figure *figure, enum unit unit,
		       double reached)
{
	bool met = figure->bound == AT_MOST ? reached <= figure->wanted :
					      reached >= figure->wanted;
	char is[32], wanted[32];

	printf("  %-42s %10s  %s %-10s %s\n", figure->text,
	       table_format(unit, reached, is, sizeof(is)),
	       figure->bound == AT_MOST ? "<=" : ">=",
	       table_format(unit, figure->wanted, wanted, sizeof(wanted)),
	       met ? "met" : "MISSED");
}

static bool print_figure(const struct plan *plan, const struct figure *figure,
			 bool first)
{
	const struct cell *value = cell_at(plan, figure, figure->value);
	const struct cell *over = NULL;

	if (figure->over.peer)
		over = cell_at(plan, figure, figure->over);
	if (!value || (figure->over.peer && !over))
		return false;
	if (first)
		puts("\nFigures to reach, and reached");
	if (over)
		print_line(figure, UNIT_RATIO,
			   value->spread.median / over->spread.median);
	else
		print_line(figure, value->workload->unit, value->spread.median);
	return true;
}

void figures_print(const struct plan *plan)
{
	bool printed = false;

	for (size_t i = 0; i < sizeof(figures) / sizeof(*figures); i++)
		printed |= print_figure(plan, &figures[i], !printed);
}
