/* SPDX-License-Identifier: MIT */
/*
 * Input for the gzip workload: machine code, text and tables in the mix of a
 * system's own files, not a text that compresses unlike anything else.
 */
#include "corpus.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The same share of each; what one has not got comes from those after it. */
static const char *const places[] = { "/usr/lib/gcc", "/usr/include",
				      "/usr/bin", "/usr/lib", "/usr/share" };
enum {
	PLACES = sizeof(places) / sizeof(*places),
	COPY_BYTES = 1 << 16
};

struct corpus {
	int to;
	int64_t left; /* of the share of the place at hand */
	int error; /* of the first write that failed */
};

/* A write that is cut short has met a full disk. */
static void put(struct corpus *corpus, const char *data, ssize_t bytes)
{
	ssize_t written = write(corpus->to, data, (size_t)bytes);

	if (written != bytes)
		corpus->error = written < 0 ? errno : ENOSPC;
	corpus->left -= bytes;
}

static void copy(struct corpus *corpus, int from)
{
	static char buffer[COPY_BYTES];
	ssize_t got = 1;

	while (corpus->left > 0 && !corpus->error && got > 0) {
		size_t want = corpus->left < COPY_BYTES ? (size_t)corpus->left :
							  COPY_BYTES;

		got = read(from, buffer, want);
		if (got > 0)
			put(corpus, buffer, got);
	}
}

static void add_file(struct corpus *corpus, const char *path)
{
	int from = open(path, O_RDONLY | O_CLOEXEC);

	if (from < 0)
		return; /* not ours to read */
	copy(corpus, from);
	close(from);
}

static void add_tree(struct corpus *corpus, const char *path);

/* Files and directories themselves: a link's target comes in its own place. */
static void add_entry(struct corpus *corpus, const char *path)
{
	struct stat about;

	if (lstat(path, &about))
		return;
	if (S_ISDIR(about.st_mode))
		add_tree(corpus, path);
	else if (S_ISREG(about.st_mode))
		add_file(corpus, path);
}

static void add_tree(struct corpus *corpus, const char *path)
{
	struct dirent **names;
	int count = scandir(path, &names, NULL, alphasort);

	for (int i = 0; i < count; i++) {
		char below[PATH_MAX];
		int length = snprintf(below, sizeof(below), "%s/%s", path,
				      names[i]->d_name);

		if (names[i]->d_name[0] != '.' && corpus->left > 0 &&
		    length < PATH_MAX && !corpus->error)
			add_entry(corpus, below);
		free(names[i]);
	}
	if (count >= 0)
		free(names);
}

static bool fill(struct corpus *corpus, int64_t bytes)
{
	for (int i = 0; i < PLACES && !corpus->error; i++) {
		int64_t share = bytes / (PLACES - i);

		corpus->left = share;
		add_tree(corpus, places[i]);
		bytes -= share - corpus->left;
	}
	return !corpus->error && bytes == 0;
}

static int complain(const char *path, int error)
{
	fprintf(stderr,
		"skua-bench: cannot fill %s with files from /usr: %s. "
		"Set TMPDIR to a directory with 300 MB to spare.\n",
		path, error ? strerror(error) : "they are too few");
	return -1;
}

int corpus_make(const char *path, int64_t bytes)
{
	struct corpus corpus = { 0 };
	bool filled;

	corpus.to = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (corpus.to < 0)
		return complain(path, errno);
	filled = fill(&corpus, bytes);
	if (close(corpus.to) && !corpus.error)
		return complain(path, errno);
	return filled ? 0 : complain(path, corpus.error);
}
