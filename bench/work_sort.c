/* SPDX-License-Identifier: MIT */
/*
 * sort: 10^7 ints with the comparison inlined, in several orders, or stable;
 * 10^6 strings; and with a function for the comparison. The value is the time
 * of one sort. What is sorted is copied before each, outside of the timing.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "peer_sorts.h"
#include "stopwatch.h"
#include "works.h"

enum {
	INTS = 10000000,
	WORDS = 1000000,
	RECORDS = 1000000,
	RECORD_BYTES = 100,
	WORD_MIN = 8,
	WORD_MAX = 24
};
static const double ENOUGH_SECONDS = 0.1;

/* What is to be sorted, how, and what is there to see that it was. */
struct job {
	size_t count;
	size_t size;
	void (*fill)(struct job *job, void *base);
	int (*sort)(const struct peer_sorts *, void *pool, const struct job *,
		    void *base);
	int (*compare)(const void *, const void *);
	char *text; /* of all words */
};

struct session {
	const struct trial *trial;
	struct sample *sample;
	struct job *job;
	void *first, *base;
};

static uint64_t next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* Orders. */

static void fill_random(struct job *job, void *base)
{
	uint64_t state = 88172645463325252;

	for (size_t i = 0; i < job->count; i++)
		((int *)base)[i] = (int)next(&state);
}

static void fill_sorted(struct job *job, void *base)
{
	for (size_t i = 0; i < job->count; i++)
		((int *)base)[i] = (int)i;
}

static void fill_reversed(struct job *job, void *base)
{
	for (size_t i = 0; i < job->count; i++)
		((int *)base)[i] = (int)(job->count - i);
}

static void fill_equal(struct job *job, void *base)
{
	for (size_t i = 0; i < job->count; i++)
		((int *)base)[i] = 7;
}

static void fill_organ_pipe(struct job *job, void *base)
{
	for (size_t i = 0; i < job->count; i++)
		((int *)base)[i] =
			(int)(i < job->count / 2 ? i : job->count - i);
}

static void fill_few(struct job *job, void *base)
{
	uint64_t state = 88172645463325252;

	for (size_t i = 0; i < job->count; i++)
		((int *)base)[i] = (int)(next(&state) >> 60);
}

static void fill_words(struct job *job, void *base)
{
	uint64_t state = 88172645463325252;
	char *end = job->text;

	for (size_t i = 0; i < job->count; i++) {
		size_t bytes =
			WORD_MIN + next(&state) % (WORD_MAX - WORD_MIN + 1);

		((char **)base)[i] = end;
		while (bytes--)
			*end++ = (char)('a' + next(&state) % 26);
		*end++ = '\0';
	}
}

static void fill_records(struct job *job, void *base)
{
	uint64_t state = 88172645463325252;

	for (size_t i = 0; i < job->count; i++) {
		char *record = (char *)base + i * job->size;
		uint64_t key = next(&state);

		memset(record, (int)i, job->size);
		memcpy(record, &key, sizeof(key));
	}
}

/* Comparisons, which check too. */

static int compare_ints(const void *a, const void *b)
{
	int one = *(const int *)a, other = *(const int *)b;

	return (one > other) - (one < other);
}

static int compare_words(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int compare_records(const void *a, const void *b)
{
	uint64_t one, other;

	memcpy(&one, a, sizeof(one));
	memcpy(&other, b, sizeof(other));
	return (one > other) - (one < other);
}

/* Ways. */

static int by_ints(const struct peer_sorts *sorts, void *pool,
		   const struct job *job, void *base)
{
	return sorts->ints(pool, base, job->count);
}

static int by_ints_stable(const struct peer_sorts *sorts, void *pool,
			  const struct job *job, void *base)
{
	return sorts->ints_stable(pool, base, job->count);
}

static int by_words(const struct peer_sorts *sorts, void *pool,
		    const struct job *job, void *base)
{
	return sorts->words(pool, base, job->count);
}

static int by_any(const struct peer_sorts *sorts, void *pool,
		  const struct job *job, void *base)
{
	return sorts->any(pool, base, job->count, job->size, job->compare);
}

/* The same for each order of the same elements. */
static uint64_t fingerprint(const struct job *job, const void *base)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < job->count; i++) {
		const unsigned char *element = base;
		uint64_t mixed = 14695981039346656037U;

		element += i * job->size;
		for (size_t k = 0; k < job->size; k++)
			mixed = (mixed ^ element[k]) * 1099511628211U;
		sum += mixed ^ mixed >> 29;
	}
	return sum;
}

static void check(struct session *session)
{
	struct job *job = session->job;
	const char *base = session->base;

	for (size_t i = 1; i < job->count; i++) {
		const char *element = base + i * job->size;

		if (job->compare(element - job->size, element) > 0) {
			sample_fail(session->sample,
				    "element %zu is less than the one before",
				    i);
			return;
		}
	}
	if (fingerprint(job, session->first) != fingerprint(job, base))
		sample_fail(session->sample, "other elements than before");
}

static void repeat(void *pool, void *context)
{
	struct session *session = context;
	struct job *job = session->job;
	struct job warm = *job;
	const struct peer_sorts *sorts = session->trial->peer->sorts;
	double spent = 0;
	int runs = 0;

	warm.count /= 100;
	memcpy(session->base, session->first, job->count * job->size);
	if (job->sort(sorts, pool, &warm, session->base))
		sample_fail(session->sample, "the sort failed");
	while (spent < ENOUGH_SECONDS && !session->sample->error[0]) {
		double start;

		memcpy(session->base, session->first, job->count * job->size);
		start = wall_seconds();
		if (job->sort(sorts, pool, job, session->base))
			sample_fail(session->sample, "the sort failed");
		spent += wall_seconds() - start;
		runs++;
	}
	session->sample->value = spent / runs;
	if (!session->sample->error[0])
		check(session);
}

static void measure_job(const struct trial *trial, struct sample *sample,
			struct job job)
{
	struct session session = {
		.trial = trial,
		.sample = sample,
		.job = &job,
		.first = malloc(job.count * job.size),
		.base = malloc(job.count * job.size),
	};
	struct crew crew = { .workers = trial->workers, .jobs = 1 };

	job.text = malloc((size_t)WORDS * (WORD_MAX + 1));
	if (!session.first || !session.base || !job.text) {
		sample_fail(sample, "no memory for what is to be sorted");
	} else {
		job.fill(&job, session.first);
		if (trial->peer->with(&crew, repeat, &session))
			sample_fail(sample, "cannot open a pool");
	}
	free(job.text);
	free(session.first);
	free(session.base);
}

/* Each workload: how many elements of which size, in what order, sorted by what,
 * compared by what. */
#define WORK(id, label, text, kind, number, bytes, order, way, comparison) \
	static void measure_##id(const struct trial *trial,                \
				 struct sample *sample)                    \
	{                                                                  \
		struct job job = {                                         \
			number, bytes, order, way, comparison, NULL        \
		};                                                         \
		measure_job(trial, sample, job);                           \
	}                                                                  \
	static bool fits_##id(const struct peer *peer)                     \
	{                                                                  \
		return peer->sorts && peer->sorts->kind;                   \
	}                                                                  \
	const struct workload work_sort_##id = {                           \
		.name = "sort",                                            \
		.variant = label,                                          \
		.title = text,                                             \
		.unit = UNIT_SECONDS,                                      \
		.seconds = 1,                                              \
		.fits = fits_##id,                                         \
		.measure = measure_##id,                                   \
	}

#define WORK_INTS(id, label, text, order) \
	WORK(id, label, text, ints, INTS, 4, order, by_ints, compare_ints)

WORK_INTS(random, "random", "10^7 ints, the comparison inlined", fill_random);
WORK_INTS(sorted, "sorted", "the same, sorted before", fill_sorted);
WORK_INTS(reversed, "reversed", "the same, in reverse", fill_reversed);
WORK_INTS(equal, "equal", "the same, all equal", fill_equal);
WORK_INTS(organ_pipe, "organ pipe", "the same, up and down again",
	  fill_organ_pipe);
WORK_INTS(few, "few values", "the same, of 16 values", fill_few);
WORK(stable, "stable", "10^7 random ints, stable", ints_stable, INTS, 4,
     fill_random, by_ints_stable, compare_ints);
WORK(words, "strings", "10^6 strings, strcmp() inlined", words, WORDS,
     sizeof(char *), fill_words, by_words, compare_words);
WORK(any_ints, "by call", "10^7 random ints, a call for each comparison", any,
     INTS, 4, fill_random, by_any, compare_ints);
WORK(any_words, "strings by call", "10^6 strings, a call for each comparison",
     any, WORDS, sizeof(char *), fill_words, by_any, compare_words);
WORK(any_records, "records by call", "10^6 records of 100 bytes, as before",
     any, RECORDS, RECORD_BYTES, fill_records, by_any, compare_records);
