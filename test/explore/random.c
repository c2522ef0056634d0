/* SPDX-License-Identifier: MIT */
/*
 * Random small programs, run through the explorer and through the axioms: both
 * must come to the same outcomes. This is what shows that the explorer finds
 * all that RC11 allows, its reductions included, and nothing else.
 */
#include <inttypes.h>
#include <string.h>

#include "engine.h"
#include "rc11.h"

static struct {
	_Alignas(64) uint64_t location[RC11_LOCATIONS];
	uint64_t read[RC11_OPS];
} state;

static struct rc11_program program;
static struct rc11_outcomes expected, found;
static uint64_t random_state;

static unsigned below(unsigned n)
{
	random_state = ex_mix(random_state, 0x1234567);
	return (unsigned)(random_state >> 33) % n;
}

static void perform(const struct rc11_op *op, unsigned i)
{
	static const struct ex_site site = { "random", 0, "operation" };
	uint64_t *p = &state.location[op->location], value = op->expected;

	switch (op->kind) {
	case RC11_LOAD:
		state.read[i] = ex_load(&site, p, 8, op->order);
		break;
	case RC11_STORE:
		ex_store(&site, p, 8, i + 1, op->order);
		break;
	case RC11_EXCHANGE:
		state.read[i] =
			ex_fetch(&site, p, 8, EX_EXCHANGE, i + 1, op->order);
		break;
	case RC11_CAS:
		ex_compare(&site, p, 8, &value, i + 1, op->order, op->failure,
			   false);
		state.read[i] = value;
		break;
	case RC11_FENCE:
		ex_fence(&site, op->order);
		break;
	}
}

static void run(void)
{
	for (unsigned i = 0; i < program.count; ++i)
		if (program.op[i].thread == ex_self() - 1)
			perform(&program.op[i], i);
}

static void check(void)
{
	static const struct ex_site site = { "random", 0, "check" };
	uint64_t outcome = 0;

	for (unsigned i = 0; i < program.count; ++i)
		outcome |= rc11_read(i, (unsigned)state.read[i]);
	for (unsigned i = 0; i < program.locations; ++i)
		outcome |= rc11_last(
			i, (unsigned)ex_load(&site, &state.location[i], 8,
					     memory_order_relaxed));
	rc11_note(&found, outcome);
}

static int random_order(enum rc11_kind kind)
{
	static const int orders[][4] = {
		[RC11_LOAD] = { memory_order_relaxed, memory_order_acquire,
				memory_order_seq_cst, memory_order_relaxed },
		[RC11_STORE] = { memory_order_relaxed, memory_order_release,
				 memory_order_seq_cst, memory_order_relaxed },
		[RC11_EXCHANGE] = { memory_order_relaxed, memory_order_acq_rel,
				    memory_order_seq_cst,
				    memory_order_release },
		[RC11_CAS] = { memory_order_relaxed, memory_order_acquire,
			       memory_order_seq_cst, memory_order_release },
		[RC11_FENCE] = { memory_order_seq_cst, memory_order_acquire,
				 memory_order_release, memory_order_seq_cst },
	};

	return orders[kind][below(4)];
}

/* Few operations and few threads with many of them are both worth having. */
static void make_program(void)
{
	unsigned threads = 2 + below(3);

	memset(&program, 0, sizeof(program));
	program.locations = 1 + below(RC11_LOCATIONS);
	program.count = 4 + below(RC11_OPS - 3);
	for (unsigned i = 0; i < program.count; ++i) {
		static const enum rc11_kind kinds[] = {
			RC11_LOAD,  RC11_LOAD,	   RC11_LOAD,
			RC11_STORE, RC11_STORE,	   RC11_STORE,
			RC11_FENCE, RC11_EXCHANGE, RC11_CAS,
		};
		struct rc11_op *op = &program.op[i];

		op->kind = kinds[below(sizeof(kinds) / sizeof(*kinds))];
		op->thread = below(threads);
		op->location = below(program.locations);
		op->order = random_order(op->kind);
		op->failure = random_order(RC11_LOAD);
		op->expected = below(3) ? below(program.count + 1) : 0;
	}
}

static void print_program(void)
{
	static const char *const names[] = { "load", "store", "exchange", "CAS",
					     "fence" };

	for (unsigned i = 0; i < program.count; ++i) {
		const struct rc11_op *op = &program.op[i];
		printf("  %u: thread %u: %s %s", i, op->thread, names[op->kind],
		       ex_order_name(op->order));
		if (op->kind != RC11_FENCE)
			printf(" %c", "xyz"[op->location]);
		if (op->kind == RC11_CAS)
			printf(" if %u, else %s", op->expected,
			       ex_order_name(op->failure));
		putchar('\n');
	}
}

/* False: an execution was found to be faulty, so outcomes are missing. */
static bool explore(void)
{
	static struct ex_scenario s = {
		.name = "random",
		.run = { run, run, run, run },
		.check = check,
		.state = &state,
		.state_bytes = sizeof(state),
	};
	bool good = true;

	rc11_clear(&found);
	ex.scenario = &s;
	ex.bound = 30;
	ex_search_start();
	do {
		if (ex_execute() == EX_FAULTY) {
			printf("  %s: %s\n", ex_fault_name(ex.fault),
			       ex.message);
			good = false;
		}
	} while (ex_search_next());
	return good;
}

/* Each outcome of @a that @b has not. */
static unsigned difference(const struct rc11_outcomes *a,
			   const struct rc11_outcomes *b, const char *what)
{
	unsigned count = 0;

	for (unsigned i = 0; i < a->slots; ++i) {
		uint64_t outcome = a->slot[i] - 1;

		if (!a->slot[i] || rc11_has(b, outcome))
			continue;
		printf("  %s: %0*" PRIx64 "\n", what, RC11_OPS + RC11_LOCATIONS,
		       outcome);
		++count;
	}
	return count;
}

/* The program of @seed, which alone decides what it is. */
static bool compare(uint64_t seed)
{
	bool good;

	random_state = ex_mix(ex_mix(0, seed), 1);
	make_program();
	rc11_allowed(&program, &expected);
	good = explore();
	if (difference(&expected, &found, "allowed, never found") +
	    difference(&found, &expected, "found, forbidden"))
		good = false;
	if (!good) {
		printf("seed %" PRIu64 " (again: --random 1 --seed %" PRIu64
		       "):\n",
		       seed, seed);
		print_program();
	}
	return good;
}

/* Of the seeds from @seed on. */
int ex_random_programs(unsigned count, uint64_t seed)
{
	unsigned long outcomes = 0;

	printf("seed %" PRIu64 "\n", seed);
	for (unsigned i = 0; i < count; ++i) {
		if (!compare(seed + i))
			return 1;
		outcomes += found.count;
	}
	printf("%u programs, %lu outcomes: as the axioms say\n", count,
	       outcomes);
	return 0;
}
