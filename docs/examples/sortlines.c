/* SPDX-License-Identifier: MIT */
/*
 * sortlines [FILE]: the lines of a file, or of standard input, in the order of
 * their bytes, as `LC_ALL=C sort` gives them, on all processors.
 *
 * All of it is held in memory. A line is known by its first eight bytes, as one
 * number, and its place; only where those numbers are equal its text is looked
 * at. So most comparisons are one of two numbers, inlined by SKUA_DEFINE_SORT.
 */
#define _XOPEN_SOURCE 700

#include <errno.h>
#include <fcntl.h>
#include <skua/skua.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct line {
	uint64_t head; /* its first bytes, the first the highest, then zeros */
	const char *text;
	size_t bytes; /* without the newline */
};

/* Zeros in the text and zeros for want of text are told apart by the rest. */
static inline bool is_before(const struct line *a, const struct line *b)
{
	size_t least = a->bytes < b->bytes ? a->bytes : b->bytes;
	int order;

	if (a->head != b->head)
		return a->head < b->head;
	order = memcmp(a->text, b->text, least);
	return order ? order < 0 : a->bytes < b->bytes;
}

SKUA_DEFINE_SORT(sort_lines, struct line, is_before);

struct text {
	char *bytes;
	size_t count;
	size_t room;
};

static int complain(const char *what, const char *why)
{
	fprintf(stderr, "sortlines: %s: %s\n", what, why);
	return 1;
}

static bool grow(struct text *text)
{
	size_t room = text->room ? 2 * text->room : 1 << 20;
	char *bytes = realloc(text->bytes, room);

	if (!bytes)
		return false;
	text->bytes = bytes;
	text->room = room;
	return true;
}

/* To the end; false: errno says why. */
static bool read_all(int file, struct text *text)
{
	for (;;) {
		ssize_t got;

		if (text->count == text->room && !grow(text))
			return false;
		got = read(file, text->bytes + text->count,
			   text->room - text->count);
		if (got > 0)
			text->count += (size_t)got;
		else if (got == 0)
			return true;
		else if (errno != EINTR)
			return false;
	}
}

static uint64_t head_of(const char *text, size_t bytes)
{
	uint64_t head = 0;

	for (size_t i = 0; i < 8; i++)
		head = head << 8 | (i < bytes ? (unsigned char)text[i] : 0);
	return head;
}

/* The last line may have no newline. */
static size_t count_lines(const struct text *text)
{
	const char *end = text->bytes + text->count;
	size_t lines = 0;

	for (const char *at = text->bytes; at != end; lines++) {
		at = memchr(at, '\n', (size_t)(end - at));
		at = at ? at + 1 : end;
	}
	return lines;
}

static void find_lines(const struct text *text, struct line *line)
{
	const char *end = text->bytes + text->count;

	for (const char *at = text->bytes; at != end; line++) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));

		line->text = at;
		line->bytes = (size_t)((stop ? stop : end) - at);
		line->head = head_of(at, line->bytes);
		at = stop ? stop + 1 : end;
	}
}

static int sort_on_all(struct line *lines, size_t count)
{
	struct skua_pool *pool;
	int error = skua_pool_open(&pool, NULL);

	if (error)
		return error;
	error = sort_lines(pool, lines, count);
	skua_pool_close(pool, SKUA_CLOSE_WAIT);
	return error;
}

static bool write_all(const struct line *lines, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (fwrite(lines[i].text, 1, lines[i].bytes, stdout) !=
			    lines[i].bytes ||
		    putchar('\n') == EOF)
			return false;
	}
	return fflush(stdout) == 0;
}

static int sort_text(const struct text *text)
{
	size_t count = count_lines(text);
	struct line *lines = malloc((count + 1) * sizeof(*lines));
	int status = 0, error;

	if (!lines)
		return complain("lines", strerror(ENOMEM));
	find_lines(text, lines);
	error = sort_on_all(lines, count);
	if (error)
		status = complain("sort", skua_strerror(error));
	else if (!write_all(lines, count))
		status = complain("stdout", strerror(errno));
	free(lines);
	return status;
}

int main(int argc, char **argv)
{
	const char *name = argc == 2 ? argv[1] : "stdin";
	struct text text = { NULL, 0, 0 };
	int file = STDIN_FILENO, status;

	if (argc > 2) {
		fputs("usage: sortlines [FILE]\n", stderr);
		return 1;
	}
	if (argc == 2)
		file = open(name, O_RDONLY | O_CLOEXEC);
	if (file < 0 || !read_all(file, &text))
		status = complain(name, strerror(errno));
	else
		status = sort_text(&text);
	free(text.bytes);
	return status;
}
