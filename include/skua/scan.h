/* SPDX-License-Identifier: MIT */
/*
 * Parallel scans: what a reduction comes to after each iteration.
 *
 *	static int add(skua_here here, uint64_t begin, uint64_t end,
 *		       void *value, void *context)
 *	{
 *		const struct arrays *a = context;
 *
 *		for (uint64_t i = begin; i < end; i++)
 *			*(long *)value += a->in[i];
 *		return 0;
 *	}
 *
 *	static int add_and_write(skua_here here, uint64_t begin, uint64_t end,
 *				 void *value, void *context)
 *	{
 *		const struct arrays *a = context;
 *
 *		for (uint64_t i = begin; i < end; i++)
 *			a->out[i] = *(long *)value += a->in[i];
 *		return 0;
 *	}
 *
 *	int error = skua_scan(pool, 0, count, &sum, add, add_and_write, &a,
 *			      NULL);
 *
 * That is an inclusive scan. An exclusive one writes before it adds. in and
 * out may be the same array, if `write` reads an item before it writes it.
 *
 * The range is cut into blocks, which fit a cache. Where the value before a
 * block is known, the block is written in one pass; otherwise it is folded
 * first, and written when the value has come. So each iteration is folded once
 * at most and written once: O(n) work, in constant time for each block besides
 * the bodies. (After Merrill and Garland, "Single-pass parallel prefix scan
 * with decoupled look-back", 2016; without waiting.) With two workers a scan
 * is at most 1.5 times as fast as by one where folding takes as long as
 * writing, and with n workers (n + 1) / 2 times.
 *
 * Values and combining are those of reduce.h, bodies those of for.h.
 */
#ifndef SKUA_SCAN_H
#define SKUA_SCAN_H

#include <stddef.h>
#include <stdint.h>

#include <skua/error.h>
#include <skua/fork.h>
#include <skua/pool.h>
#include <skua/reduce.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Scan @begin … @end - 1, in parallel, and wait.
 *
 * @body folds iterations onto a value. @write does so too, and notes what the
 * value is on the way; its value is that of all iterations before @begin. Of
 * each iteration @write is called once; @body may be called once, before. With
 * an error some have been written. *@total is the value of all of them; it is
 * written on success only, and @total may be NULL.
 *
 * @context is passed to both and to combine, and borrowed until the call
 * returns. Memory: a value and 5 bytes for each of at most 65,536 blocks; if there
 * is none, the calling task does all of it by itself.
 *
 * Thread: any, inside a task of this pool or another too. Blocks: suspends the
 * task / blocks the thread until all bodies have ended.
 * Errors: what a body returned; SKUA_EFAILED (a body said skua_fail());
 * SKUA_EINVAL (NULL but for @context and @total, @end < @begin, values of 0
 * bytes); SKUA_ENOMEM, SKUA_ECLOSED; SKUA_ECANCELLED (the caller's group is
 * cancelled (group.h), and no body is called any more; or the pool was shut down
 * before it began).
 */
SKUA_API int skua_scan(struct skua_pool *pool, uint64_t begin, uint64_t end,
		       const struct skua_fold *fold, skua_fold_fn *body,
		       skua_fold_fn *write, void *context, void *total);

/**
 * The same in the calling task, which takes part.
 *
 * Thread: the task whose `here` it is. Blocks: until all bodies have ended;
 * it suspends the task where it has to wait for others.
 * Errors: those of skua_for_in(), and SKUA_EINVAL and SKUA_ENOMEM as above.
 */
SKUA_API int skua_scan_in(skua_here here, uint64_t begin, uint64_t end,
			  const struct skua_fold *fold, skua_fold_fn *body,
			  skua_fold_fn *write, void *context, void *total);

/** Options of one scan; start from SKUA_SCAN_OPTIONS. */
struct skua_scan_options {
	size_t size; /* sizeof this struct */
	int deterministic; /* 0: what is folded depends on who is idle */
	uint64_t grain; /* of a block; 0: chosen */
};

/** Initializer of a struct skua_scan_options: all defaults. */
#define SKUA_SCAN_OPTIONS                               \
	{                                               \
		sizeof(struct skua_scan_options), 0, 0, \
	}

/**
 * skua_scan() with options.
 *
 * A deterministic scan writes the same bits whatever the number of workers and
 * whoever ran what, also where combining is not quite associative: each block
 * is folded onto the identity and then written, so with one worker it takes
 * twice as long, and blocks depend on the count and `grain` alone.
 *
 * @options may be NULL. Thread, Blocks: as skua_scan(). Errors: those of
 * skua_scan(); SKUA_EINVAL also for options that the library does not know, and
 * for more than 2^32 - 1 blocks.
 */
SKUA_API int skua_scan_with(struct skua_pool *pool, uint64_t begin,
			    uint64_t end, const struct skua_fold *fold,
			    skua_fold_fn *body, skua_fold_fn *write,
			    void *context, void *total,
			    const struct skua_scan_options *options);

/** skua_scan_in() with options. Thread, Blocks, Errors: as skua_scan_in(), and
 * SKUA_EINVAL as skua_scan_with(). */
SKUA_API int skua_scan_in_with(skua_here here, uint64_t begin, uint64_t end,
			       const struct skua_fold *fold, skua_fold_fn *body,
			       skua_fold_fn *write, void *context, void *total,
			       const struct skua_scan_options *options);

#ifdef __cplusplus
}
#endif

#endif
