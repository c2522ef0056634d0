/* SPDX-License-Identifier: MIT */
/*
 * requests: sums of files, worked out by a pool. The callbacks run in main(), so
 * the list and what is printed need no lock; poll() waits for results and would
 * wait for a program's sockets just as well.
 *
 *	requests FILE...
 */
#include <errno.h>
#include <poll.h>
#include <skua/skua.h>
#include <stdio.h>
#include <string.h>

struct report {
	unsigned long total;
	int failed;
};

static void *sum_up(void *path) /* in a worker */
{
	FILE *file = fopen(path, "rb");
	uintptr_t sum = 0;
	int c;

	if (!file)
		return skua_fail(errno);
	while ((c = getc(file)) != EOF)
		sum += (unsigned char)c;
	fclose(file);
	return (void *)sum;
}

static void on_sum(void *path, void *sum, void *context) /* in main() */
{
	struct report *report = context;

	printf("%s: %lu\n", (char *)path, (unsigned long)(uintptr_t)sum);
	report->total += (unsigned long)(uintptr_t)sum;
}

static void on_error(void *path, int code, void *context)
{
	struct report *report = context;

	printf("%s: %s\n", (char *)path, strerror(code));
	report->failed++;
}

int main(int argc, char *argv[])
{
	struct report report = { 0, 0 };
	struct skua_batch *batch = NULL;
	struct pollfd ready = { .events = POLLIN };
	int error = skua_batch_open(&batch, skua_pool_default());

	if (!error)
		error = skua_batch_put_many(batch, sum_up, (void **)(argv + 1),
					    (size_t)(argc - 1), on_sum,
					    on_error, &report);
	if (!error)
		error = ready.fd = skua_batch_fd(batch);
	/* 0: some were called; SKUA_ETIMEDOUT: wait; SKUA_ENONE: all were. */
	while (error >= 0 || error == SKUA_ETIMEDOUT) {
		if (error == SKUA_ETIMEDOUT)
			poll(&ready, 1, -1);
		error = skua_batch_poll(batch, 0);
	}
	skua_batch_close(batch);
	if (error != SKUA_ENONE) {
		fprintf(stderr, "requests: %s\n", skua_strerror(error));
		return 1;
	}
	printf("%lu in all, %d failed\n", report.total, report.failed);
	return report.failed != 0;
}
