/* SPDX-License-Identifier: MIT */
/* Jobs submitted from one thread. */
#include "batch.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int batch_open(struct batch *batch, const struct peer *peer, void *pool,
	       size_t count)
{
	size_t bytes = count * peer->future_bytes;

	*batch = (struct batch){ peer, pool, count, malloc(bytes) };
	if (!batch->futures)
		return -1;
	memset(batch->futures, 0, bytes);
	return 0;
}

void batch_close(struct batch *batch)
{
	free(batch->futures);
}

static void *future_at(struct batch *batch, size_t at)
{
	return batch->futures + at * batch->peer->future_bytes;
}

void batch_submit(struct batch *batch, size_t at, peer_fn *fn, void *arg,
		  struct sample *sample)
{
	if (batch->peer->submit(batch->pool, future_at(batch, at), fn, arg))
		sample_fail(sample, "job %zu was refused", at);
}

void *batch_wait(struct batch *batch, size_t at)
{
	return batch->peer->wait(batch->pool, future_at(batch, at));
}

static void *identity(void *arg)
{
	return arg;
}

void batch_run(struct batch *batch, struct sample *sample)
{
	uintptr_t sum = 0, answer = batch->count * (batch->count - 1) / 2;

	for (size_t i = 0; i < batch->count && !sample->error[0]; i++)
		batch_submit(batch, i, identity, (void *)i, sample);
	for (size_t i = 0; i < batch->count && !sample->error[0]; i++)
		sum += (uintptr_t)batch_wait(batch, i);
	if (sum != answer)
		sample_fail(sample,
			    "the results sum up to %" PRIuPTR ", not %" PRIuPTR,
			    sum, answer);
}
