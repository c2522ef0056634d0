/* SPDX-License-Identifier: MIT */
/*
 * wordfreq N PATH...: the N most frequent words in these files, and in those
 * below these directories, as `sort | uniq -c` counts them. A word is letters,
 * in lower case; files with a byte of 0 are no text and left out.
 *
 * The text is one array, whatever the files, and its bytes are what the workers
 * divide: a word belongs to the range in which it begins. Each worker counts
 * in a table of its own, and tables of neighbours are merged into one.
 */
#include <errno.h>
#include <fts.h>
#include <skua/skua.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct text {
	char *at;
	size_t bytes, room;
};

/* Its letters stay in the text. */
struct word {
	const char *at;
	size_t length, count; /* 0: an empty place of the table */
	uint64_t hash;
};

/* Half of it is empty at least. The identity is all zeros. */
struct table {
	struct word *words;
	size_t room, used;
	bool lost; /* a word, for want of memory */
};

static struct word *find(const struct table *table, const struct word *word)
{
	for (size_t i = (size_t)word->hash;; i++) {
		struct word *at = &table->words[i & (table->room - 1)];

		if (!at->count ||
		    (at->hash == word->hash && at->length == word->length &&
		     memcmp(at->at, word->at, word->length) == 0))
			return at;
	}
}

static bool grow(struct table *table)
{
	struct table more = { .room = table->room ? table->room * 2 : 256 };

	more.words = calloc(more.room, sizeof(*more.words));
	if (!more.words)
		return false;
	for (size_t i = 0; i < table->room; i++)
		if (table->words[i].count)
			*find(&more, &table->words[i]) = table->words[i];
	free(table->words);
	table->words = more.words;
	table->room = more.room;
	return true;
}

static void add(struct table *table, struct word word)
{
	struct word *at;

	if (table->lost || (table->used * 2 >= table->room && !grow(table))) {
		table->lost = true;
		return;
	}
	at = find(table, &word);
	table->used += !at->count;
	word.count += at->count;
	*at = word;
}

/* How two values become one: the smaller table is added to the larger one. */
static void merge(void *left, const void *right, void *context)
{
	struct table *to = left, from = *(const struct table *)right;

	(void)context;
	if (to->used < from.used) {
		from = *to;
		*to = *(const struct table *)right;
	}
	for (size_t i = 0; i < from.room; i++)
		if (from.words[i].count)
			add(to, from.words[i]);
	to->lost |= from.lost;
	free(from.words);
}

/* Fold a range onto a table. It never fails: what is lost is noted there, so
 * that each table is merged and freed. A space ends the text. */
static int count_words(skua_here here, uint64_t begin, uint64_t end,
		       void *table, void *context)
{
	const char *text = ((struct text *)context)->at, *at = text + begin;

	(void)here;
	while (at < text + end && at > text && at[-1] != ' ')
		at++; /* the word began before */
	for (; at < text + end; at++) {
		struct word word = { at, 0, 1, 14695981039346656037u };

		for (; *at != ' '; at++) /* FNV-1a */
			word.hash = (word.hash ^ (unsigned char)*at) *
				    1099511628211;
		word.length = (size_t)(at - word.at);
		if (word.length > 0)
			add(table, word);
	}
	return 0;
}

/* Make letters small, and all else spaces. */
static int simplify(skua_here here, uint64_t begin, uint64_t end, void *context)
{
	char *text = ((struct text *)context)->at;

	(void)here;
	for (uint64_t i = begin; i < end; i++) {
		char small = (char)(text[i] | ('a' - 'A'));

		text[i] = small >= 'a' && small <= 'z' ? small : ' ';
	}
	return 0;
}

static int by_count(const void *a, const void *b, void *context)
{
	const struct word *x = a, *y = b;
	size_t both = x->length < y->length ? x->length : y->length;
	int order = memcmp(x->at, y->at, both);

	(void)context;
	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	return order ? order :
		       (x->length > y->length) - (x->length < y->length);
}

/* Append a file. Returns 0 or an errno; then, too, there is room for a byte. */
static int read_file(struct text *text, const char *path)
{
	FILE *file = fopen(path, "rb");
	size_t begin = text->bytes, n = 1;
	int error = file ? 0 : errno;

	while (!error && n > 0) {
		if (text->bytes + 1 >= text->room) {
			size_t room = text->room ? text->room * 2 : 1 << 16;
			char *more = realloc(text->at, room);

			if (!more) {
				error = ENOMEM;
				break;
			}
			text->at = more;
			text->room = room;
		}
		n = fread(text->at + text->bytes, 1,
			  text->room - text->bytes - 1, file);
		text->bytes += n;
		error = ferror(file) ? errno : 0;
	}
	if (error || memchr(text->at + begin, 0, text->bytes - begin))
		text->bytes = begin;
	else
		text->at[text->bytes++] = ' ';
	if (file)
		fclose(file);
	return error;
}

static int read_all(struct text *text, char **paths)
{
	FTS *tree = fts_open(paths, FTS_PHYSICAL | FTS_COMFOLLOW, NULL);
	int failed = 0, error;

	if (!tree)
		return perror("wordfreq"), 1;
	for (FTSENT *at; errno = 0, (at = fts_read(tree));) {
		error = at->fts_info == FTS_F ?
				read_file(text, at->fts_accpath) :
				at->fts_errno;
		if (error)
			fprintf(stderr, "wordfreq: %s: %s\n", at->fts_path,
				strerror(error));
		failed |= error;
	}
	if (errno)
		perror("wordfreq");
	failed |= errno;
	fts_close(tree);
	return failed;
}

static int count_and_print(struct text *text, size_t most)
{
	static const struct table none;
	const struct skua_fold fold = { sizeof(none), &none, merge };
	struct skua_pool *pool = skua_pool_default();
	struct table table = none;
	size_t n = 0;
	int error = skua_for(pool, 0, text->bytes, simplify, text);

	if (!error)
		error = skua_reduce(pool, 0, text->bytes, &fold, count_words,
				    text, &table);
	if (table.lost)
		error = SKUA_ENOMEM;
	for (size_t i = 0; i < table.room; i++)
		if (table.words[i].count)
			table.words[n++] = table.words[i];
	if (!error)
		error = skua_sort(pool, table.words, n, sizeof(*table.words),
				  by_count, NULL);
	for (size_t i = 0; !error && i < n && i < most; i++) {
		printf("%7zu ", table.words[i].count);
		fwrite(table.words[i].at, 1, table.words[i].length, stdout);
		putchar('\n');
	}
	free(table.words);
	return error;
}

int main(int argc, char **argv)
{
	struct text text = { NULL, 0, 0 };
	char none = '\0', *end = &none;
	long most = argc > 2 ? strtol(argv[1], &end, 10) : 0;
	int failed, error;

	if (most < 1 || *end)
		return fputs("usage: wordfreq N PATH...\n", stderr), 1;
	failed = read_all(&text, argv + 2);
	error = count_and_print(&text, (size_t)most);
	free(text.at);
	if (error)
		fprintf(stderr, "wordfreq: %s\n", skua_strerror(error));
	return failed || error || fflush(stdout) != 0;
}
