/* SPDX-License-Identifier: MIT */
/* JSON (RFC 8259): a small writer for the one shape that is needed. */
#include "json.h"

#include <skua/skua.h>
#include <time.h>

#include "machine.h"

static void write_string(FILE *file, const char *text)
{
	putc('"', file);
	for (; *text; text++) {
		unsigned char byte = (unsigned char)*text;

		if (byte == '"' || byte == '\\')
			fprintf(file, "\\%c", byte);
		else if (byte < 0x20)
			fprintf(file, "\\u%04x", byte);
		else
			putc(byte, file);
	}
	putc('"', file);
}

static void write_pair(FILE *file, const char *key, const char *value)
{
	fprintf(file, "  \"%s\": ", key);
	write_string(file, value);
	fputs(",\n", file);
}

static void write_head(FILE *file, const struct plan *plan)
{
	char date[32];
	time_t now = time(NULL);
	struct tm utc;

	gmtime_r(&now, &utc);
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%SZ", &utc);
	write_pair(file, "skua", skua_version());
	write_pair(file, "date", date);
	write_pair(file, "processor", machine_name());
	fprintf(file, "  \"processors\": %u,\n", machine_processors());
	fprintf(file, "  \"load\": %.2f,\n", plan->load);
	write_pair(file, "compiler", machine_compiler());
	fprintf(file, "  \"release\": %s,\n",
		machine_is_optimised() ? "true" : "false");
	fprintf(file, "  \"rounds\": %u,\n", plan->rounds);
}

static void write_missing(FILE *file, const struct peers *peers)
{
	const char *comma = "";

	fputs("  \"missing\": [", file);
	for (size_t i = 0; i < peers->count; i++) {
		if (peers->entry[i].peer)
			continue;
		fputs(comma, file);
		write_string(file, peers->entry[i].name);
		comma = ", ";
	}
	fputs("],\n", file);
}

static const char *unit_name(enum unit unit)
{
	return unit == UNIT_SECONDS ? "s" : unit == UNIT_BYTES ? "B" : "ratio";
}

static void write_samples(FILE *file, const struct cell *cell)
{
	if (cell->count)
		fprintf(file, "\"median\": %.6g, ", cell->spread.median);
	fputs("\"samples\": [", file);
	for (size_t i = 0; i < cell->count; i++)
		fprintf(file, "%s%.6g", i ? ", " : "", cell->values[i]);
	fputs("], \"error\": ", file);
	if (cell->error[0])
		write_string(file, cell->error);
	else
		fputs("null", file);
}

static void write_cell(FILE *file, const struct cell *cell)
{
	fprintf(file,
		"    {\"workload\": \"%s\", \"variant\": \"%s\", "
		"\"peer\": \"%s\", \"workers\": %u, \"unit\": \"%s\", ",
		cell->workload->name, cell->workload->variant, cell->peer->name,
		cell->workers, unit_name(cell->workload->unit));
	write_samples(file, cell);
	fputs("}", file);
}

void json_write(FILE *file, const struct plan *plan, const struct peers *peers)
{
	fputs("{\n", file);
	write_head(file, plan);
	write_missing(file, peers);
	fputs("  \"results\": [\n", file);
	for (size_t i = 0; i < plan->count; i++) {
		write_cell(file, &plan->cells[i]);
		fputs(i + 1 < plan->count ? ",\n" : "\n", file);
	}
	fputs("  ]\n}\n", file);
}
