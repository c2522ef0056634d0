/* SPDX-License-Identifier: MIT */
/*
 * embed: a struct that has a thread in it, as others derive a class from one.
 * Each counts the primes of a range; what it works with lies beside it, and
 * nothing is allocated.
 */
#include <skua/skua.h>
#include <stdbool.h>
#include <stdio.h>

struct counter {
	struct skua_thread_base thread; /* first: a cast leads back */
	char name[16];
	long from, to; /* what to look at */
	long primes; /* what was found */
};

static bool is_prime(long n)
{
	for (long d = 2; d * d <= n; d++) {
		if (n % d == 0)
			return false;
	}
	return n > 1;
}

static void *count(struct skua_thread_base *self) /* in the thread */
{
	struct counter *me = (struct counter *)(void *)self;

	for (long n = me->from; n < me->to; n++)
		me->primes += is_prime(n);
	return me;
}

static int start(struct counter *counter, int number, long from, long to)
{
	*counter = (struct counter){ .from = from, .to = to };
	snprintf(counter->name, sizeof(counter->name), "primes-%d", number);
	counter->thread.run = count;
	counter->thread.name = counter->name;
	return skua_thread_base_start(&counter->thread);
}

enum {
	COUNTERS = 4,
	EACH = 25000
};

int main(void)
{
	struct counter counters[COUNTERS];
	long primes = 0;
	int started = 0, error = 0;

	while (started < COUNTERS && !error) {
		long from = (long)started * EACH;

		error = start(&counters[started], started, from, from + EACH);
		started += !error;
	}
	/* They must have ended before the array goes, come what may. */
	for (int i = 0; i < started; i++) {
		skua_thread_base_join(&counters[i].thread, SKUA_FOREVER, NULL);
		printf("%s: %ld\n", counters[i].name, counters[i].primes);
		primes += counters[i].primes;
	}
	if (error)
		fprintf(stderr, "embed: %s\n", skua_strerror(error));
	else
		printf("%ld primes below %d\n", primes, COUNTERS * EACH);
	return error != 0;
}
