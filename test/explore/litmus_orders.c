/* SPDX-License-Identifier: MIT */
/*
 * The explorer's own tests: classic small programs, each with all outcomes that
 * RC11 allows. Not one of them may be missed, and no other may be found.
 *
 * An outcome's decimal digits are what was read, in the order of the threads.
 */
#include <stdatomic.h>

static struct {
	_Atomic(uint64_t) x, y, z;
	uint64_t read[EX_THREADS][3];
} s;

#define load(p, order) atomic_load_explicit(&s.p, memory_order_##order)
#define store(p, value, order) \
	atomic_store_explicit(&s.p, value, memory_order_##order)
#define exchange(p, value, order) \
	atomic_exchange_explicit(&s.p, value, memory_order_##order)
#define add(p, value, order) \
	atomic_fetch_add_explicit(&s.p, value, memory_order_##order)
#define fence(order) atomic_thread_fence(memory_order_##order)
/* The i-th thing that this thread read. */
#define read(i) s.read[ex_self()][i]

static uint64_t digits(unsigned threads, unsigned each)
{
	uint64_t value = 0;

	for (unsigned t = 1; t <= threads; ++t)
		for (unsigned i = 0; i < each; ++i)
			value = value * 10 + s.read[t][i];
	return value;
}

/* One read in each of two threads, and so on. */
static void check_2_1(void)
{
	ex_outcome(digits(2, 1));
}

/* Two reads of the second thread. */
static void check_second(void)
{
	ex_outcome(s.read[2][0] * 10 + s.read[2][1]);
}

static void check_last(void)
{
	ex_outcome(load(x, relaxed) * 10 + load(y, relaxed));
}

#define BODY(name) static void name(void)
#define LITMUS(id, text, judge, ...)                                    \
	EX_SCENARIO(id, .concept = "litmus", .what = text, .state = &s, \
		    .state_bytes = sizeof(s), .check = judge,           \
		    .unbounded = true, __VA_ARGS__)
#define OUTCOMES(n, ...) .outcomes = n, .outcome = { __VA_ARGS__ }

/* Store buffering. */

BODY(sb_x_relaxed)
{
	store(x, 1, relaxed);
	read(0) = load(y, relaxed);
}

BODY(sb_y_relaxed)
{
	store(y, 1, relaxed);
	read(0) = load(x, relaxed);
}

BODY(sb_x_fence)
{
	store(x, 1, relaxed);
	fence(seq_cst);
	read(0) = load(y, relaxed);
}

BODY(sb_y_fence)
{
	store(y, 1, relaxed);
	fence(seq_cst);
	read(0) = load(x, relaxed);
}

BODY(sb_y_weak_fence)
{
	store(y, 1, relaxed);
	fence(acq_rel);
	read(0) = load(x, relaxed);
}

BODY(sb_x_seq_cst)
{
	store(x, 1, seq_cst);
	read(0) = load(y, seq_cst);
}

BODY(sb_y_seq_cst)
{
	store(y, 1, seq_cst);
	read(0) = load(x, seq_cst);
}

BODY(sb_x_release)
{
	store(x, 1, release);
	read(0) = load(y, acquire);
}

BODY(sb_y_rmw)
{
	exchange(y, 1, acq_rel);
	read(0) = load(x, acquire);
}

LITMUS(sb_relaxed, "both miss the other's store", check_2_1,
       .run = { sb_x_relaxed, sb_y_relaxed }, OUTCOMES(4, 0, 1, 10, 11))
LITMUS(sb_fences, "two seq_cst fences: one sees the other", check_2_1,
       .run = { sb_x_fence, sb_y_fence }, OUTCOMES(3, 1, 10, 11))
LITMUS(sb_one_fence, "one seq_cst fence is not enough", check_2_1,
       .run = { sb_x_fence, sb_y_weak_fence }, OUTCOMES(4, 0, 1, 10, 11))
LITMUS(sb_seq_cst, "seq_cst accesses: one sees the other", check_2_1,
       .run = { sb_x_seq_cst, sb_y_seq_cst }, OUTCOMES(3, 1, 10, 11))
LITMUS(sb_mixed, "a seq_cst access orders nothing with a fence's other side",
       check_2_1, .run = { sb_x_seq_cst, sb_y_relaxed },
       OUTCOMES(4, 0, 1, 10, 11))
LITMUS(sb_fence_seq_cst, "a fence on one side, seq_cst accesses on the other",
       check_2_1, .run = { sb_x_fence, sb_y_seq_cst }, OUTCOMES(3, 1, 10, 11))
LITMUS(sb_release_rmw, "release, acquire and RMWs do not help", check_2_1,
       .run = { sb_x_release, sb_y_rmw }, OUTCOMES(4, 0, 1, 10, 11))

/* Message passing: y says that x is written. */

BODY(mp_write_relaxed)
{
	store(x, 1, relaxed);
	store(y, 1, relaxed);
}

BODY(mp_write_release)
{
	store(x, 1, relaxed);
	store(y, 1, release);
}

BODY(mp_write_fence)
{
	store(x, 1, relaxed);
	fence(release);
	store(y, 1, relaxed);
}

BODY(mp_read_relaxed)
{
	read(0) = load(y, relaxed);
	read(1) = load(x, relaxed);
}

BODY(mp_read_acquire)
{
	read(0) = load(y, acquire);
	read(1) = load(x, relaxed);
}

BODY(mp_read_fence)
{
	read(0) = load(y, relaxed);
	fence(acquire);
	read(1) = load(x, relaxed);
}

LITMUS(mp_relaxed, "relaxed stores pass each other", check_second,
       .run = { mp_write_relaxed, mp_read_relaxed }, OUTCOMES(4, 0, 1, 10, 11))
LITMUS(mp_no_acquire, "release alone orders nothing", check_second,
       .run = { mp_write_release, mp_read_relaxed }, OUTCOMES(4, 0, 1, 10, 11))
LITMUS(mp_no_release, "acquire alone orders nothing", check_second,
       .run = { mp_write_relaxed, mp_read_acquire }, OUTCOMES(4, 0, 1, 10, 11))
LITMUS(mp_release_acquire, "release to acquire", check_second,
       .run = { mp_write_release, mp_read_acquire }, OUTCOMES(3, 0, 1, 11))
LITMUS(mp_fences, "release fence to acquire fence", check_second,
       .run = { mp_write_fence, mp_read_fence }, OUTCOMES(3, 0, 1, 11))
LITMUS(mp_release_fence, "release to acquire fence", check_second,
       .run = { mp_write_release, mp_read_fence }, OUTCOMES(3, 0, 1, 11))

/* Release sequences: only RMWs continue one (C++20, C23). */

BODY(rs_write_then_store)
{
	store(x, 1, relaxed);
	store(y, 1, release);
	store(y, 2, relaxed);
}

BODY(rs_write_then_rmw)
{
	store(x, 1, relaxed);
	store(y, 1, release);
	add(y, 1, relaxed);
}

BODY(rs_rmw)
{
	add(y, 1, relaxed);
}

BODY(rs_store)
{
	store(y, 2, relaxed);
}

BODY(rs_read)
{
	read(0) = load(y, acquire);
	read(1) = load(x, relaxed);
}

LITMUS(rs_own_store, "the thread's own later store ends it", check_second,
       .run = { rs_write_then_store, rs_read }, OUTCOMES(5, 0, 1, 11, 20, 21))
LITMUS(rs_own_rmw, "the thread's own RMW continues it", check_second,
       .run = { rs_write_then_rmw, rs_read }, OUTCOMES(4, 0, 1, 11, 21))
LITMUS(rs_other_rmw, "another thread's relaxed RMW continues it", check_second,
       .run = { mp_write_release, rs_read, rs_rmw },
       /* 1 may be the release or the RMW of 0. */
       OUTCOMES(5, 0, 1, 10, 11, 21))
LITMUS(rs_other_store, "another thread's store ends it", check_second,
       .run = { mp_write_release, rs_read, rs_store },
       OUTCOMES(5, 0, 1, 11, 20, 21))

/* Load buffering: no values out of thin air, and no po U rf cycle at all. */

BODY(lb_xy)
{
	read(0) = load(x, relaxed);
	store(y, 1, relaxed);
}

BODY(lb_yx)
{
	read(0) = load(y, relaxed);
	store(x, 1, relaxed);
}

LITMUS(lb, "a load does not read from what comes after it", check_2_1,
       .run = { lb_xy, lb_yx }, OUTCOMES(3, 0, 1, 10))

/* Independent reads of independent writes. */

BODY(iriw_x_seq_cst)
{
	store(x, 1, seq_cst);
}

BODY(iriw_y_seq_cst)
{
	store(y, 1, seq_cst);
}

BODY(iriw_x_release)
{
	store(x, 1, release);
}

BODY(iriw_y_release)
{
	store(y, 1, release);
}

BODY(iriw_xy_seq_cst)
{
	read(0) = load(x, seq_cst);
	read(1) = load(y, seq_cst);
}

BODY(iriw_yx_seq_cst)
{
	read(0) = load(y, seq_cst);
	read(1) = load(x, seq_cst);
}

BODY(iriw_xy_acquire)
{
	read(0) = load(x, acquire);
	read(1) = load(y, acquire);
}

BODY(iriw_yx_acquire)
{
	read(0) = load(y, acquire);
	read(1) = load(x, acquire);
}

BODY(iriw_xy_fence)
{
	read(0) = load(x, relaxed);
	fence(seq_cst);
	read(1) = load(y, relaxed);
}

BODY(iriw_yx_fence)
{
	read(0) = load(y, relaxed);
	fence(seq_cst);
	read(1) = load(x, relaxed);
}

/* Whether both readers saw one store and not yet the other. */
static void check_iriw(void)
{
	const uint64_t *a = s.read[3], *b = s.read[4];

	ex_outcome(a[0] && !a[1] && b[0] && !b[1]);
}

LITMUS(iriw_release_acquire, "readers may disagree on the order", check_iriw,
       .run = { iriw_x_release, iriw_y_release, iriw_xy_acquire,
		iriw_yx_acquire },
       OUTCOMES(2, 0, 1))
LITMUS(iriw_seq_cst, "not if all is seq_cst", check_iriw,
       .run = { iriw_x_seq_cst, iriw_y_seq_cst, iriw_xy_seq_cst,
		iriw_yx_seq_cst },
       OUTCOMES(1, 0))
LITMUS(iriw_fences, "nor with seq_cst fences between the reads", check_iriw,
       .run = { iriw_x_release, iriw_y_release, iriw_xy_fence, iriw_yx_fence },
       OUTCOMES(1, 0))
LITMUS(iriw_seq_cst_reads, "seq_cst reads of relaxed stores may", check_iriw,
       .run = { iriw_x_release, iriw_y_release, iriw_xy_seq_cst,
		iriw_yx_seq_cst },
       OUTCOMES(2, 0, 1))

/* Two writers of two locations. */

BODY(w2_xy_relaxed)
{
	store(x, 1, relaxed);
	store(y, 2, relaxed);
}

BODY(w2_yx_relaxed)
{
	store(y, 1, relaxed);
	store(x, 2, relaxed);
}

BODY(w2_xy_release)
{
	store(x, 1, release);
	store(y, 2, release);
}

BODY(w2_yx_release)
{
	store(y, 1, release);
	store(x, 2, release);
}

BODY(w2_xy_fence)
{
	store(x, 1, relaxed);
	fence(seq_cst);
	store(y, 2, relaxed);
}

BODY(w2_yx_fence)
{
	store(y, 1, relaxed);
	fence(seq_cst);
	store(x, 2, relaxed);
}

BODY(w2_xy_seq_cst)
{
	store(x, 1, seq_cst);
	store(y, 2, seq_cst);
}

BODY(w2_yx_seq_cst)
{
	store(y, 1, seq_cst);
	store(x, 2, seq_cst);
}

LITMUS(w2_relaxed, "both first stores may come last", check_last,
       .run = { w2_xy_relaxed, w2_yx_relaxed }, OUTCOMES(4, 11, 12, 21, 22))
LITMUS(w2_release, "release does not help", check_last,
       .run = { w2_xy_release, w2_yx_release }, OUTCOMES(4, 11, 12, 21, 22))
LITMUS(w2_fences, "not with seq_cst fences between", check_last,
       .run = { w2_xy_fence, w2_yx_fence }, OUTCOMES(3, 12, 21, 22))
LITMUS(w2_seq_cst, "nor with seq_cst stores", check_last,
       .run = { w2_xy_seq_cst, w2_yx_seq_cst }, OUTCOMES(3, 12, 21, 22))

/* Coherence: one location is sequentially consistent by itself. */

BODY(co_write)
{
	store(x, 1, relaxed);
	store(x, 2, relaxed);
}

BODY(co_read)
{
	read(0) = load(x, relaxed);
	read(1) = load(x, relaxed);
}

BODY(co_write_one)
{
	store(x, 1, relaxed);
}

BODY(co_write_two)
{
	store(x, 2, relaxed);
}

static void check_co_writers(void)
{
	ex_outcome((s.read[3][0] == 1 && s.read[3][1] == 2) &&
		   (s.read[4][0] == 2 && s.read[4][1] == 1));
}

BODY(co_read_then_write)
{
	read(0) = load(x, relaxed);
	store(x, 2, relaxed);
}

static void check_co_read_then_write(void)
{
	ex_outcome(s.read[1][0] * 10 + load(x, relaxed));
}

LITMUS(co_rr, "a second read is not older", check_second,
       .run = { co_write, co_read }, OUTCOMES(6, 0, 1, 2, 11, 12, 22))
LITMUS(co_ww, "all agree on the order of two writers' stores", check_co_writers,
       .run = { co_write_one, co_write_two, co_read, co_read }, OUTCOMES(1, 0))
LITMUS(co_rw, "a store is not before what its thread has read",
       check_co_read_then_write, .run = { co_read_then_write, co_write_one },
       OUTCOMES(3, 1, 2, 12))

/* Atomicity of RMWs. */

BODY(rmw_add)
{
	read(0) = add(x, 1, relaxed);
}

static void check_rmw_add(void)
{
	ex_outcome(load(x, relaxed) * 100 + digits(2, 1));
}

BODY(rmw_cas)
{
	uint64_t expected = 0;

	read(0) = atomic_compare_exchange_strong_explicit(&s.x, &expected,
							  ex_self(),
							  memory_order_relaxed,
							  memory_order_relaxed);
	read(1) = expected;
}

static void check_rmw_cas(void)
{
	ex_outcome(load(x, relaxed) * 10000 + digits(2, 2));
}

BODY(rmw_store)
{
	store(x, 5, relaxed);
}

static void check_rmw_store(void)
{
	ex_outcome(load(x, relaxed) * 10 + s.read[1][0]);
}

BODY(rmw_weak_cas)
{
	uint64_t expected = 0;

	read(0) = atomic_compare_exchange_weak_explicit(
		&s.x, &expected, 1, memory_order_relaxed, memory_order_relaxed);
	read(1) = expected;
}

static void check_rmw_weak_cas(void)
{
	ex_outcome(load(x, relaxed) * 100 + digits(1, 2));
}

LITMUS(rmw_two_adds, "two increments make two", check_rmw_add,
       .run = { rmw_add, rmw_add }, OUTCOMES(2, 201, 210))
LITMUS(rmw_two_cas, "one of two CASes wins, the other sees it", check_rmw_cas,
       .run = { rmw_cas, rmw_cas }, OUTCOMES(2, 11001, 20210))
LITMUS(rmw_and_store, "a store goes before or behind an RMW, not between",
       check_rmw_store, .run = { rmw_add, rmw_store }, OUTCOMES(2, 50, 65))
LITMUS(rmw_weak_fails, "a weak CAS fails for no reason, if it may",
       check_rmw_weak_cas, .run = { rmw_weak_cas }, .spurious = 1,
       OUTCOMES(2, 0, 110))
LITMUS(rmw_weak_works, "and does not, if it may not", check_rmw_weak_cas,
       .run = { rmw_weak_cas }, OUTCOMES(1, 110))

/* Write to read causality, over a third thread. */

BODY(wrc_first)
{
	store(x, 1, relaxed);
}

BODY(wrc_pass_on)
{
	read(0) = load(x, relaxed);
	store(y, 1, release);
}

BODY(wrc_pass_on_acquire)
{
	read(0) = load(x, acquire);
	store(y, 1, relaxed);
}

static void check_wrc(void)
{
	ex_outcome(s.read[2][0] * 100 + s.read[3][0] * 10 + s.read[3][1]);
}

LITMUS(wrc_release, "what was read is passed on", check_wrc,
       .run = { wrc_first, wrc_pass_on, mp_read_acquire },
       OUTCOMES(7, 0, 1, 10, 11, 100, 101, 111))
LITMUS(wrc_relaxed, "but not by a relaxed store", check_wrc,
       .run = { wrc_first, wrc_pass_on_acquire, mp_read_acquire },
       OUTCOMES(8, 0, 1, 10, 11, 100, 101, 110, 111))

/* Z6.U of the RC11 paper: seq_cst accesses are weaker than they look, since
 * hardware is. */

BODY(z6_first)
{
	store(x, 1, seq_cst);
	store(y, 1, release);
}

BODY(z6_second)
{
	read(0) = add(y, 1, seq_cst);
	read(1) = load(y, relaxed);
}

BODY(z6_third)
{
	store(y, 3, seq_cst);
	read(0) = load(x, seq_cst);
}

static void check_z6(void)
{
	ex_outcome(s.read[2][0] == 1 && s.read[2][1] == 3 && s.read[3][0] == 0);
}

LITMUS(z6_u, "seq_cst mixed with release on one location", check_z6,
       .run = { z6_first, z6_second, z6_third }, OUTCOMES(2, 0, 1))

/* The initialization happens before the threads, and they before check. */

static void setup_init(void)
{
	atomic_init(&s.x, 7);
}

LITMUS(init, "what setup does is seen", check_second, .setup = setup_init,
       .run = { co_write_one, co_read }, OUTCOMES(3, 77, 71, 11))
