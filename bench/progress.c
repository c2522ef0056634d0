/* SPDX-License-Identifier: MIT */
/* Progress, on stderr and only if that is a terminal. */
#include "progress.h"

#include <stdio.h>
#include <unistd.h>

#include "plan.h"
#include "stopwatch.h"

void progress_open(struct progress *bar, size_t steps)
{
	*bar = (struct progress){
		.shown = isatty(STDERR_FILENO),
		.steps = steps,
		.start = wall_seconds(),
	};
}

void progress_step(struct progress *bar, const struct cell *cell)
{
	char label[64];
	int seconds = (int)(wall_seconds() - bar->start);

	if (!bar->shown)
		return;
	fprintf(stderr, "\r\033[K%3zu %%  %d:%02d  %s, %s, %u worker%s",
		100 * bar->done / bar->steps, seconds / 60, seconds % 60,
		workload_label(cell->workload, label, sizeof(label)),
		cell->peer->name, cell->workers, cell->workers > 1 ? "s" : "");
	fflush(stderr);
	bar->done++;
}

void progress_close(struct progress *bar)
{
	if (bar->shown)
		fputs("\r\033[K", stderr);
}
