/* SPDX-License-Identifier: MIT */
/*
 * The picture: a panel for each number of workers, a group of bars for each
 * workload, a bar for each peer. A bar's height is how many times as fast as
 * the fastest of the other task runtimes the peer was, on a logarithmic scale
 * that it leaves upwards or downwards at 1. Serial C stands in each panel.
 *
 * gnuplot draws; what it gets is a script with the data in it.
 */
#include "picture.h"

#include <math.h>
#include <skua/skua.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine.h"

struct colour {
	const char *peer;
	const char *rgb;
};

/* Skua stands out; the others are calm, told apart by hue and by lightness. */
static const struct colour colours[] = {
	{ "skua", "#d1495b" },	  { "serial", "#444444" },
	{ "mutex", "#2e6f95" },	  { "gthreadpool", "#7fb2d0" },
	{ "libgomp", "#8a7a3a" }, { "libomp", "#cdbf86" },
	{ "tbb", "#5f9e6e" },
};
enum {
	COLOURS = sizeof(colours) / sizeof(*colours),
	HEAD_PIXELS = 70,
	PANEL_PIXELS = 460,
	LABEL_PIXELS = 130 /* below a panel: slanting */
};

/* What costs nothing to compare by speed: no memory, no idleness. */
static bool is_drawn(const struct workload *workload)
{
	return workload->unit != UNIT_BYTES && strcmp(workload->name, "idle") &&
	       strcmp(workload->name, "open");
}

/* The cell for a bar; serial peers have theirs with 1 worker. */
static const struct cell *cell_of(const struct plan *plan,
				  const struct workload *workload,
				  const char *peer, unsigned workers)
{
	const struct cell *cell = plan_find(plan, workload->name,
					    workload->variant, peer, workers);

	if (!cell && !strcmp(peer, "serial"))
		cell = plan_find(plan, workload->name, workload->variant, peer,
				 1);
	return cell;
}

/* The fastest task runtime but Skua; 0: there is none. */
static double best_other(const struct plan *plan,
			 const struct workload *workload, unsigned workers)
{
	double best = 0;

	for (int i = 0; i < COLOURS; i++) {
		const struct cell *cell =
			cell_of(plan, workload, colours[i].peer, workers);

		if (cell && cell->peer->threads &&
		    strcmp(cell->peer->name, "skua") &&
		    (best == 0 || cell->spread.median < best))
			best = cell->spread.median;
	}
	return best;
}

/* How many times as fast; 0: no bar. */
static double height_of(const struct plan *plan,
			const struct workload *workload, const char *peer,
			unsigned workers)
{
	const struct cell *cell = cell_of(plan, workload, peer, workers);
	double best = best_other(plan, workload, workers);

	return cell && cell->spread.median > 0 ? best / cell->spread.median : 0;
}

/* All that a panel needs to know about its groups. */
struct panel {
	const struct plan *plan;
	unsigned workers;
	const struct workload *group[64];
	int groups;
	double least;
	double most;
};

static bool panel_open(struct panel *panel, const struct plan *plan,
		       unsigned workers)
{
	*panel = (struct panel){ .plan = plan, .workers = workers };
	panel->least = panel->most = 1;
	for (size_t i = 0; workloads[i]; i++) {
		if (!is_drawn(workloads[i]) ||
		    best_other(plan, workloads[i], workers) == 0)
			continue;
		panel->group[panel->groups++] = workloads[i];
		for (int peer = 0; peer < COLOURS; peer++) {
			double height = height_of(plan, workloads[i],
						  colours[peer].peer, workers);

			if (height > 0)
				panel->least = fmin(panel->least, height);
			panel->most = fmax(panel->most, height);
		}
	}
	return panel->groups > 0;
}

static int bars_in(const struct panel *panel, int group, int before)
{
	int bars = 0;

	for (int peer = 0; peer < before; peer++)
		bars += height_of(panel->plan, panel->group[group],
				  colours[peer].peer, panel->workers) > 0;
	return bars;
}

static const double BAR = 0.12;

/* One peer's bars, as x and height; the bars of a group stand around x = its
 * number, side by side. */
static void write_data(FILE *to, const struct panel *panel, int peer)
{
	fprintf(to, "$peer%d << EOD\n", peer);
	for (int group = 0; group < panel->groups; group++) {
		double height = height_of(panel->plan, panel->group[group],
					  colours[peer].peer, panel->workers);
		double middle = (bars_in(panel, group, COLOURS) - 1) / 2.0;
		double at = bars_in(panel, group, peer) - middle;

		if (height > 0)
			fprintf(to, "%.4f %.6g\n", group + at * BAR, height);
	}
	fputs("EOD\n", to);
}

static void write_labels(FILE *to, const struct panel *panel)
{
	fputs("set xtics (", to);
	for (int group = 0; group < panel->groups; group++) {
		const struct workload *workload = panel->group[group];

		fprintf(to, "%s\"%s%s%s\" %d", group ? ", " : "",
			workload->name, workload->variant[0] ? " " : "",
			workload->variant, group);
	}
	fputs(")\n", to);
}

static bool has_bars(const struct panel *panel, int peer)
{
	for (int group = 0; group < panel->groups; group++) {
		if (height_of(panel->plan, panel->group[group],
			      colours[peer].peer, panel->workers) > 0)
			return true;
	}
	return false;
}

/* From 1 to the height, and never too thin to be seen. Skua's bars say their
 * height as well, to the left, where no other bar stands. */
static void write_plot(FILE *to, const struct panel *panel)
{
	fputs("plot 1 with lines lc rgb '#222222' lw 1.2 notitle", to);
	for (int peer = 0; peer < COLOURS; peer++) {
		if (has_bars(panel, peer))
			fprintf(to,
				", $peer%d using 1:2:($1-w):($1+w):"
				"(low($2)):(high($2)) with boxxyerror "
				"fs solid 1 noborder lc rgb '%s' title '%s'",
				peer, colours[peer].rgb, colours[peer].peer);
	}
	if (has_bars(panel, 0))
		fputs(", $peer0 using ($1+w):(high($2)):(label($2)) with labels "
		      "right offset 0,0.6 font ',12' tc rgb '#a02a3c' notitle",
		      to);
	putc('\n', to);
}

/* In screen units, from the top: each panel lies in a strip of its own. */
static void write_margins(FILE *to, int panel, int panels)
{
	double height = HEAD_PIXELS + panels * PANEL_PIXELS;
	double top = HEAD_PIXELS + panel * PANEL_PIXELS;

	fprintf(to, "set tmargin at screen %g\nset bmargin at screen %g\n",
		1 - (top + 30) / height,
		1 - (top + PANEL_PIXELS - LABEL_PIXELS) / height);
	fputs("set lmargin at screen 0.06\nset rmargin at screen 0.88\n", to);
}

static void write_panel(FILE *to, const struct panel *panel)
{
	fprintf(to, "set title \"{/:Bold %u worker%s}\" offset 0,-0.4\n",
		panel->workers, panel->workers > 1 ? "s" : "");
	fprintf(to, "set xrange [-0.6:%g]\n", panel->groups - 0.4);
	fprintf(to, "set yrange [%g:%g]\n", fmin(panel->least / 2, 0.2),
		fmax(panel->most * 3, 5));
	write_labels(to, panel);
	for (int peer = 0; peer < COLOURS; peer++) {
		if (has_bars(panel, peer))
			write_data(to, panel, peer);
	}
	write_plot(to, panel);
}

static void write_head(FILE *to, const char *path, int panels)
{
	fprintf(to,
		"set encoding utf8\n"
		"set terminal svg size 1280,%d "
		"font 'Helvetica,Arial,sans-serif,14' background '#ffffff'\n"
		"set output '",
		HEAD_PIXELS + panels * PANEL_PIXELS);
	for (const char *c = path; *c; c++)
		fputs(*c == '\'' ? "''" : (char[]){ *c, '\0' }, to);
	fprintf(to,
		"'\nset multiplot title \"{/=18:Bold Skua %s: times as fast "
		"as the fastest other task runtime}\\n"
		"{/=13 %s, %u processors, medians; logarithmic}\"\n",
		skua_version(), machine_name(), machine_processors());
	fprintf(to, "w = %g\n", BAR / 2 * 0.92);
	fputs("low(y) = y < 1 ? (y < 0.93 ? y : 0.93) : 1\n"
	      "high(y) = y < 1 ? 1 : (y > 1.07 ? y : 1.07)\n"
	      "label(y) = sprintf(y < 9.95 ? '%.1f×' : '%.0f×', y)\n"
	      "set logscale y\n"
	      "set format y '%g×'\n"
	      "set ytics nomirror scale 0 textcolor rgb '#555555'\n"
	      "set xtics nomirror scale 0 rotate by 45 right "
	      "textcolor rgb '#222222'\n"
	      "set grid y lt 1 lc rgb '#e4e4e4'\n"
	      "set border 0\n"
	      "set key outside right top Left reverse samplen 1 spacing 1.3\n",
	      to);
}

/* The numbers of workers that occur, each once, in their order. */
static bool is_new(const struct plan *plan, size_t at)
{
	for (size_t i = 0; i < at; i++) {
		if (plan->cells[i].workers == plan->cells[at].workers)
			return false;
	}
	return true;
}

enum {
	PANELS_MAX = 16
};

static int collect(const struct plan *plan, struct panel panels[])
{
	int count = 0;

	for (size_t i = 0; i < plan->count && count < PANELS_MAX; i++) {
		if (is_new(plan, i) &&
		    panel_open(&panels[count], plan, plan->cells[i].workers))
			count++;
	}
	return count;
}

bool picture_is_possible(void)
{
	if (!system("gnuplot --version >/dev/null 2>&1"))
		return true;
	fputs("skua-bench: --svg needs gnuplot: apt-get install gnuplot-nox\n",
	      stderr);
	return false;
}

int picture_draw(const char *path, const struct plan *plan)
{
	static struct panel panels[PANELS_MAX];
	int count = collect(plan, panels);
	FILE *gnuplot;

	if (!count) {
		fputs("skua-bench: nothing to draw: no workload was run by "
		      "two task runtimes\n",
		      stderr);
		return 0;
	}
	fflush(stdout);
	gnuplot = popen("gnuplot", "w");
	if (gnuplot) {
		write_head(gnuplot, path, count);
		for (int i = 0; i < count; i++) {
			write_margins(gnuplot, i, count);
			write_panel(gnuplot, &panels[i]);
		}
	}
	if (!gnuplot || pclose(gnuplot)) {
		fprintf(stderr, "skua-bench: gnuplot could not draw %s\n",
			path);
		return -1;
	}
	return 0;
}
