/* SPDX-License-Identifier: MIT */
#include "loop_call.h"

int ski_call_in(skua_here here, struct ski_call *call)
{
	_Atomic(int) *code = skua_task_code_1();
	/* Relaxed: the task's own; joins bring what others said. */
	int before = atomic_load_explicit(code, memory_order_relaxed);
	int error = call->run(here, call);

	if (!error)
		error = ski_loop_stopped(&call->loop);
	if (!error && !before &&
	    atomic_load_explicit(code, memory_order_relaxed))
		error = SKUA_EFAILED;
	return error;
}

SKUA_TASK_VOID(root, struct ski_call *, call)
{
	call->error = ski_call_in(here, call);
}

int ski_call_on(struct skua_pool *pool, struct ski_call *call)
{
	int error = root_run(pool, call);

	/* What a body returned is more than that it said skua_fail(). */
	return error && error != SKUA_EFAILED ? error : call->error;
}
