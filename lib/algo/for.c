/* SPDX-License-Identifier: MIT */
/* Loops over one range. */
#include <skua/for.h>

#include <limits.h>

#include "loop_call.h"
#include "loop_options.h"

struct loop {
	struct ski_call call;
	uint64_t begin, end;
	skua_range_fn *body;
	void *context;
	/* For loops over calls of the body: number k has `each` iterations,
	 * and one more if k < `longer`. */
	uint64_t each, longer;
};

static struct loop *loop_of(struct ski_loop *loop)
{
	return (struct loop *)(void *)((char *)loop -
				       offsetof(struct loop, call.loop));
}

static int run_iterations(struct ski_loop *shared, skua_here here,
			  uint64_t begin, uint64_t end, void *value)
{
	struct loop *loop = loop_of(shared);

	(void)value;
	return loop->body(here, begin, end, loop->context);
}

/* Where call @k begins, @k * each not being past the end. */
static uint64_t begin_of(const struct loop *loop, uint64_t k)
{
	return loop->begin + k * loop->each +
	       (k < loop->longer ? k : loop->longer);
}

static int run_calls(struct ski_loop *shared, skua_here here, uint64_t from,
		     uint64_t to, void *value)
{
	struct loop *loop = loop_of(shared);
	int answer = 0;

	(void)value;
	for (uint64_t k = from;
	     k < to && !answer && !ski_loop_is_over(shared, here); k++) {
		uint64_t begin = begin_of(loop, k);
		uint64_t count = loop->each + (k < loop->longer);

		if (count > loop->end - begin)
			count = loop->end - begin;
		answer = loop->body(here, begin, begin + count, loop->context);
	}
	return answer;
}

static void run_part(skua_here here, struct loop *loop, uint64_t begin,
		     uint64_t end)
{
	struct ski_part part;

	if (begin == end)
		return;
	ski_part_open(&part, &loop->call.loop, begin, end);
	ski_part_run(here, &part, NULL);
}

static int run_lazy(skua_here here, struct ski_call *call)
{
	struct loop *loop = (struct loop *)(void *)call;

	call->loop.run = run_iterations;
	run_part(here, loop, loop->begin, loop->end);
	return 0;
}

static int run_grains(skua_here here, struct ski_call *call)
{
	struct loop *loop = (struct loop *)(void *)call;
	uint64_t count = loop->end - loop->begin;

	call->loop.run = run_calls;
	run_part(here, loop, 0, count / loop->each + !!(count % loop->each));
	return 0;
}

static int run_static(skua_here here, struct ski_call *call)
{
	struct loop *loop = (struct loop *)(void *)call;
	uint64_t count = loop->end - loop->begin;
	uint64_t workers = skua_pool_workers(skua_pool_current());

	if (!workers)
		workers = 1; /* it was resized under us */
	loop->each = count / workers;
	loop->longer = count % workers;
	call->loop.run = run_calls;
	call->loop.single = true;
	run_part(here, loop, 0, count < workers ? count : workers);
	return 0;
}

static int set_split(struct loop *loop, const struct skua_for_options *from)
{
	struct skua_for_options options = SKUA_FOR_OPTIONS;

	if (ski_options_take(&options, sizeof(options), from) ||
	    (options.grain != 0) != (options.split == SKUA_SPLIT_GRAIN))
		return SKUA_EINVAL;
	loop->each = options.grain;
	switch (options.split) {
	case SKUA_SPLIT_LAZY:
		return 0;
	case SKUA_SPLIT_GRAIN:
		loop->call.run = run_grains;
		return 0;
	case SKUA_SPLIT_STATIC:
		loop->call.run = run_static;
		return 0;
	}
	return SKUA_EINVAL;
}

static int open_loop(struct loop *loop, uint64_t begin, uint64_t end,
		     skua_range_fn *body, void *context)
{
	if (!body || end < begin)
		return SKUA_EINVAL;
	loop->call.run = run_lazy;
	loop->call.loop.help = ski_part_help;
	loop->call.loop.helpers_most = UINT_MAX;
	loop->call.loop.single = false;
	/* Relaxed, both: helpers see it through the frame that they steal. */
	atomic_store_explicit(&loop->call.loop.stop, 0, memory_order_relaxed);
	atomic_store_explicit(&loop->call.loop.companions, 0,
			      memory_order_relaxed);
	loop->call.error = 0;
	loop->begin = begin;
	loop->end = end;
	loop->body = body;
	loop->context = context;
	loop->longer = 0;
	return 0;
}

int skua_for(struct skua_pool *pool, uint64_t begin, uint64_t end,
	     skua_range_fn *body, void *context)
{
	return skua_for_with(pool, begin, end, body, context, NULL);
}

int skua_for_in(skua_here here, uint64_t begin, uint64_t end,
		skua_range_fn *body, void *context)
{
	struct loop loop;
	int error = open_loop(&loop, begin, end, body, context);

	if (error || !here)
		return SKUA_EINVAL;
	return begin == end ? 0 : ski_call_in(here, &loop.call);
}

int skua_for_with(struct skua_pool *pool, uint64_t begin, uint64_t end,
		  skua_range_fn *body, void *context,
		  const struct skua_for_options *options)
{
	struct loop loop;
	int error = open_loop(&loop, begin, end, body, context);

	if (!error)
		error = set_split(&loop, options);
	if (!pool || error)
		return SKUA_EINVAL;
	return ski_call_on(pool, &loop.call);
}

int skua_for_in_with(skua_here here, uint64_t begin, uint64_t end,
		     skua_range_fn *body, void *context,
		     const struct skua_for_options *options)
{
	struct loop loop;
	int error = open_loop(&loop, begin, end, body, context);

	if (!error)
		error = set_split(&loop, options);
	if (!here || error)
		return SKUA_EINVAL;
	return ski_call_in(here, &loop.call);
}
