/* SPDX-License-Identifier: MIT */
/*
 * Fork-join: children that a task joins before it returns, for about the
 * price of a function call each.
 *
 *	SKUA_TASK(long, fib, int, n)
 *	{
 *		if (n < 2)
 *			return n;
 *		fib_fork(&here, n - 1);
 *		long right = fib(here, n - 2);
 *		return fib_join(&here) + right;
 *	}
 *
 *	long value;
 *	int error = fib_run(pool, &value, 40);
 *
 * SKUA_TASK(type, name, type1, arg1, ...) takes up to six arguments;
 * SKUA_TASK_VOID(name, type1, arg1, ...) has no result. Arguments must fit in
 * 48 bytes, and so must the result: more goes by pointer. The body follows
 * like that of a function; in it `here` says where this task stands. Defined:
 *
 *   type name(skua_here here, args...)
 *	A plain call, in this task. Give it `here`.
 *   void name_fork(skua_here *here, args...)
 *	Start a child. It runs in this task at its join, unless another
 *	worker has stolen it before.
 *   type name_join(skua_here *here)
 *	The result of the child forked last and not yet joined: joins come
 *	in reverse order of forks, and all before the task returns. If the
 *	child was stolen, the wait runs what descends from it or suspends the
 *	task.
 *   int name_run(struct skua_pool *pool, type *result, args...)
 *	Run one from any thread or task, and wait. *result (may be NULL) is
 *	written on success only. Void tasks have no such argument. Errors:
 *	SKUA_EINVAL (NULL pool), SKUA_ENOMEM, SKUA_ECLOSED, SKUA_ECANCELLED
 *	(the pool was shut down before it started), SKUA_EFAILED.
 *   int name_submit(struct skua_pool *pool, struct skua_future **out,
 *		     args...)
 *	The same without waiting, as skua_submit().
 *   int name_result(struct skua_future *future, int64_t timeout_ns,
 *		     type *result)
 *	Wait for what name_submit() gave, as skua_future_result(). SKUA_EINVAL
 *	if the future is of another kind.
 *
 * skua_fail() in a task or in any of its children makes name_run() and
 * name_result() return SKUA_EFAILED. A fork has no way to say that memory ran
 * out: it meets the guard page of the stack, as a deep C recursion does.
 *
 * SKUA_DECLARE_TASK(...) and SKUA_DECLARE_TASK_VOID(...) declare a task before
 * its definition (mutual recursion). Across files: SKUA_TASK_EXTERN or
 * SKUA_TASK_VOID_EXTERN defines, and SKUA_DECLARE_TASK_EXTERN or
 * SKUA_DECLARE_TASK_VOID_EXTERN with the same arguments declares in a header.
 * Their forks and joins are calls: inside one file prefer SKUA_TASK.
 *
 * A task that holds a plain mutex across a join: isolate.h.
 *
 * Without NDEBUG, a task that returns with unjoined children and a join that
 * does not match its fork stop in assert(), or in SKUA_FORK_CHECK(ok, text)
 * if you define that before.
 *
 * The protocol is in docs/design/forkstack.md.
 */
#ifndef SKUA_FORK_H
#define SKUA_FORK_H

#include <stddef.h>
#include <stdint.h>

#include <skua/atomic.h>
#include <skua/error.h>
#include <skua/future.h>
#include <skua/pool.h>

#if defined(NDEBUG) && !defined(SKUA_FORK_CHECK)
#define SKUA_FORK_CHECK(ok, text) ((void)0)
#elif !defined(SKUA_FORK_CHECK)
#include <assert.h>
#define SKUA_FORK_CHECK(ok, text) assert((ok) && text)
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Inlined before gcc looks for a cheap head of the task's body: only when
 * `here` has its address taken no more is the base case split off, and then
 * inlined at each call. That is 1.5 against 2.2 ns a fork and join. */
#define SKUA_ALWAYS_INLINE __attribute__((__always_inline__))

/* Layout, version 1. The out-of-line functions carry the version in their
 * names, so that a program inlining another layout does not link. */

struct skua_job;
struct skua_frame;

/** Where a task stands: the next free frame of its fork stack. */
typedef struct skua_frame *skua_here;

/** How everything runs: on a worker, with the free frames from @here on. */
typedef void skua_run(skua_here here, struct skua_job *job);

/** The header of everything that runs. */
struct skua_job {
	skua_run *run;
	SKUA_ATOMIC(uint64_t) state;
};

/* States of a frame that was forked; else the segment of its thief, or the
 * fiber that waits with bit 1 set. A frame that is not, and all from `here` on
 * are not, has no run function and is PENDING: the fast paths touch no state,
 * and a wait finds the end of the private frames by run. */
#define SKUA_FRAME_PENDING UINT64_C(0)
#define SKUA_FRAME_DONE UINT64_C(3)

#define SKUA_FRAME_DATA 48

/** One child: 64 bytes, arguments before it ran and its result after. */
struct skua_frame {
	struct skua_job job;
	uint64_t data[SKUA_FRAME_DATA / 8];
} __attribute__((__aligned__(64)));

/* A segment of a fork stack is aligned to its size, so that a frame's address
 * gives its header. */
#ifndef SKUA_SEGMENT_BYTES
#define SKUA_SEGMENT_BYTES 65536
#endif

struct skua_group_scope;

/* What the fast paths read of a segment's header: addresses of frames.
 * at or above limit: a fork goes the slow way; below split: a join does. And
 * the group that the task belongs to, or NULL (group.h): written when a task
 * starts or ends there. */
struct skua_segment {
	SKUA_ATOMIC(uintptr_t) limit;
	SKUA_ATOMIC(uintptr_t) split;
	struct skua_group_scope *scope;
};

#if defined(__cplusplus)
static_assert(sizeof(struct skua_frame) == 64, "frame layout");
#else
_Static_assert(sizeof(struct skua_frame) == 64, "frame layout");
#endif

SKUA_API skua_here skua_fork_slow_1(skua_here here)
	__attribute__((__cold__, __noinline__));
SKUA_API uintptr_t skua_join_slow_1(skua_here here)
	__attribute__((__cold__, __noinline__));
SKUA_API void skua_show_1(skua_here here);
SKUA_API int skua_run_frame_1(struct skua_pool *pool, struct skua_frame *frame);
SKUA_API int skua_submit_frame_1(struct skua_pool *pool,
				 const struct skua_frame *frame,
				 struct skua_future **out);
/* Where skua_fail() tells in the calling task; NULL outside of tasks. For those
 * who run several functions in one task, none of them with children left: a
 * code found there can be taken back by storing 0. */
SKUA_API SKUA_ATOMIC(int) * skua_task_code_1(void);
/* In a task that runs @fn, and in its children: the argument that it was
 * submitted with; else NULL. For those who must know whether the caller is one
 * of their own. */
SKUA_API void *skua_task_arg_1(skua_fn *fn);
SKUA_API int skua_frame_result_1(struct skua_future *future, int64_t timeout_ns,
				 skua_run *run, void *result, size_t bytes);

static inline SKUA_ALWAYS_INLINE struct skua_segment *
skua_segment_of(skua_here frame)
{
	return (struct skua_segment *)((uintptr_t)frame &
				       ~(uintptr_t)(SKUA_SEGMENT_BYTES - 1));
}

/**
 * Make the frame at @here, whose data are filled, a child that runs @run;
 * returns the new `here`. What name_fork() is made of.
 */
static inline SKUA_ALWAYS_INLINE skua_here skua_fork(skua_here here,
						     skua_run *run)
{
	struct skua_segment *segment = skua_segment_of(here);

	/* A thief sees the frame through the release of the exposure in
	 * skua_fork_slow_1() or skua_join_slow_1(). */
	here->job.run = run;
	++here;
	/* Relaxed: limit is a hint; the truth is in the segment's word. */
	if (__builtin_expect(
		    (uintptr_t)here >= skua_load_relaxed(&segment->limit), 0))
		return skua_fork_slow_1(here);
	return here;
}

/* Whether a join of @frame must go the slow way.
 * Relaxed: at or above split nothing was ever published. */
static inline SKUA_ALWAYS_INLINE int skua_is_public(skua_here frame)
{
	return (uintptr_t)frame <
	       skua_load_relaxed(&skua_segment_of(frame)->split);
}

/* A frame that was joined: the place of the next fork. */
static inline SKUA_ALWAYS_INLINE void skua_free_frame(skua_here frame,
						      skua_run *run)
{
	(void)run;
	SKUA_FORK_CHECK(frame->job.run == run,
			"a join does not match its fork");
	frame->job.run = NULL;
}

/**
 * Take the child before @here back. Returns its frame with bit 0 set if it is
 * the caller's to run (call it directly, with `here` at the frame), without
 * if it was stolen and is done: then its result is in the frame's data.
 */
static inline SKUA_ALWAYS_INLINE uintptr_t skua_take(skua_here here,
						     skua_run *run)
{
	uintptr_t taken = (uintptr_t)(here - 1) | 1;

	if (__builtin_expect(skua_is_public(here - 1), 0))
		taken = skua_join_slow_1(here);
	skua_free_frame((skua_here)(taken & ~(uintptr_t)1), run);
	return taken;
}

/**
 * Whether somebody may want work: the next fork would look for the idle. True
 * of a task that has not forked yet, too. For those who have a choice between
 * forking and going on by themselves, and ask often: two loads.
 * Thread: the task whose `here` it is. Blocks: never.
 */
static inline SKUA_ALWAYS_INLINE int skua_is_wanted(skua_here here)
{
	/* Relaxed: a hint. The frame before, as in the slow paths: `here` may
	 * be the first of its segment, behind the header. */
	return skua_load_relaxed(&skua_segment_of(here - 1)->limit) <=
	       (uintptr_t)here;
}

/**
 * Let others have the children that were forked before @here and not joined:
 * for a task that is about to do something long without forking or joining.
 * Thread: the task whose `here` it is. Blocks: never.
 */
static inline void skua_show(skua_here here)
{
	skua_show_1(here);
}

/* The rest is what SKUA_TASK needs: lists of parameters from type and name
 * pairs. Each list ends with a dummy, since ISO C wants no empty one. */

#define SKUA_PARAMS_0(z)
#define SKUA_PARAMS_1(t1, a1, z) , t1 a1
#define SKUA_PARAMS_2(t1, a1, t2, a2, z) , t1 a1, t2 a2
#define SKUA_PARAMS_3(t1, a1, t2, a2, t3, a3, z) , t1 a1, t2 a2, t3 a3
#define SKUA_PARAMS_4(t1, a1, t2, a2, t3, a3, t4, a4, z) \
	, t1 a1, t2 a2, t3 a3, t4 a4
#define SKUA_PARAMS_5(t1, a1, t2, a2, t3, a3, t4, a4, t5, a5, z) \
	, t1 a1, t2 a2, t3 a3, t4 a4, t5 a5
#define SKUA_PARAMS_6(t1, a1, t2, a2, t3, a3, t4, a4, t5, a5, t6, a6, z) \
	, t1 a1, t2 a2, t3 a3, t4 a4, t5 a5, t6 a6

#define SKUA_NAMES_0(z)
#define SKUA_NAMES_1(t1, a1, z) , a1
#define SKUA_NAMES_2(t1, a1, t2, a2, z) , a1, a2
#define SKUA_NAMES_3(t1, a1, t2, a2, t3, a3, z) , a1, a2, a3
#define SKUA_NAMES_4(t1, a1, t2, a2, t3, a3, t4, a4, z) , a1, a2, a3, a4
#define SKUA_NAMES_5(t1, a1, t2, a2, t3, a3, t4, a4, t5, a5, z) \
	, a1, a2, a3, a4, a5
#define SKUA_NAMES_6(t1, a1, t2, a2, t3, a3, t4, a4, t5, a5, t6, a6, z) \
	, a1, a2, a3, a4, a5, a6

#define SKUA_FIELDS_0(z) char none;
#define SKUA_FIELDS_1(t1, a1, z) t1 a1;
#define SKUA_FIELDS_2(t1, a1, t2, a2, z) \
	t1 a1;                           \
	t2 a2;
#define SKUA_FIELDS_3(t1, a1, t2, a2, t3, a3, z) \
	SKUA_FIELDS_2(t1, a1, t2, a2, z) t3 a3;
#define SKUA_FIELDS_4(t1, a1, t2, a2, t3, a3, t4, a4, z) \
	SKUA_FIELDS_3(t1, a1, t2, a2, t3, a3, z) t4 a4;
#define SKUA_FIELDS_5(t1, a1, t2, a2, t3, a3, t4, a4, t5, a5, z) \
	SKUA_FIELDS_4(t1, a1, t2, a2, t3, a3, t4, a4, z) t5 a5;
#define SKUA_FIELDS_6(t1, a1, t2, a2, t3, a3, t4, a4, t5, a5, t6, a6, z) \
	SKUA_FIELDS_5(t1, a1, t2, a2, t3, a3, t4, a4, t5, a5, z) t6 a6;

#define SKUA_PUT_0(z)
#define SKUA_PUT_1(t1, a1, z) skua_put->a1 = a1;
#define SKUA_PUT_2(t1, a1, t2, a2, z) SKUA_PUT_1(t1, a1, z) skua_put->a2 = a2;
#define SKUA_PUT_3(t1, a1, t2, a2, t3, a3, z) \
	SKUA_PUT_2(t1, a1, t2, a2, z) skua_put->a3 = a3;
#define SKUA_PUT_4(t1, a1, t2, a2, t3, a3, t4, a4, z) \
	SKUA_PUT_3(t1, a1, t2, a2, t3, a3, z) skua_put->a4 = a4;
#define SKUA_PUT_5(t1, a1, t2, a2, t3, a3, t4, a4, t5, a5, z) \
	SKUA_PUT_4(t1, a1, t2, a2, t3, a3, t4, a4, z) skua_put->a5 = a5;
#define SKUA_PUT_6(t1, a1, t2, a2, t3, a3, t4, a4, t5, a5, t6, a6, z) \
	SKUA_PUT_5(t1, a1, t2, a2, t3, a3, t4, a4, t5, a5, z)         \
	skua_put->a6 = a6;

#define SKUA_GET_0(z)
#define SKUA_GET_1(t1, a1, z) , skua_get->a1
#define SKUA_GET_2(t1, a1, t2, a2, z) SKUA_GET_1(t1, a1, z), skua_get->a2
#define SKUA_GET_3(t1, a1, t2, a2, t3, a3, z) \
	SKUA_GET_2(t1, a1, t2, a2, z), skua_get->a3
#define SKUA_GET_4(t1, a1, t2, a2, t3, a3, t4, a4, z) \
	SKUA_GET_3(t1, a1, t2, a2, t3, a3, z), skua_get->a4
#define SKUA_GET_5(t1, a1, t2, a2, t3, a3, t4, a4, t5, a5, z) \
	SKUA_GET_4(t1, a1, t2, a2, t3, a3, t4, a4, z), skua_get->a5
#define SKUA_GET_6(t1, a1, t2, a2, t3, a3, t4, a4, t5, a5, t6, a6, z) \
	SKUA_GET_5(t1, a1, t2, a2, t3, a3, t4, a4, t5, a5, z), skua_get->a6

/* Number of (type, name) pairs behind the task's name. */
#define SKUA_COUNT(...)                                                     \
	SKUA_COUNT_(__VA_ARGS__, 6, odd, 5, odd, 4, odd, 3, odd, 2, odd, 1, \
		    odd, 0, ~)
#define SKUA_COUNT_(name, t1, a1, t2, a2, t3, a3, t4, a4, t5, a5, t6, a6, n, \
		    ...)                                                     \
	n
#define SKUA_PASTE(a, b) SKUA_PASTE_(a, b)
#define SKUA_PASTE_(a, b) a##b

#if defined(__cplusplus)
#define SKUA_FITS(type)                                \
	static_assert(sizeof(type) <= SKUA_FRAME_DATA, \
		      "over 48 bytes: pass a pointer")
#else
#define SKUA_FITS(type)                                 \
	_Static_assert(sizeof(type) <= SKUA_FRAME_DATA, \
		       "over 48 bytes: pass a pointer")
#endif
#define SKUA_STATIC_TASK static inline __attribute__((__unused__))
#define SKUA_FAST_TASK SKUA_STATIC_TASK SKUA_ALWAYS_INLINE

/* The functions of a task, as prototypes. What is not the user's is named
 * skua_…, so that arguments may have any name but `here`. */
#define SKUA_PROTOTYPES(link, n, type, name, ...)                    \
	link type name(skua_here here SKUA_PARAMS_##n(__VA_ARGS__)); \
	link void name##_fork(                                       \
		skua_here *skua_at SKUA_PARAMS_##n(__VA_ARGS__));    \
	link type name##_join(skua_here *skua_at);                   \
	link int name##_submit(                                      \
		struct skua_pool *skua_on,                           \
		struct skua_future **skua_out SKUA_PARAMS_##n(__VA_ARGS__));

#define SKUA_PROTOTYPES_VALUE(link, n, type, name, ...)                      \
	SKUA_PROTOTYPES(link, n, type, name, __VA_ARGS__)                    \
	link int name##_run(struct skua_pool *skua_on,                       \
			    type *skua_result SKUA_PARAMS_##n(__VA_ARGS__)); \
	link int name##_result(struct skua_future *skua_of,                  \
			       int64_t skua_timeout_ns, type *skua_result)

#define SKUA_PROTOTYPES_VOID(link, n, name, ...)                         \
	SKUA_PROTOTYPES(link, n, void, name, __VA_ARGS__)                \
	link int name##_run(                                             \
		struct skua_pool *skua_on SKUA_PARAMS_##n(__VA_ARGS__)); \
	link int name##_result(struct skua_future *skua_of,              \
			       int64_t skua_timeout_ns)

/* What both kinds of task share. `keep` takes the result of a child from its
 * call to the frame, `give` from the frame to its parent, `pass` from its call
 * to its parent. */
#define SKUA_DEFINE(link, fast, n, type, name, keep, give, pass, ...)          \
	struct name##_skua_args {                                              \
		SKUA_FIELDS_##n(__VA_ARGS__)                                   \
	} __attribute__((__may_alias__));                                      \
	SKUA_FITS(struct name##_skua_args);                                    \
	static void name##_skua_run(skua_here here, struct skua_job *job)      \
	{                                                                      \
		struct skua_frame *frame = (struct skua_frame *)(void *)job;   \
		struct name##_skua_args *skua_get =                            \
			(struct name##_skua_args *)(void *)frame->data;        \
		(void)skua_get;                                                \
		keep(type, name(here SKUA_GET_##n(__VA_ARGS__)));              \
		SKUA_FORK_CHECK(!here->job.run,                                \
				"a task returned with unjoined children");     \
	}                                                                      \
	static inline SKUA_ALWAYS_INLINE void name##_skua_fill(                \
		skua_here skua_at SKUA_PARAMS_##n(__VA_ARGS__))                \
	{                                                                      \
		struct name##_skua_args *skua_put =                            \
			(struct name##_skua_args *)(void *)skua_at->data;      \
		(void)skua_put;                                                \
		skua_at->job.run = name##_skua_run;                            \
		SKUA_PUT_##n(__VA_ARGS__)                                      \
	}                                                                      \
	fast void name##_fork(skua_here *skua_at SKUA_PARAMS_##n(__VA_ARGS__)) \
	{                                                                      \
		skua_here skua_frame = *skua_at;                               \
		SKUA_FORK_CHECK(!skua_frame->job.run,                          \
				"a task returned with unjoined children");     \
		name##_skua_fill(skua_frame SKUA_NAMES_##n(__VA_ARGS__));      \
		*skua_at = skua_fork(skua_frame, name##_skua_run);             \
	}                                                                      \
	fast type name##_join(skua_here *skua_at)                              \
	{                                                                      \
		skua_here frame = *skua_at - 1;                                \
		struct name##_skua_args *skua_get;                             \
		SKUA_FORK_CHECK(!(*skua_at)->job.run,                          \
				"a task returned with unjoined children");     \
		if (__builtin_expect(skua_is_public(frame), 0)) {              \
			uintptr_t taken = skua_join_slow_1(*skua_at);          \
			frame = (skua_here)(taken & ~(uintptr_t)1);            \
			*skua_at = frame;                                      \
			if (!(taken & 1)) {                                    \
				skua_free_frame(frame, name##_skua_run);       \
				give(type)                                     \
			}                                                      \
		}                                                              \
		*skua_at = frame;                                              \
		skua_free_frame(frame, name##_skua_run);                       \
		skua_get = (struct name##_skua_args *)(void *)frame->data;     \
		(void)skua_get;                                                \
		pass(name(frame SKUA_GET_##n(__VA_ARGS__)));                   \
	}                                                                      \
	link int name##_submit(                                                \
		struct skua_pool *skua_on,                                     \
		struct skua_future **skua_out SKUA_PARAMS_##n(__VA_ARGS__))    \
	{                                                                      \
		struct skua_frame skua_box;                                    \
		name##_skua_fill(&skua_box SKUA_NAMES_##n(__VA_ARGS__));       \
		return skua_submit_frame_1(skua_on, &skua_box, skua_out);      \
	}

/* By bytes: a type that exists already takes no may_alias. */
#define SKUA_COPY(to, from, type) __builtin_memcpy((to), (from), sizeof(type))

#define SKUA_KEEP_VALUE(type, call) \
	type skua_value = call;     \
	SKUA_COPY(frame->data, &skua_value, type)
#define SKUA_GIVE_VALUE(type)                      \
	type skua_value;                           \
	SKUA_COPY(&skua_value, frame->data, type); \
	return skua_value;
#define SKUA_PASS_VALUE(call) return call
#define SKUA_KEEP_VOID(type, call) \
	(void)frame;               \
	call
#define SKUA_GIVE_VOID(type) return;
#define SKUA_PASS_VOID(call) call

#define SKUA_DEFINE_VALUE(link, fast, n, type, name, ...)                   \
	SKUA_PROTOTYPES_VALUE(link, n, type, name, __VA_ARGS__);            \
	SKUA_FITS(type);                                                    \
	SKUA_DEFINE(link, fast, n, type, name, SKUA_KEEP_VALUE,             \
		    SKUA_GIVE_VALUE, SKUA_PASS_VALUE, __VA_ARGS__)          \
	link int name##_run(struct skua_pool *skua_on,                      \
			    type *skua_result SKUA_PARAMS_##n(__VA_ARGS__)) \
	{                                                                   \
		struct skua_frame skua_box;                                 \
		int skua_error;                                             \
		name##_skua_fill(&skua_box SKUA_NAMES_##n(__VA_ARGS__));    \
		skua_error = skua_run_frame_1(skua_on, &skua_box);          \
		if (!skua_error && skua_result)                             \
			SKUA_COPY(skua_result, skua_box.data, type);        \
		return skua_error;                                          \
	}                                                                   \
	link int name##_result(struct skua_future *skua_of,                 \
			       int64_t skua_timeout_ns, type *skua_result)  \
	{                                                                   \
		return skua_frame_result_1(skua_of, skua_timeout_ns,        \
					   name##_skua_run, skua_result,    \
					   sizeof(type));                   \
	}                                                                   \
	link type name(skua_here here SKUA_PARAMS_##n(__VA_ARGS__))

#define SKUA_DEFINE_VOID(link, fast, n, name, ...)                             \
	SKUA_PROTOTYPES_VOID(link, n, name, __VA_ARGS__);                      \
	SKUA_DEFINE(link, fast, n, void, name, SKUA_KEEP_VOID, SKUA_GIVE_VOID, \
		    SKUA_PASS_VOID, __VA_ARGS__)                               \
	link int name##_run(                                                   \
		struct skua_pool *skua_on SKUA_PARAMS_##n(__VA_ARGS__))        \
	{                                                                      \
		struct skua_frame skua_box;                                    \
		name##_skua_fill(&skua_box SKUA_NAMES_##n(__VA_ARGS__));       \
		return skua_run_frame_1(skua_on, &skua_box);                   \
	}                                                                      \
	link int name##_result(struct skua_future *skua_of,                    \
			       int64_t skua_timeout_ns)                        \
	{                                                                      \
		return skua_frame_result_1(skua_of, skua_timeout_ns,           \
					   name##_skua_run, NULL, 0);          \
	}                                                                      \
	link void name(skua_here here SKUA_PARAMS_##n(__VA_ARGS__))

#define SKUA_ENTER_(what, link, fast, n, ...) what(link, fast, n, __VA_ARGS__)
#define SKUA_ENTER(what, link, n, ...) what(link, n, __VA_ARGS__)

#define SKUA_TASK(type, ...)                                             \
	SKUA_ENTER_(SKUA_DEFINE_VALUE, SKUA_STATIC_TASK, SKUA_FAST_TASK, \
		    SKUA_COUNT(__VA_ARGS__), type, __VA_ARGS__, ~)
#define SKUA_TASK_VOID(...)                                             \
	SKUA_ENTER_(SKUA_DEFINE_VOID, SKUA_STATIC_TASK, SKUA_FAST_TASK, \
		    SKUA_COUNT(__VA_ARGS__), __VA_ARGS__, ~)
#define SKUA_DECLARE_TASK(type, ...)                        \
	SKUA_ENTER(SKUA_PROTOTYPES_VALUE, SKUA_STATIC_TASK, \
		   SKUA_COUNT(__VA_ARGS__), type, __VA_ARGS__, ~)
#define SKUA_DECLARE_TASK_VOID(...)                        \
	SKUA_ENTER(SKUA_PROTOTYPES_VOID, SKUA_STATIC_TASK, \
		   SKUA_COUNT(__VA_ARGS__), __VA_ARGS__, ~)

#define SKUA_TASK_EXTERN(type, ...)                                       \
	SKUA_DECLARE_TASK_EXTERN(type, __VA_ARGS__);                      \
	SKUA_ENTER_(SKUA_DEFINE_VALUE, , , SKUA_COUNT(__VA_ARGS__), type, \
		    __VA_ARGS__, ~)
#define SKUA_TASK_VOID_EXTERN(...)                                 \
	SKUA_DECLARE_TASK_VOID_EXTERN(__VA_ARGS__);                \
	SKUA_ENTER_(SKUA_DEFINE_VOID, , , SKUA_COUNT(__VA_ARGS__), \
		    __VA_ARGS__, ~)
#define SKUA_DECLARE_TASK_EXTERN(type, ...)                                \
	SKUA_ENTER(SKUA_PROTOTYPES_VALUE, extern, SKUA_COUNT(__VA_ARGS__), \
		   type, __VA_ARGS__, ~)
#define SKUA_DECLARE_TASK_VOID_EXTERN(...)                                \
	SKUA_ENTER(SKUA_PROTOTYPES_VOID, extern, SKUA_COUNT(__VA_ARGS__), \
		   __VA_ARGS__, ~)

#ifdef __cplusplus
}
#endif

#endif
