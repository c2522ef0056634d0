/* SPDX-License-Identifier: MIT */
/* Loops: cheap, uneven, one long iteration, nested; reduction and scan. */
#include <stdlib.h>
#include <string.h>

#include "stopwatch.h"
#include "works.h"

/* As in kernel.c: one tick or page fault is not the result. */
static const double ENOUGH_SECONDS = 0.1;

struct session {
	const struct trial *trial;
	enum loop_kind kind;
	struct loop_data data;
	struct sample *sample;
};

static int open_data(struct loop_data *data)
{
	uint32_t *in = malloc(LOOP_SCAN_N * sizeof(*in));

	memset(data, 0, sizeof(*data));
	data->bytes = calloc(LOOP_CHEAP_N, 1);
	data->words = calloc(LOOP_SPIKE_N, sizeof(*data->words));
	data->out = malloc(LOOP_SCAN_N * sizeof(*data->out));
	data->in = in;
	if (!in || !data->bytes || !data->words || !data->out)
		return -1;
	/* Touched, so that no page is new to what is timed. */
	memset(data->bytes, 1, LOOP_CHEAP_N);
	memset(data->words, 1, LOOP_SPIKE_N * sizeof(*data->words));
	memset(data->out, 1, LOOP_SCAN_N * sizeof(*data->out));
	for (uint32_t i = 0; i < LOOP_SCAN_N; i++)
		in[i] = loop_mix(i);
	return 0;
}

/* In a process that ends after it: nothing is freed. */
static uint64_t hash_of(enum loop_kind kind, const struct loop_data *data)
{
	uint64_t sum = kind == LOOP_REDUCE ? data->sum : 0;

	for (uint64_t i = 0; kind == LOOP_CHEAP && i < LOOP_CHEAP_N; i++)
		sum = sum * 31 + data->bytes[i];
	for (uint64_t i = 0; kind == LOOP_SCAN && i < LOOP_SCAN_N; i++)
		sum = sum * 31 + data->out[i];
	for (uint64_t i = 0; i < LOOP_SPIKE_N; i++)
		sum = sum * 31 + data->words[i];
	return sum;
}

/* Who begins where decides how soon the long iteration is come to: it stands in
 * the middle of each eighth in turn. (At the begin of each it is where all but the
 * first worker begin, for some exactly, and is come to sooner than on average.) */
static unsigned run(const struct peer *peer, void *pool, enum loop_kind kind,
		    struct loop_data *data)
{
	unsigned runs = kind == LOOP_SPIKE ? LOOP_SPIKE_PLACES : 1;

	for (unsigned i = 0; i < runs; i++) {
		data->spike_at =
			(2 * i + 1) * (LOOP_SPIKE_N / (2 * LOOP_SPIKE_PLACES));
		peer->loop(pool, kind, data);
	}
	return runs;
}

static void repeat(void *pool, void *context)
{
	struct session *session = context;
	const struct peer *peer = session->trial->peer;
	double start, elapsed;
	unsigned runs = 0;

	peer->loop(pool, LOOP_NESTED, &session->data);
	run(peer, pool, session->kind, &session->data);
	start = wall_seconds();
	do {
		runs += run(peer, pool, session->kind, &session->data);
		elapsed = wall_seconds() - start;
	} while (elapsed < ENOUGH_SECONDS);
	session->sample->value = elapsed / runs;
}

static void measure(const struct trial *trial, struct sample *sample,
		    enum loop_kind kind)
{
	struct session session = { .trial = trial,
				   .kind = kind,
				   .sample = sample };
	struct crew crew = { .workers = trial->workers, .jobs = 1 };
	const struct peer *peer = trial->peer;
	int error;
	uint64_t expected;

	if (open_data(&session.data)) {
		sample_fail(sample, "out of memory");
		return;
	}
	peer_serial.loop(NULL, LOOP_NESTED, &session.data);
	run(&peer_serial, NULL, kind, &session.data);
	expected = hash_of(kind, &session.data);
	session.data.sum = 0;
	memset(session.data.bytes, 2, LOOP_CHEAP_N);
	memset(session.data.words, 1, LOOP_SPIKE_N * sizeof(uint32_t));
	memset(session.data.out, 2, LOOP_SCAN_N * sizeof(uint32_t));
	error = (peer->with_loops ? peer->with_loops :
				    peer->with)(&crew, repeat, &session);
	if (error)
		sample_fail(sample, "cannot open a pool");
	else if (hash_of(kind, &session.data) != expected)
		sample_fail(sample, "the result is not that of plain C");
}

static bool fits(const struct peer *peer)
{
	return peer->loop;
}

#define WORK(variable, kind_of_loop, name_of_it, variant_of_it, title_of_it) \
	static void measure_##variable(const struct trial *trial,            \
				       struct sample *sample)                \
	{                                                                    \
		measure(trial, sample, kind_of_loop);                        \
	}                                                                    \
	const struct workload work_##variable = {                            \
		.name = name_of_it,                                          \
		.variant = variant_of_it,                                    \
		.title = title_of_it,                                        \
		.unit = UNIT_SECONDS,                                        \
		.fits = fits,                                                \
		.seconds = 1.5,                                              \
		.measure = measure_##variable,                               \
	}

WORK(for_cheap, LOOP_CHEAP, "for", "cheap", "10^8 cheap iterations");
WORK(for_triangle, LOOP_TRIANGLE, "for", "triangle",
     "16,384 iterations, the i-th of i steps");
WORK(for_spike, LOOP_SPIKE, "for", "spike",
     "10^6 short iterations and one as long as a million; mean of 8 places");
WORK(for_nested, LOOP_NESTED, "for", "nested", "100 loops of 1,000 in a loop");
WORK(reduce, LOOP_REDUCE, "reduce", "", "a sum over 10^8 iterations");
WORK(scan, LOOP_SCAN, "scan", "", "running sums of 2 * 10^7 numbers");
