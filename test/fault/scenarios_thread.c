/* SPDX-License-Identifier: MIT */
/* Plain threads: started, or nothing has happened. */
#include "scenarios.h"

struct embedded {
	struct skua_thread_base thread;
	int times;
};

static void *run(struct skua_thread_base *self)
{
	((struct embedded *)(void *)self)->times++;
	return self;
}

/* A start that failed leaves it as it was: it may be tried again. */
static void try_embedded(void)
{
	struct embedded embedded = { { run, "embedded", { 0 } }, 0 };
	void *result = NULL;
	int error = skua_thread_base_start(&embedded.thread);

	if (fault_shortage(error)) {
		EXPECT(skua_thread_base_join(&embedded.thread, SKUA_FOREVER,
					     &result) == SKUA_EINVAL);
		error = skua_thread_base_start(&embedded.thread);
	}
	if (fault_shortage(error))
		return;
	EXPECT(error == 0);
	EXPECT(skua_thread_base_join(&embedded.thread, SKUA_FOREVER, &result) ==
	       0);
	EXPECT(result == &embedded && embedded.times == 1);
}

static void *twice(void *arg)
{
	*(int *)arg *= 2;
	return arg;
}

static void try_handle(void)
{
	static struct skua_thread *const untouched = (void *)&ledger;
	struct skua_thread *thread = untouched;
	void *result = NULL;
	int n = 21;
	int error = skua_thread_start(&thread, "handle", twice, &n);

	EXPECT((error == 0) == (thread != untouched));
	if (fault_shortage(error))
		return;
	EXPECT(error == 0);
	/* The wait allocates nothing, with a time limit or without. */
	error = skua_thread_join(thread, SKUA_SECONDS(1000), &result);
	EXPECT(error == 0 && result == &n && n == 42);
}

static void *nothing(void *arg)
{
	return arg;
}

/* What is freed at its end, whoever comes second. */
static void try_detached(void)
{
	struct skua_thread *thread;
	int error = skua_thread_start(&thread, NULL, nothing, NULL);

	if (!fault_shortage(error)) {
		EXPECT(error == 0);
		skua_thread_detach(thread);
	}
}

static void *in_task(void *arg)
{
	try_embedded();
	try_handle();
	return fault_job(arg);
}

void scenario_threads(void)
{
	struct skua_pool *pool = fault_open(2);
	struct skua_future *future = NULL;

	fault_begin();
	for (int i = 0; i < 3; i++) {
		try_embedded();
		try_handle();
		try_detached();
		if (!fault_noted(skua_submit(pool, in_task, NULL, &future), 1))
			continue;
		EXPECT(skua_future_result(future, SKUA_FOREVER, NULL) == 0);
		skua_future_release(future);
	}
	fault_close(pool);
}
