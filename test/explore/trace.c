/* SPDX-License-Identifier: MIT */
/*
 * What an execution did, in words.
 */
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine.h"

enum {
	TRACED_STEPS = 500
};

const char *ex_order_name(int order)
{
	switch (order) {
	case memory_order_relaxed:
		return "relaxed";
	case memory_order_consume:
		return "consume";
	case memory_order_acquire:
		return "acquire";
	case memory_order_release:
		return "release";
	case memory_order_acq_rel:
		return "acq_rel";
	default:
		return "seq_cst";
	}
}

const char *ex_fault_name(enum ex_fault fault)
{
	static const char *const names[] = {
		[EX_NONE] = "nothing wrong",
		[EX_ASSERTION] = "a broken assertion",
		[EX_RACE] = "a data race",
		[EX_USE_AFTER_FREE] = "a use after free",
		[EX_BAD_FREE] = "a bad free",
		[EX_LEAK] = "a leak",
		[EX_HANG] = "a hang",
		[EX_LIMIT] = "a limit of the explorer",
		[EX_OUTCOME] = "a wrong set of outcomes",
	};

	return names[fault];
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

void ex_trace_line(const struct ex_thread *t, const struct ex_site *site,
		   const char *format, ...)
{
	va_list arguments;
	char place[64], text[64];

	if (++ex.step >= TRACED_STEPS) {
		if (ex.step == TRACED_STEPS)
			printf("  ...\n");
		return;
	}
	snprintf(place, sizeof(place), "%s:%d",
		 site ? base_name(site->file) : "-", site ? site->line : 0);
	snprintf(text, sizeof(text), "%s", site ? site->text : "");
	printf("  %5u  T%u %*s%-24s %-36s ", ex.step, t->number,
	       (int)(t->number ? t->number - 1 : 0) * 2, "", place, text);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	putchar('\n');
}

/* " at file:line" of the call that returns to @code, if addr2line is there to
 * ask; its address if not. Nothing for NULL. */
void ex_print_code(char *out, size_t bytes, const void *code)
{
	char command[128], *line;
	FILE *pipe;

	out[0] = '\0';
	if (!code)
		return;
	snprintf(out, bytes, " at %p", code);
	if (!ex.tracing)
		return;
	/* One byte back is inside the call. */
	snprintf(command, sizeof(command),
		 "addr2line -e /proc/%ld/exe %#lx 2>/dev/null", (long)getpid(),
		 (unsigned long)((uintptr_t)code - 1));
	pipe = popen(command, "r");
	if (!pipe)
		return;
	line = malloc(bytes);
	if (line && fgets(line, (int)bytes, pipe) && line[0] == '/') {
		line[strcspn(line, "\n")] = '\0';
		snprintf(out, bytes, " at %s", base_name(line));
	}
	free(line);
	pclose(pipe);
}
