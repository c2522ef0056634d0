/* SPDX-License-Identifier: MIT */
/*
 * map FILE...: the number of lines in each file and in all, as wc -l has them.
 *
 * All workers read files; answers come in the order of the command line. The
 * map runs only some way ahead of what was printed, so however many files there
 * are, few are open at a time. One that cannot be read is told in its place.
 */
#include <errno.h>
#include <fcntl.h>
#include <skua/skua.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The function that is mapped. It runs on any worker. */
static void *count_lines(void *path)
{
	char buffer[65536];
	uintptr_t lines = 0;
	ssize_t bytes;
	int file = open(path, O_RDONLY | O_CLOEXEC);

	if (file < 0)
		return skua_fail(errno);
	while ((bytes = read(file, buffer, sizeof(buffer))) > 0)
		for (ssize_t i = 0; i < bytes; i++)
			lines += buffer[i] == '\n';
	if (bytes < 0)
		skua_fail(errno);
	close(file);
	return (void *)lines;
}

/* Gives the next item, in the main thread: 1, or 0 at the end. */
static int next_path(void *paths, void **path)
{
	char ***at = paths;

	*path = **at;
	return *path ? (++*at, 1) : 0;
}

static int print_all(struct skua_map *map, char **path)
{
	uintmax_t total = 0;
	void *lines;
	int failed = 0, code, e;

	for (; (e = skua_map_next(map, &lines, &code)) != SKUA_ENONE; path++)
		if (!e) {
			printf("%7ju %s\n", (uintmax_t)lines, *path);
			total += (uintptr_t)lines;
		} else {
			fprintf(stderr, "map: %s: %s\n", *path,
				e == SKUA_EFAILED ? strerror(code) :
						    skua_strerror(e));
			failed = 1;
		}
	printf("%7ju total\n", total);
	return failed;
}

int main(int argc, char **argv)
{
	char **paths = argv + (argc > 0), **ahead = paths;
	struct skua_map *map;
	int error = skua_map_open(&map, skua_pool_default(), count_lines,
				  next_path, &ahead, 0, 0, SKUA_FOREVER);

	if (error) {
		fprintf(stderr, "map: %s\n", skua_strerror(error));
		return 1;
	}
	error = print_all(map, paths);
	skua_map_close(map);
	return error || fflush(stdout) != 0;
}
