/* SPDX-License-Identifier: MIT */
/* hello: one task on a pool, with an argument and a result. */
#include <ctype.h>
#include <skua/skua.h>
#include <stdio.h>

static void *shout(void *text) /* runs on a worker */
{
	for (char *p = text; *p; p++)
		*p = (char)toupper((unsigned char)*p);
	return text;
}

int main(void)
{
	char text[] = "hello from a worker";
	struct skua_pool *pool = NULL;
	struct skua_future *future = NULL;
	void *result;

	int error = skua_pool_open(&pool, NULL); /* NULL: all defaults */
	if (!error)
		error = skua_submit(pool, shout, text, &future);
	if (!error)
		error = skua_future_result(future, SKUA_FOREVER, &result);
	if (!error)
		puts(result);
	else
		fprintf(stderr, "hello: %s\n", skua_strerror(error));

	skua_future_release(future);
	skua_pool_close(pool, SKUA_CLOSE_WAIT);
	return error != 0;
}
