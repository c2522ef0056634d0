/* SPDX-License-Identifier: MIT */
/*
 * threads: two named threads that fill and drain a glass under a lock. While they
 * run, `ps -T -p PID` shows them by their names.
 */
#include <skua/skua.h>
#include <stdbool.h>
#include <stdio.h>

enum {
	SIPS = 6
};

static struct skua_mutex lock = SKUA_MUTEX_INIT;
static struct skua_cond changed = SKUA_COND_INIT;
static bool is_full;

/* Wait until the glass is full or empty as @wanted, and turn it over. */
static void take_turn(bool wanted)
{
	SKUA_LOCKED(&lock) {
		while (is_full != wanted)
			skua_cond_wait(&changed, &lock);
		is_full = !wanted;
		printf("%s: the glass is %s\n", skua_thread_name(),
		       is_full ? "full" : "empty");
		skua_cond_signal(&changed);
	}
}

static void *pour(void *count)
{
	for (int i = 0; i < *(int *)count; i++)
		take_turn(false);
	return count;
}

static void *drink(void *count)
{
	for (int i = 0; i < *(int *)count; i++)
		take_turn(true);
	return count;
}

int main(void)
{
	struct skua_thread *host = NULL, *guest = NULL;
	int sips = SIPS;
	void *result = NULL;

	/* Names are any UTF-8, in 15 bytes. */
	int error = skua_thread_start(&host, "host", pour, &sips);
	if (!error)
		error = skua_thread_start(&guest, "客人", drink, &sips);
	if (error) {
		fprintf(stderr, "threads: %s\n", skua_strerror(error));
		return 1; /* the process ends, and with it the host */
	}

	/* An hour would do; running out would disturb nobody. */
	error = skua_thread_join(host, SKUA_SECONDS(3600), NULL);
	if (!error)
		error = skua_thread_join(guest, SKUA_FOREVER, &result);
	if (!error)
		printf("%s: %d sips\n", skua_thread_name(), *(int *)result);
	return error != 0;
}
