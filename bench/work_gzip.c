/* SPDX-License-Identifier: MIT */
/*
 * gzip: compress 100 MB of files in blocks of 128 KiB with zlib. The submitting
 * thread reads the blocks and writes the results in order; a ring of slots
 * bounds the memory. Each block becomes a gzip member of its own, which is what
 * the format allows and `gzip -d` joins.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "batch.h"
#include "corpus.h"
#include "scratch.h"
#include "stopwatch.h"
#include "works.h"

enum {
	INPUT_BYTES = 104857600,
	BLOCK_BYTES = 128 * 1024,
	LEVEL = 6, /* as gzip itself */
	GZIP_WINDOW = MAX_WBITS + 16, /* 32 KiB, and gzip's header and CRC */
	SLOTS_PER_WORKER = 4
};

/* A block on its way; the stream and the memory are used again and again. */
struct gzip_slot {
	z_stream stream;
	size_t in_bytes;
	size_t out_bytes;
	unsigned char *in;
	unsigned char *out;
	size_t out_room;
	struct gzip_job *job;
	size_t block;
};

struct gzip_job {
	struct pipeline pipeline; /* first: what the callbacks get */
	const struct trial *trial;
	struct sample *sample;
	int in;
	int out;
	struct gzip_slot *slots;
};

static struct gzip_slot *slot_of(struct pipeline *pipeline, size_t block)
{
	struct gzip_job *job = (struct gzip_job *)pipeline;

	return &job->slots[block % pipeline->slots];
}

static void read_block(struct pipeline *pipeline, size_t block)
{
	struct gzip_job *job = (struct gzip_job *)pipeline;
	struct gzip_slot *slot = slot_of(pipeline, block);
	ssize_t got = read(job->in, slot->in, BLOCK_BYTES);

	if (got <= 0)
		sample_fail(job->sample, "cannot read the input: %s",
			    got ? strerror(errno) : "it ends early");
	slot->in_bytes = got > 0 ? (size_t)got : 0;
}

/* Runs anywhere; an error shows as a slot without output. */
static void compress_block(struct pipeline *pipeline, size_t block)
{
	struct gzip_slot *slot = slot_of(pipeline, block);
	z_stream *stream = &slot->stream;

	deflateReset(stream);
	stream->next_in = slot->in;
	stream->avail_in = (uInt)slot->in_bytes;
	stream->next_out = slot->out;
	stream->avail_out = (uInt)slot->out_room;
	slot->out_bytes = deflate(stream, Z_FINISH) == Z_STREAM_END ?
				  stream->total_out :
				  0;
}

static void write_block(struct pipeline *pipeline, size_t block)
{
	struct gzip_job *job = (struct gzip_job *)pipeline;
	struct gzip_slot *slot = slot_of(pipeline, block);

	if (!slot->out_bytes)
		sample_fail(job->sample, "block %zu did not compress", block);
	else if (write(job->out, slot->out, slot->out_bytes) !=
		 (ssize_t)slot->out_bytes)
		sample_fail(job->sample, "cannot write the output: %s",
			    strerror(errno));
}

/* How an executor gets it: a job is a slot. */
static void *compress_slot(void *arg)
{
	struct gzip_slot *slot = arg;

	compress_block(&slot->job->pipeline, slot->block);
	return slot;
}

static void submit_block(struct gzip_job *job, struct batch *batch,
			 size_t block)
{
	struct gzip_slot *slot = slot_of(&job->pipeline, block);

	read_block(&job->pipeline, block);
	slot->block = block;
	batch_submit(batch, block % job->pipeline.slots, compress_slot, slot,
		     job->sample);
}

static void finish_block(struct gzip_job *job, struct batch *batch,
			 size_t block)
{
	batch_wait(batch, block % job->pipeline.slots);
	write_block(&job->pipeline, block);
}

/* In order and in bounded memory: a slot is waited for before its next use. */
static void run_window(struct gzip_job *job, struct batch *batch)
{
	size_t blocks = job->pipeline.blocks, slots = job->pipeline.slots;

	for (size_t block = 0; block < blocks; block++) {
		if (block >= slots)
			finish_block(job, batch, block - slots);
		submit_block(job, batch, block);
	}
	for (size_t block = blocks > slots ? blocks - slots : 0; block < blocks;
	     block++)
		finish_block(job, batch, block);
}

static void submit_all(void *pool, struct gzip_job *job)
{
	struct batch batch;

	if (batch_open(&batch, job->trial->peer, pool, job->pipeline.slots)) {
		sample_fail(job->sample, "no memory for the futures");
		return;
	}
	run_window(job, &batch);
	batch_close(&batch);
}

static void compress_all(void *pool, void *context)
{
	struct gzip_job *job = context;
	double start = wall_seconds();

	if (job->trial->peer->pipeline)
		job->trial->peer->pipeline(pool, &job->pipeline);
	else
		submit_all(pool, job);
	job->sample->value = wall_seconds() - start;
}

static int open_slot(struct gzip_job *job, struct gzip_slot *slot)
{
	slot->job = job;
	if (deflateInit2(&slot->stream, LEVEL, Z_DEFLATED, GZIP_WINDOW, 8,
			 Z_DEFAULT_STRATEGY) != Z_OK)
		return -1;
	slot->out_room = deflateBound(&slot->stream, BLOCK_BYTES);
	slot->in = malloc(BLOCK_BYTES);
	slot->out = malloc(slot->out_room);
	return slot->in && slot->out ? 0 : -1;
}

/* The process ends after one job, and with it all that was opened. */
static int open_job(struct gzip_job *job)
{
	struct stat about;

	job->in = open(scratch_input(), O_RDONLY | O_CLOEXEC);
	job->out = open(scratch_output(),
			O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (job->in < 0 || job->out < 0 || fstat(job->in, &about))
		return -1;
	job->pipeline.blocks =
		((size_t)about.st_size + BLOCK_BYTES - 1) / BLOCK_BYTES;
	job->slots = calloc(job->pipeline.slots, sizeof(*job->slots));
	if (!job->slots)
		return -1;
	for (size_t i = 0; i < job->pipeline.slots; i++) {
		if (open_slot(job, &job->slots[i]))
			return -1;
	}
	return 0;
}

static bool same_contents(FILE *a, FILE *b)
{
	static char left[BLOCK_BYTES], right[BLOCK_BYTES];
	size_t got;

	do {
		got = fread(left, 1, sizeof(left), a);
		if (fread(right, 1, sizeof(right), b) != got ||
		    memcmp(left, right, got))
			return false;
	} while (got);
	return true;
}

static void check_output(struct sample *sample)
{
	FILE *original = fopen(scratch_input(), "rb");
	FILE *inflated;
	bool same = false;

	/* By the environment: the path may hold what a shell would read. */
	setenv("SKUA_BENCH_OUTPUT", scratch_output(), 1);
	inflated = popen("exec gzip -dc <\"$SKUA_BENCH_OUTPUT\"", "r");
	if (original && inflated)
		same = same_contents(original, inflated);
	if (inflated && pclose(inflated))
		same = false;
	if (original)
		fclose(original);
	if (!same)
		sample_fail(sample, "gzip -d of the output is not the input");
}

static void measure(const struct trial *trial, struct sample *sample)
{
	size_t slots = (size_t)SLOTS_PER_WORKER * (trial->workers + 1);
	struct gzip_job job = {
		.pipeline = { 0, slots, read_block, compress_block,
			      write_block },
		.trial = trial,
		.sample = sample,
	};
	struct crew crew = {
		.workers = trial->workers,
		.submitters = trial->peer->pipeline ? 0 : 1,
		.jobs = slots,
	};

	if (open_job(&job))
		sample_fail(sample, "cannot open the job: %s", strerror(errno));
	else if (trial->peer->with(&crew, compress_all, &job))
		sample_fail(sample, "cannot open a pool");
	else if (trial->thorough)
		check_output(sample);
}

static int prepare(void)
{
	return scratch_open() || corpus_make(scratch_input(), INPUT_BYTES);
}

static bool fits(const struct peer *peer)
{
	return peer->pipeline || peer->executor;
}

const struct workload work_gzip = {
	.name = "gzip",
	.variant = "",
	.title = "compress 100 MB of files in blocks of 128 KiB, in order",
	.unit = UNIT_SECONDS,
	.seconds = 0.5,
	.prepare = prepare,
	.fits = fits,
	.measure = measure,
};
