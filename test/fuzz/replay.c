/* SPDX-License-Identifier: MIT */
/*
 * replay.c - runs what libFuzzer would run, without it: each file named on the
 * command line, or below a folder named there, once. So every compiler and
 * sanitizer has the corpus, and what libFuzzer found can be looked at under a
 * debugger. SIGALRM ends an input that hangs.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	INPUT_MOST = 4096,
	INPUT_SECONDS = 300
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int run_file(const char *path)
{
	static uint8_t data[INPUT_MOST];
	FILE *file = fopen(path, "rb");
	size_t size;

	if (!file) {
		perror(path);
		return 1;
	}
	size = fread(data, 1, sizeof(data), file);
	fclose(file);
	printf("%s: %zu bytes\n", path, size);
	fflush(stdout);
	alarm(INPUT_SECONDS);
	LLVMFuzzerTestOneInput(data, size);
	alarm(0);
	return 0;
}

static int run_folder(const char *path, DIR *folder)
{
	struct dirent *entry;
	int failed = 0;
	int ran = 0;

	while ((entry = readdir(folder))) {
		char name[4096];

		if (entry->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		failed |= run_file(name);
		ran++;
	}
	closedir(folder);
	if (!ran)
		fprintf(stderr, "%s: empty\n", path);
	return failed || !ran;
}

int main(int argc, char *argv[])
{
	int failed = argc < 2;

	if (failed)
		fprintf(stderr, "usage: %s FILE-OR-FOLDER...\n", argv[0]);
	for (int i = 1; i < argc; i++) {
		DIR *folder = opendir(argv[i]);

		failed |= folder ? run_folder(argv[i], folder) :
				   run_file(argv[i]);
	}
	return failed;
}
