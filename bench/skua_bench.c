/* SPDX-License-Identifier: MIT */
/* skua-bench: Skua beside what else a C programmer would use. See README.md. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "figures.h"
#include "json.h"
#include "picture.h"
#include "table.h"

enum status {
	STATUS_FINE,
	STATUS_FAILED,
	STATUS_USAGE
};

/* Before minutes of measuring: can the result be written? */
static bool is_writable(const char *option, const char *path)
{
	int file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);

	if (file < 0) {
		fprintf(stderr,
			"skua-bench: cannot write --%s %s: %s. Name a file in "
			"a directory that exists and is yours.\n",
			option, path, strerror(errno));
		return false;
	}
	close(file);
	return true;
}

static bool outputs_are_fine(const struct cmdline *cmdline)
{
	if (cmdline->json && !is_writable("json", cmdline->json))
		return false;
	if (!cmdline->svg)
		return true;
	return is_writable("svg", cmdline->svg) && picture_is_possible();
}

static int write_json(const struct cmdline *cmdline, const struct plan *plan,
		      const struct peers *peers)
{
	FILE *file;

	if (!cmdline->json)
		return 0;
	file = fopen(cmdline->json, "w");
	if (file)
		json_write(file, plan, peers);
	if (!file || ferror(file) | fclose(file)) {
		fprintf(stderr, "skua-bench: cannot write %s: %s\n",
			cmdline->json, strerror(errno));
		return -1;
	}
	return 0;
}

static void print_failures(const struct plan *plan)
{
	char label[64];

	for (size_t i = 0; i < plan->count; i++) {
		const struct cell *cell = &plan->cells[i];

		if (cell->error[0])
			fprintf(stderr, "skua-bench: %s, %s, %u worker%s: %s\n",
				workload_label(cell->workload, label,
					       sizeof(label)),
				cell->peer->name, cell->workers,
				cell->workers > 1 ? "s" : "", cell->error);
	}
}

static enum status report(const struct cmdline *cmdline,
			  const struct plan *plan, const struct peers *peers,
			  size_t failed)
{
	bool written;

	table_print(plan);
	figures_print(plan);
	fflush(stdout);
	print_failures(plan);
	written = !write_json(cmdline, plan, peers);
	if (cmdline->svg && picture_draw(cmdline->svg, plan))
		written = false;
	return failed || !written ? STATUS_FAILED : STATUS_FINE;
}

static enum status run(const struct cmdline *cmdline, const struct peers *peers)
{
	struct plan plan;
	enum status status;

	if (!outputs_are_fine(cmdline))
		return STATUS_USAGE;
	if (plan_open(&plan, cmdline, peers)) {
		fputs("skua-bench: out of memory\n", stderr);
		return STATUS_FAILED;
	}
	table_print_head(&plan, cmdline, peers);
	if (!plan.count)
		puts("Nothing to measure: no such workload on these peers. "
		     "idle, hidden, pending and open need 2 workers or more.");
	fflush(stdout);
	status = report(cmdline, &plan, peers, plan_run(&plan));
	plan_close(&plan);
	return status;
}

int main(int argc, char *argv[])
{
	struct cmdline cmdline;
	struct peers peers;

	peers_load(&peers);
	if (cmdline_parse(&cmdline, &peers, argc, argv))
		return STATUS_USAGE;
	if (cmdline.help) {
		cmdline_print_help();
		return STATUS_FINE;
	}
	if (cmdline.list) {
		table_print_list(&peers);
		return STATUS_FINE;
	}
	return run(&cmdline, &peers);
}
