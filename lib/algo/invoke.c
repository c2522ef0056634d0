/* SPDX-License-Identifier: MIT */
/*
 * Invoke: a range of calls is halved until one is left; the later half is
 * forked, the earlier one called, so that who is alone goes in order.
 */
#include <skua/invoke.h>

/* What the calls of one invoke share: the first error, which stops the rest.
 * Relaxed, all of it: it comes to the caller with the joins, and before that
 * it only says that no more is wanted. */
struct invoke {
	const struct skua_call *calls;
	_Atomic(int) error;
};

static int error_of(struct invoke *invoke)
{
	return atomic_load_explicit(&invoke->error, memory_order_relaxed);
}

static void fail(struct invoke *invoke, int error)
{
	int none = 0;

	atomic_compare_exchange_strong_explicit(&invoke->error, &none, error,
						memory_order_relaxed,
						memory_order_relaxed);
}

static void call_one(skua_here here, struct invoke *invoke, size_t i)
{
	const struct skua_call *call = &invoke->calls[i];
	int error = SKUA_ECANCELLED;

	if (error_of(invoke))
		return;
	if (!skua_cancelled(here))
		error = call->fn(here, call->arg);
	if (error)
		fail(invoke, error);
}

SKUA_TASK_VOID(call_range, struct invoke *, invoke, size_t, from, size_t, count)
{
	size_t half = count / 2;

	if (count == 1) {
		call_one(here, invoke, from);
		return;
	}
	call_range_fork(&here, invoke, from + (count - half), half);
	call_range(here, invoke, from, count - half);
	call_range_join(&here);
}

static int check(const struct skua_call calls[], size_t count)
{
	if (count && !calls)
		return SKUA_EINVAL;
	for (size_t i = 0; i < count; i++)
		if (!calls[i].fn)
			return SKUA_EINVAL;
	return 0;
}

int skua_invoke_many(struct skua_pool *pool, const struct skua_call calls[],
		     size_t count)
{
	struct invoke invoke = { calls, 0 };
	int error = pool ? check(calls, count) : SKUA_EINVAL;

	if (error || !count)
		return error;
	error = call_range_run(pool, &invoke, 0, count);
	/* A function's own error says more than that one said skua_fail(). */
	if (!error || error == SKUA_EFAILED)
		error = error_of(&invoke) ? error_of(&invoke) : error;
	return error;
}

int skua_invoke_many_in(skua_here here, const struct skua_call calls[],
			size_t count)
{
	struct invoke invoke = { calls, 0 };
	int error = here ? check(calls, count) : SKUA_EINVAL;
	_Atomic(int) *code;

	if (error || !count)
		return error;
	call_range(here, &invoke, 0, count);
	code = skua_task_code_1();
	if (!error_of(&invoke) && code &&
	    atomic_load_explicit(code, memory_order_relaxed))
		return SKUA_EFAILED;
	return error_of(&invoke);
}

int skua_invoke(struct skua_pool *pool, skua_child_fn *first, void *first_arg,
		skua_child_fn *second, void *second_arg)
{
	const struct skua_call calls[] = { { first, first_arg },
					   { second, second_arg } };

	return skua_invoke_many(pool, calls, 2);
}

int skua_invoke_in(skua_here here, skua_child_fn *first, void *first_arg,
		   skua_child_fn *second, void *second_arg)
{
	const struct skua_call calls[] = { { first, first_arg },
					   { second, second_arg } };

	return skua_invoke_many_in(here, calls, 2);
}
