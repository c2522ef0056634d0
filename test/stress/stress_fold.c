/* SPDX-License-Identifier: MIT */
/*
 * stress_fold.c - reductions, scans and pipelines at once, from threads and from
 * tasks, of random sizes, with bodies that wait. Values do not commute: the
 * hash of a sequence, which is that of its order, and of each of its parts.
 */
#include "users.h"

enum {
	MOST = 30000
};

static struct skua_pool *pool;

/* x -> x * scale + offset: maps compose, in their order. */
struct map {
	uint64_t scale, offset;
};

static const struct map identity = { 1, 0 };

static struct map step(uint64_t i)
{
	return (struct map){ 2 * i + 3, i ^ UINT64_C(0x9e3779b97f4a7c15) };
}

static struct map then(struct map first, struct map second)
{
	return (struct map){ first.scale * second.scale,
			     first.offset * second.scale + second.offset };
}

static bool same(struct map a, struct map b)
{
	return a.scale == b.scale && a.offset == b.offset;
}

static void combine(void *left, const void *right, void *context)
{
	(void)context;
	*(struct map *)left =
		then(*(struct map *)left, *(const struct map *)right);
}

static const struct skua_fold fold = { sizeof(identity), &identity, combine };

struct work {
	uint64_t count;
	unsigned waits; /* one of so many iterations */
	struct map *seen; /* by a scan, up to each */
	atomic_ulong written;
};

static int fold_some(skua_here here, uint64_t begin, uint64_t end, void *value,
		     void *context)
{
	struct work *work = context;
	struct map map = *(struct map *)value;

	(void)here;
	EXPECT(begin < end && end <= work->count);
	for (uint64_t i = begin; i < end; i++) {
		map = then(map, step(i));
		if (i % work->waits == 0)
			skua_yield();
	}
	*(struct map *)value = map;
	return 0;
}

static int write_some(skua_here here, uint64_t begin, uint64_t end, void *value,
		      void *context)
{
	struct work *work = context;
	struct map map = *(struct map *)value;

	(void)here;
	for (uint64_t i = begin; i < end; i++)
		work->seen[i] = map = then(map, step(i));
	*(struct map *)value = map;
	atomic_fetch_add(&work->written, end - begin);
	return 0;
}

static struct map serial(uint64_t count)
{
	struct map map = identity;

	for (uint64_t i = 0; i < count; i++)
		map = then(map, step(i));
	return map;
}

static void reduce(struct work *work)
{
	struct map result = { 7, 7 };

	EXPECT(skua_reduce(pool, 0, work->count, &fold, fold_some, work,
			   &result) == 0);
	EXPECT(same(result, serial(work->count)));
}

static void scan(struct work *work)
{
	struct map total = { 7, 7 }, map = identity;

	work->seen = malloc((work->count + 1) * sizeof(*work->seen));
	EXPECT(work->seen);
	EXPECT(skua_scan(pool, 0, work->count, &fold, fold_some, write_some,
			 work, &total) == 0);
	EXPECT(atomic_load(&work->written) == work->count);
	for (uint64_t i = 0; i < work->count; i++) {
		map = then(map, step(i));
		EXPECT(same(work->seen[i], map));
	}
	EXPECT(same(total, map));
	free(work->seen);
}

/* ---- a pipeline that folds in order ---- */

struct flow {
	struct work *work;
	uint64_t made;
	struct map map;
};

static int make(skua_here here, void **item, void *context)
{
	struct flow *flow = context;

	(void)here;
	if (flow->made == flow->work->count)
		return SKUA_ENONE;
	*item = number(flow->made++);
	return 0;
}

static int pass(skua_here here, void **item, void *context)
{
	struct flow *flow = context;

	(void)here;
	if ((uintptr_t)*item % flow->work->waits == 0)
		skua_yield();
	return 0;
}

static int take(skua_here here, void **item, void *context)
{
	struct flow *flow = context;

	(void)here;
	flow->map = then(flow->map, step((uintptr_t)*item));
	return 0;
}

static void flow(struct work *work, uint64_t *random)
{
	struct flow flow = { work, 0, identity };
	struct skua_stage stages[] = {
		{ SKUA_STAGE_IN_ORDER, make, &flow, NULL },
		{ (enum skua_stage_mode)stress_below(random, 3), pass, &flow,
		  NULL },
		{ SKUA_STAGE_PARALLEL, pass, &flow, NULL },
		{ SKUA_STAGE_IN_ORDER, take, &flow, NULL },
	};

	work->count /= 16;
	EXPECT(skua_pipeline(pool, stages, 4, stress_below(random, 20)) == 0);
	EXPECT(flow.made == work->count);
	EXPECT(same(flow.map, serial(work->count)));
}

static void *use(void *stream_number)
{
	uint64_t random = stress_stream((uintptr_t)stream_number);

	for (unsigned i = 0; i < 4; i++) {
		struct work work = { .waits = 1 };

		work.count = stress_below(&random, 3) ?
				     stress_below(&random, MOST) :
				     stress_below(&random, 20);
		work.waits += (unsigned)stress_below(&random, 3000) + 100;
		switch (stress_below(&random, 3)) {
		case 0:
			reduce(&work);
			break;
		case 1:
			scan(&work);
			break;
		default:
			flow(&work, &random);
		}
	}
	return NULL;
}

static void body(void)
{
	size_t rounds = stress_rounds(SCALED(200), 10000);

	pool = stress_open(stress.workers);
	for (size_t i = 0; i < rounds; i++)
		users_round(pool, i, use);
	stress_close(pool);
}

int main(int argc, char *argv[])
{
	return stress_main(argc, argv, body);
}
