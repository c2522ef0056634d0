/* SPDX-License-Identifier: MIT */
/*
 * The command: which scenarios, how far, and what was found.
 */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine.h"

enum {
	BOUND = 3,
	LONG_BOUND = 5, /* if SKUA_TEST_LONG is set */
	MAX_BOUND = 30,
	OUTCOMES = 4096,
	GRAPHS = 1 << 22
};

static struct ex_scenario *scenarios;
static const char *program;
static double seconds_limit;

/* What an exploration came to. */
struct result {
	unsigned long executions, graphs, known, cut;
	double seconds;
	bool complete;
	enum ex_fault fault;
	char message[sizeof(ex.message)];
	unsigned outcomes;
	uint64_t outcome[OUTCOMES];
};

/* Sorted by concept and name, since constructors run in any order. */
void ex_register(struct ex_scenario *s)
{
	struct ex_scenario **at = &scenarios;

	for (; *at; at = &(*at)->next) {
		int order = strcmp((*at)->concept, s->concept);
		if (order > 0 || (!order && strcmp((*at)->name, s->name) > 0))
			break;
	}
	s->next = *at;
	*at = s;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Counts the different graphs; past a few millions it stops counting. */
static void note_graph(struct result *r, uint64_t graph)
{
	static uint64_t *table, salt;
	size_t i;

	if (!table)
		table = calloc(GRAPHS, sizeof(*table));
	if (!table || r->graphs > GRAPHS / 2)
		return;
	if (!r->graphs)
		salt = ex_mix(salt, 1);
	graph = ex_mix(graph, salt) | 1;
	for (i = graph >> 8 & (GRAPHS - 1); table[i];
	     i = (i + 1) & (GRAPHS - 1))
		if (table[i] == graph)
			return;
	table[i] = graph;
	++r->graphs;
}

static void note_outcome(struct result *r, uint64_t outcome)
{
	for (unsigned i = 0; i < r->outcomes; ++i)
		if (r->outcome[i] == outcome)
			return;
	if (r->outcomes < OUTCOMES)
		r->outcome[r->outcomes++] = outcome;
}

static void count(struct result *r, enum ex_end how)
{
	switch (how) {
	case EX_COMPLETE:
		++r->executions;
		note_graph(r, ex.graph);
		if (ex.has_outcome)
			note_outcome(r, ex.outcome);
		break;
	case EX_KNOWN:
		++r->known;
		break;
	case EX_CUT:
		++r->cut;
		break;
	case EX_FAULTY:
		++r->executions;
		r->fault = ex.fault;
		memcpy(r->message, ex.message, sizeof(r->message));
		break;
	}
}

static unsigned bound_of(const struct ex_scenario *s, unsigned bound)
{
	if (s->unbounded)
		return MAX_BOUND;
	bound = bound > s->fewer ? bound - s->fewer : 0;
	return s->most && bound > s->most ? s->most : bound;
}

/* Until a fault is found, all was seen, or the time is over. */
static void explore(const struct ex_scenario *s, unsigned bound,
		    struct result *r)
{
	double start = now();
	unsigned long runs = 0;

	memset(r, 0, sizeof(*r));
	ex.scenario = s;
	ex.bound = bound_of(s, bound);
	ex_search_start();
	for (;;) {
		count(r, ex_execute());
		if (r->fault)
			break;
		if (!ex_search_next()) {
			r->complete = true;
			break;
		}
		if (seconds_limit > 0 && ++runs % 1024 == 0 &&
		    now() - start > seconds_limit)
			break;
	}
	r->seconds = now() - start;
}

static void print_execution(const struct ex_scenario *s, unsigned bound)
{
	printf("        thread, place, access, what it did\n");
	ex.tracing = true;
	ex_search_rewind();
	if (ex_execute() == EX_FAULTY)
		printf("        %s: %s\n", ex_fault_name(ex.fault), ex.message);
	ex.tracing = false;
	printf("        again: %s --only %s --bound %u --replay ", program,
	       s->name, bound);
	ex_search_print(stdout);
	putchar('\n');
}

/* With as few preemptions as will do. */
static void print_fault(const struct ex_scenario *s, unsigned bound,
			struct result *r)
{
	for (unsigned fewer = 0; fewer < bound; ++fewer) {
		explore(s, fewer, r);
		if (r->fault)
			bound = fewer;
	}
	if (!r->fault)
		explore(s, bound, r);
	print_execution(s, bound);
}

static bool is_in(uint64_t value, const uint64_t *set, unsigned n)
{
	for (unsigned i = 0; i < n; ++i)
		if (set[i] == value)
			return true;
	return false;
}

/* Those found are those listed, no more and no fewer. */
static bool check_outcomes(const struct ex_scenario *s, const struct result *r)
{
	bool good = true;

	for (unsigned i = 0; i < s->outcomes; ++i) {
		if (!is_in(s->outcome[i], r->outcome, r->outcomes)) {
			printf("        never found: %llu, which is allowed\n",
			       (unsigned long long)s->outcome[i]);
			good = false;
		}
	}
	for (unsigned i = 0; i < r->outcomes; ++i) {
		if (!is_in(r->outcome[i], s->outcome, s->outcomes)) {
			printf("        found: %llu, which is forbidden\n",
			       (unsigned long long)r->outcome[i]);
			good = false;
		}
	}
	return good;
}

static void print_line(const char *word, const struct ex_scenario *s,
		       const struct result *r)
{
	printf("%-5s %-32s %9lu executions (%lu differ), %lu known, %lu cut, "
	       "%.2f s\n",
	       word, s->name, r->executions, r->graphs, r->known, r->cut,
	       r->seconds);
}

static bool run(const struct ex_scenario *s, unsigned bound)
{
	static struct result r;

	explore(s, bound, &r);
	if (r.fault != s->finds) {
		print_line("FAIL", s, &r);
		printf("        found %s, not %s\n", ex_fault_name(r.fault),
		       ex_fault_name(s->finds));
		if (r.fault)
			print_fault(s, bound, &r);
		return false;
	}
	if (!r.fault && !r.complete) {
		print_line("OVER", s, &r);
		printf("        not all seen in %g s\n", seconds_limit);
		return false;
	}
	if (s->outcomes && !check_outcomes(s, &r)) {
		print_line("FAIL", s, &r);
		return false;
	}
	print_line("ok", s, &r);
	return true;
}

static bool replay(const struct ex_scenario *s, unsigned bound,
		   const char *trace)
{
	ex.scenario = s;
	ex.bound = bound_of(s, bound);
	ex_search_start();
	if (!ex_search_parse(trace)) {
		fprintf(stderr, "%s: not a trace: %s\n", program, trace);
		exit(2);
	}
	print_execution(s, bound);
	return ex.fault == s->finds;
}

static bool selected(const struct ex_scenario *s, const char *only)
{
	return !only || !strcmp(only, s->name) || !strcmp(only, s->concept);
}

static void list(const char *only)
{
	for (const struct ex_scenario *s = scenarios; s; s = s->next)
		if (selected(s, only))
			printf("%-10s %-32s %s\n", s->concept, s->name,
			       s->what);
}

static _Noreturn void usage(FILE *out, int status)
{
	fprintf(out,
		"Usage: %s [OPTION]...\n"
		"Explore schedules and memory orders of scenarios.\n\n"
		"  --list            list the scenarios\n"
		"  --only NAME       this scenario, or those of this concept\n"
		"  --bound N         preemptions in an execution (%d, or %d with\n"
		"                    SKUA_TEST_LONG in the environment; at most %d)\n"
		"  --seconds N       for a scenario; one that needs more fails\n"
		"  --replay TRACE    the one execution, with what it does\n"
		"  --random N        compare N random programs with the axioms\n"
		"  --seed S          of --random\n"
		"  --every-point     preempt before stores too\n"
		"  --no-cache        do not leave out states seen before\n"
		"  --no-snapshots    do each execution from its start\n"
		"  --help            this text\n",
		program, BOUND, LONG_BOUND, MAX_BOUND);
	exit(status);
}

static unsigned long number(const char *text, unsigned long most)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (!*text || *end || *text == '-' || n > most)
		usage(stderr, 2);
	return n;
}

static double seconds(const char *text)
{
	char *end;
	double n = strtod(text, &end);

	if (!*text || *end || !(n >= 0 && n <= 1000000))
		usage(stderr, 2);
	return n;
}

struct options {
	bool list;
	const char *only, *trace;
	unsigned bound, random;
	uint64_t seed;
};

static void parse(int argc, char **argv, struct options *o)
{
	static const struct option known[] = {
		{ "list", no_argument, NULL, 'l' },
		{ "only", required_argument, NULL, 'o' },
		{ "bound", required_argument, NULL, 'b' },
		{ "seconds", required_argument, NULL, 's' },
		{ "replay", required_argument, NULL, 'r' },
		{ "random", required_argument, NULL, 'n' },
		{ "seed", required_argument, NULL, 'S' },
		{ "every-point", no_argument, NULL, 'e' },
		{ "no-cache", no_argument, NULL, 'c' },
		{ "no-snapshots", no_argument, NULL, 'p' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1) {
		switch (c) {
		case 'l':
			o->list = true;
			break;
		case 'o':
			o->only = optarg;
			break;
		case 'b':
			o->bound = (unsigned)number(optarg, MAX_BOUND);
			break;
		case 's':
			seconds_limit = seconds(optarg);
			break;
		case 'r':
			o->trace = optarg;
			break;
		case 'n':
			o->random = (unsigned)number(optarg, 100000000);
			break;
		case 'S':
			o->seed = number(optarg, (unsigned long)-1);
			break;
		case 'e':
			ex.every_point = true;
			break;
		case 'c':
			ex.no_cache = true;
			break;
		case 'p':
			ex.no_snapshots = true;
			break;
		case 'h':
			usage(stdout, 0);
		default:
			usage(stderr, 2);
		}
	}
	if (optind < argc)
		usage(stderr, 2);
}

static unsigned usual_bound(void)
{
	const char *is_long = getenv("SKUA_TEST_LONG");

	return is_long && *is_long && strcmp(is_long, "0") != 0 ? LONG_BOUND :
								  BOUND;
}

int main(int argc, char **argv)
{
	struct options o = { .bound = usual_bound(),
			     .seed = (uint64_t)time(NULL) };
	unsigned good = 0, bad = 0;

	program = argv[0];
	setvbuf(stdout, NULL, _IOLBF, 0);
	parse(argc, argv, &o);
	ex_memory_init();
	ex_locals_init();
	ex_schedule_init();
	if (o.list) {
		list(o.only);
		return 0;
	}
	if (o.random)
		return ex_random_programs(o.random, o.seed);

	for (const struct ex_scenario *s = scenarios; s; s = s->next) {
		if (!selected(s, o.only))
			continue;
		if (o.trace ? replay(s, o.bound, o.trace) : run(s, o.bound))
			++good;
		else
			++bad;
	}
	if (!good && !bad) {
		fprintf(stderr, "%s: no such scenario: %s\n", program, o.only);
		return 2;
	}
	printf("%u passed, %u failed\n", good, bad);
	return bad != 0;
}
