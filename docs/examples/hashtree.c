/* SPDX-License-Identifier: MIT */
/* hashtree PATH...: the CRC-32 of each file in these trees, as gzip has it, in
 * the order in which they are done. It hashes while it still looks for files. */
#include <errno.h>
#include <fts.h>
#include <skua/skua.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/* The task. It fails with an errno, or its result is in the pointer. */
static void *hash_file(void *path)
{
	unsigned char data[65536];
	uLong crc = 0;
	FILE *file = fopen(path, "rb");

	if (!file)
		return skua_fail(errno);
	for (size_t n; (n = fread(data, 1, sizeof(data), file)) > 0;)
		crc = crc32(crc, data, (uInt)n);
	if (ferror(file))
		skua_fail(errno);
	fclose(file);
	return (void *)crc;
}

static int submit(const char *path, struct skua_future ***futures, size_t n)
{
	void *more = realloc(*futures, (n + 1) * sizeof(**futures));
	char *copy = strdup(path); /* until its result is printed */

	*futures = more ? more : *futures;
	return more && copy ? skua_submit(skua_pool_default(), hash_file, copy,
					  *futures + n) :
			      SKUA_ENOMEM;
}

static int print(struct skua_future *future)
{
	char *path = skua_future_arg(future);
	int code = skua_future_code(future);

	if (code)
		fprintf(stderr, "hashtree: %s: %s\n", path, strerror(code));
	else
		printf("%08lx  %s\n", (uLong)skua_future_value(future), path);
	skua_future_release(future);
	free(path);
	return code;
}

int main(int argc, char **argv)
{
	struct skua_future *future, **futures = NULL;
	struct skua_completed *done = NULL;
	size_t count = 0;
	int failed = 0, error = 0;
	/* Tasks use its paths, so it must not change the working directory. */
	FTS *tree = fts_open(argv + 1, FTS_PHYSICAL | FTS_NOCHDIR, NULL);

	if (argc < 2 || !tree)
		return perror("hashtree"), 1;
	/* What fts cannot read, the task cannot either, and says why. */
	for (FTSENT *at; !error && (at = fts_read(tree));)
		if (at->fts_info == FTS_F || at->fts_errno)
			error = submit(at->fts_path, &futures, count++);
	fts_close(tree);
	if (!error && !(error = skua_as_completed(&done, futures, count)))
		while (!(error = skua_completed_next(done, SKUA_FOREVER,
						     &future, NULL)))
			failed |= print(future);
	if (error != SKUA_ENONE)
		fprintf(stderr, "hashtree: %s\n", skua_strerror(error));
	skua_completed_free(done);
	free(futures);
	return failed || error != SKUA_ENONE || fflush(stdout) != 0;
}
