/* SPDX-License-Identifier: MIT */
/* test_sort_typed.c - SKUA_DEFINE_SORT() for types of several sizes. */
#include "sort_test.h"

#define LESS(a, b) (*(a) < *(b))

SKUA_DEFINE_SORT(sort_bytes, unsigned char, LESS);
SKUA_DEFINE_SORT(sort_ints, int, LESS);
SKUA_DEFINE_STABLE_SORT(sort_ints_stable, int, LESS);
SKUA_DEFINE_SORT(sort_doubles, double, LESS);

/* A function, and a type with const in it. */
static inline bool word_less(const char *const *a, const char *const *b)
{
	return strcmp(*a, *b) < 0;
}

SKUA_DEFINE_SORT(sort_words, const char *, word_less);

struct person {
	uint64_t place;
	uint32_t age;
	unsigned char room[12];
};

#define YOUNGER(a, b) ((a)->age < (b)->age)

SKUA_DEFINE_SORT(sort_people, struct person, YOUNGER);
SKUA_DEFINE_STABLE_SORT(sort_people_stable, struct person, YOUNGER);

/* Over the limit above which addresses are sorted, and aligned to more. */
struct crowd {
	_Alignas(128) struct person person[10];
};

#define FIRST_YOUNGER(a, b) ((a)->person[0].age < (b)->person[0].age)

SKUA_DEFINE_SORT(sort_crowds, struct crowd, FIRST_YOUNGER);
SKUA_DEFINE_STABLE_SORT(sort_crowds_stable, struct crowd, FIRST_YOUNGER);

static uint64_t seed;

/* --- Numbers, against qsort(). --- */

static int compare_ints(const void *a, const void *b)
{
	int one = *(const int *)a, other = *(const int *)b;

	return (one > other) - (one < other);
}

static void ints_body(struct skua_pool *pool, unsigned workers)
{
	const size_t count = SCALED(300000);
	int *numbers = malloc(count * sizeof(int));
	int *wanted = malloc(count * sizeof(int));
	uint64_t random = seed;

	(void)workers;
	CHECK(numbers && wanted);
	for (int k = 0; k < 2 * PATTERNS; k++) {
		for (size_t i = 0; i < count; i++)
			numbers[i] = wanted[i] =
				(int)pattern_key(k / 2, i, count, &random);
		qsort(wanted, count, sizeof(int), compare_ints);
		CHECK((k % 2 ? sort_ints : sort_ints_stable)(pool, numbers,
							     count) == 0);
		CHECK(!memcmp(numbers, wanted, count * sizeof(int)));
	}
	free(numbers);
	free(wanted);
}

Test(sort_typed, ints, .timeout = LIMIT)
{
	seed = test_seed();
	with_pools(ints_body);
}

static void others_body(struct skua_pool *pool, unsigned workers)
{
	enum {
		COUNT = 3000
	};
	static unsigned char bytes[COUNT];
	static double doubles[COUNT];
	static const char *words[COUNT];
	static char text[COUNT][8];
	uint64_t random = seed;

	(void)workers;
	for (int i = 0; i < COUNT; i++) {
		bytes[i] = (unsigned char)next_random(&random);
		doubles[i] = (double)(int64_t)next_random(&random);
		snprintf(text[i], sizeof(text[i]), "%u",
			 (unsigned)next_random(&random) % 100000);
		words[i] = text[i];
	}
	CHECK(sort_bytes(pool, bytes, COUNT) == 0);
	CHECK(sort_doubles(pool, doubles, COUNT) == 0);
	CHECK(sort_words(pool, words, COUNT) == 0);
	for (int i = 1; i < COUNT; i++)
		CHECK(bytes[i - 1] <= bytes[i] &&
		      doubles[i - 1] <= doubles[i] &&
		      strcmp(words[i - 1], words[i]) <= 0);
	/* No order at all among NaNs, but none is lost. */
	for (int i = 0; i < COUNT; i++)
		doubles[i] = i % 3 ? (double)next_random(&random) : 0. / 0.;
	CHECK(sort_doubles(pool, doubles, COUNT) == 0);
	for (int i = 0, n = 0; i < COUNT; i++) {
		n += doubles[i] != doubles[i];
		CHECK(i < COUNT - 1 || n == COUNT / 3);
	}
}

Test(sort_typed, bytes_doubles_words, .timeout = LIMIT)
{
	seed = test_seed();
	with_pools(others_body);
}

/* --- Structs. --- */

static struct person make_person(size_t i, uint64_t *random)
{
	struct person person = { i, next_random(random) % 1000, { 0 } };

	memset(person.room, (int)(i * 7), sizeof(person.room));
	return person;
}

static bool is_whole(const struct person *person, unsigned char *seen)
{
	struct person same = *person;

	memset(same.room, (int)(person->place * 7), sizeof(same.room));
	return !seen[person->place]++ && !memcmp(&same, person, sizeof(same));
}

static void structs_body(struct skua_pool *pool, unsigned workers)
{
	const size_t count = SCALED(60000);
	struct person *people = malloc(count * sizeof(*people));
	struct crowd *crowds = aligned_alloc(128, count * sizeof(*crowds));
	unsigned char *seen = malloc(2 * count);
	uint64_t random = seed;

	(void)workers;
	CHECK(people && crowds && seen);
	for (int stable = 0; stable < 2; stable++) {
		for (size_t i = 0; i < count; i++) {
			people[i] = make_person(i, &random);
			for (size_t k = 0; k < 10; k++)
				crowds[i].person[k] = people[i];
		}
		memset(seen, 0, 2 * count);
		CHECK((stable ? sort_people_stable : sort_people)(pool, people,
								  count) == 0);
		CHECK((stable ? sort_crowds_stable : sort_crowds)(pool, crowds,
								  count) == 0);
		for (size_t i = 0; i < count; i++) {
			CHECK(is_whole(&people[i], seen));
			CHECK(is_whole(&crowds[i].person[0], seen + count));
			CHECK(!memcmp(&crowds[i].person[0],
				      &crowds[i].person[9],
				      sizeof(struct person)));
		}
		for (size_t i = 1; i < count; i++) {
			CHECK(!YOUNGER(&people[i], &people[i - 1]));
			CHECK(!FIRST_YOUNGER(&crowds[i], &crowds[i - 1]));
			CHECK(!stable || people[i].age > people[i - 1].age ||
			      people[i].place > people[i - 1].place);
			CHECK(!stable ||
			      crowds[i].person->place == people[i].place);
		}
	}
	free(people);
	free(crowds);
	free(seen);
}

Test(sort_typed, structs, .timeout = LIMIT)
{
	seed = test_seed();
	with_pools(structs_body);
}

/* --- The other forms, and what is refused. --- */

SKUA_TASK(int, sort_inside, int *, numbers, size_t, count)
{
	int error = sort_ints_in(here, numbers, count / 2);

	if (error)
		return error;
	return sort_ints_stable_in(here, numbers, count);
}

static void forms_body(struct skua_pool *pool, unsigned workers)
{
	int numbers[1000], error = 77;

	(void)workers;
	for (int i = 0; i < 1000; i++)
		numbers[i] = i * 617 % 1000;
	CHECK(sort_inside_run(pool, &error, numbers, 1000) == 0);
	CHECK(error == 0);
	for (int i = 0; i < 1000; i++)
		CHECK(numbers[i] == i);
	CHECK(sort_ints(NULL, numbers, 1000) == SKUA_EINVAL);
	CHECK(sort_ints(pool, NULL, 1) == SKUA_EINVAL);
	CHECK(sort_ints(pool, NULL, 0) == 0);
	CHECK(sort_ints(pool, numbers, SIZE_MAX / 2) == SKUA_EINVAL);
	CHECK(sort_ints_in(NULL, numbers, 1000) == SKUA_EINVAL);
}

Test(sort_typed, forms, .timeout = LIMIT)
{
	with_pools(forms_body);
}
