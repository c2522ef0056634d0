/* SPDX-License-Identifier: MIT */
/*
 * pool NUMBER...: the prime factors of each, as factor(1) prints them. All are
 * submitted at once and read in order. While one keeps us waiting, stderr is
 * told how many are done.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <skua/skua.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The task: fails if @text is no number, else answers a line of text, which
 * belongs to whoever reads the result. */
static void *factorize(void *text)
{
	char line[64 * sizeof(" 2")] = "", *end; /* no number has 64 factors */
	int length = 0;

	errno = 0;
	uint64_t n = strtoull(text, &end, 10);
	if (errno || *end || !isdigit(*(unsigned char *)text) || n == 0)
		return skua_fail(errno ? errno : EINVAL);
	for (uint64_t p = 2; n > 1; p = p > n / p ? n : p + 1 + p % 2)
		for (; n % p == 0; n /= p)
			length += sprintf(line + length, " %" PRIu64, p);
	char *copy = strdup(line);
	return copy ? copy : skua_fail(errno);
}

/* Waits for the first of @count futures. */
static int print_first(struct skua_future *futures[], int count)
{
	const char *number = skua_future_arg(futures[0]);
	void *line;
	int error;

	while ((error = skua_future_result(futures[0], SKUA_MILLISECONDS(100),
					   &line)) == SKUA_ETIMEDOUT) {
		int done = 0;

		for (int i = 0; i < count; i++)
			done += skua_future_done(futures[i]);
		fprintf(stderr, "%d of %d done\n", done, count);
	}
	if (!error) {
		printf("%s:%s\n", number, (char *)line);
		free(line);
	} else {
		int code = skua_future_code(futures[0]);

		fprintf(stderr, "pool: %s: %s\n", number,
			code ? strerror(code) : skua_strerror(error));
	}
	skua_future_release(futures[0]);
	return error;
}

int main(int argc, char **argv)
{
	struct skua_future **futures = calloc((size_t)argc, sizeof(*futures));
	struct skua_pool *pool = NULL;
	int count = 0, failed = 0;
	int error = futures ? skua_pool_open(&pool, NULL) : SKUA_ENOMEM;

	for (; count < argc - 1 && !error; count += !error)
		error = skua_submit(pool, factorize, argv[count + 1],
				    &futures[count]);
	if (error)
		fprintf(stderr, "pool: %s\n", skua_strerror(error));
	for (int i = 0; i < count; i++)
		failed |= print_first(futures + i, count - i);
	skua_pool_close(pool, SKUA_CLOSE_WAIT);
	free(futures);
	return error || failed || fflush(stdout) != 0;
}
