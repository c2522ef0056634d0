/* SPDX-License-Identifier: MIT */
/*
 * What SKUA_DEFINE_SORT() of sort.h is made of: the loops that compare. They
 * are inlined with the size of an element and the comparison as constants, so
 * that each type gets its own; all the rest of a sort is in the library, which
 * calls them through struct skua_sort_kernels. The library makes those of
 * skua_sort() from the same source. Not for direct use.
 *
 * No loop here believes the comparison: whatever it answers, nothing outside
 * of the array is touched, each element stays there once, and the number of
 * steps is bounded. Where it decides which way data go, it becomes a number
 * and not a branch, which would be predicted wrongly half of the time.
 *
 * The protocol of the whole is in docs/design/sort.md.
 */
#ifndef SKUA_SORT_KERNELS_H
#define SKUA_SORT_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#include <skua/fork.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes of the buffer on the stack in which a leaf is merged. */
#define SKUA_SORT_BUFFER 4096
/* Elements above this many bytes are sorted by their addresses. */
#define SKUA_SORT_LARGE 64
/* Elements of the buffer of a leaf. */
#define SKUA_SORT_LEAF(size) \
	((size) > SKUA_SORT_LARGE ? 1 : SKUA_SORT_BUFFER / (size))

/* 1: *a comes before *b; 0: it does not. */
typedef int skua_sort_less(const void *a, const void *b, void *context);

/* Of one type. Layout, version 1: the names of the functions that take it
 * carry the version. */
struct skua_sort_kernels {
	size_t size; /* of an element */
	skua_sort_less *less;
	/* Whether each of the first @pairs elements and the one after it are in
	 * order; descending: are so in reverse, and not equal. */
	int (*ordered)(const void *base, size_t pairs, int descending,
		       void *context);
	/* Those before *pivot (closed: those not after it) to the front;
	 * returns how many they are. *pivot is outside of the array. */
	size_t (*split)(void *base, size_t count, const void *pivot, int closed,
			void *context);
	/* Sort at most SKUA_SORT_LEAF(size), stable. */
	void (*leaf)(void *base, size_t count, void *context);
	/* Merge two sorted arrays into a third, stable: of equal ones those of
	 * @a come first. */
	void (*merge)(const void *a, size_t a_count, const void *b,
		      size_t b_count, void *out, void *context);
};

/* By way of a register, since the two may be the same place. */
static inline SKUA_ALWAYS_INLINE void skua_sort_move(void *to, const void *from,
						     size_t size)
{
	unsigned char held[SKUA_SORT_LARGE];

	if (__builtin_constant_p(size) && size <= sizeof(held)) {
		__builtin_memcpy(held, from, size);
		__builtin_memcpy(to, held, size);
	} else {
		__builtin_memmove(to, from, size);
	}
}

/* A conditional expression would become a branch. */
static inline SKUA_ALWAYS_INLINE const char *
skua_sort_pick(int first, const char *one, const char *other)
{
	uintptr_t both = (uintptr_t)one ^ (uintptr_t)other;

	return (const char *)((uintptr_t)other ^ (both & -(uintptr_t)first));
}

/* Some pairs at a time without a branch, so that compilers may use vectors. */
static inline SKUA_ALWAYS_INLINE int
skua_sort_ordered(const char *base, size_t pairs, int descending, size_t size,
		  skua_sort_less *less, void *context)
{
	while (pairs) {
		size_t some = pairs < 64 ? pairs : 64, greater = 0;

		for (size_t i = 0; i < some; i++)
			greater += (size_t)less(base + (i + 1) * size,
						base + i * size, context);
		if (greater != (descending ? some : 0))
			return 0;
		base += some * size;
		pairs -= some;
	}
	return 1;
}

/*
 * One pass: [before the pivot | not before it | not looked at]. The first
 * element is taken out, which leaves a gap; each next one goes to the end of
 * the first part, and what was there to the gap, be it before the pivot or
 * not: only the end of the first part depends on that.
 */
static inline SKUA_ALWAYS_INLINE size_t
skua_sort_split(char *base, size_t count, const void *pivot, int closed,
		void *room, size_t size, skua_sort_less *less, void *context)
{
	char *gap = base, *front = base, *end = base + count * size;
	char *next;
	size_t before;

	if (!count)
		return 0;
	skua_sort_move(room, base, size);
	for (next = base + size; next != end; next += size) {
		before = (size_t)(closed ? !less(pivot, next, context) :
					   less(next, pivot, context));
		skua_sort_move(gap, front, size);
		skua_sort_move(front, next, size);
		gap = next;
		front += before * size;
	}
	before = (size_t)(closed ? !less(pivot, room, context) :
				   less(room, pivot, context));
	skua_sort_move(gap, front, size);
	skua_sort_move(front, room, size);
	return (size_t)(front - base) / size + before;
}

/* What is left of two arrays while they are merged, and of their place. */
struct skua_sort_runs {
	const char *a, *a_end;
	const char *b, *b_end;
	char *out, *out_end;
};

static inline SKUA_ALWAYS_INLINE void skua_sort_front(struct skua_sort_runs *r,
						      size_t size,
						      skua_sort_less *less,
						      void *context)
{
	int take_b = less(r->b, r->a, context);

	skua_sort_move(r->out, skua_sort_pick(take_b, r->b, r->a), size);
	r->out += size;
	r->a += size * (size_t)!take_b;
	r->b += size * (size_t)take_b;
}

static inline SKUA_ALWAYS_INLINE void skua_sort_back(struct skua_sort_runs *r,
						     size_t size,
						     skua_sort_less *less,
						     void *context)
{
	int take_a = less(r->b_end - size, r->a_end - size, context);

	r->out_end -= size;
	skua_sort_move(r->out_end,
		       skua_sort_pick(take_a, r->a_end, r->b_end) - size, size);
	r->a_end -= size * (size_t)take_a;
	r->b_end -= size * (size_t)!take_a;
}

/*
 * From both ends at once: two chains of steps that do not wait for each other.
 * With n left of either array n / 2 steps at each end are safe, even if the
 * comparison contradicts itself. Then the same with what is left.
 */
static inline SKUA_ALWAYS_INLINE void
skua_sort_merge(const char *a, size_t a_count, const char *b, size_t b_count,
		char *out, size_t size, skua_sort_less *less, void *context)
{
	struct skua_sort_runs r = { a,	 a + a_count * size,
				    b,	 b + b_count * size,
				    out, out + (a_count + b_count) * size };
	size_t least;

	do {
		size_t a_bytes = (size_t)(r.a_end - r.a);
		size_t b_bytes = (size_t)(r.b_end - r.b);

		least = (a_bytes < b_bytes ? a_bytes : b_bytes) / size / 2;
		for (size_t i = 0; i < least; i++) {
			skua_sort_front(&r, size, less, context);
			skua_sort_back(&r, size, less, context);
		}
	} while (least);
	while (r.a != r.a_end && r.b != r.b_end)
		skua_sort_front(&r, size, less, context);
	__builtin_memcpy(r.out, r.a, (size_t)(r.a_end - r.a));
	r.out += r.a_end - r.a;
	__builtin_memcpy(r.out, r.b, (size_t)(r.b_end - r.b));
}

/*
 * The same for lengths that differ by one at most, in one go: as many steps at
 * each end as the shorter one has elements stay inside of both. Only then the
 * two ends may have taken an element twice, and left another, if the
 * comparison contradicts itself; then it is done again, the safe way.
 */
static inline SKUA_ALWAYS_INLINE void
skua_sort_merge_even(const char *a, size_t a_count, const char *b,
		     size_t b_count, char *out, size_t size,
		     skua_sort_less *less, void *context)
{
	struct skua_sort_runs r = { a,	 a + a_count * size,
				    b,	 b + b_count * size,
				    out, out + (a_count + b_count) * size };
	size_t steps = a_count < b_count ? a_count : b_count;

	for (size_t i = 0; i < steps; i++) {
		skua_sort_front(&r, size, less, context);
		skua_sort_back(&r, size, less, context);
	}
	if (r.a <= r.a_end && r.b <= r.b_end) {
		if (a_count != b_count)
			skua_sort_move(r.out, r.a != r.a_end ? r.a : r.b, size);
		return;
	}
	skua_sort_merge(a, a_count, b, b_count, out, size, less, context);
}

/* Four elements by five comparisons, stable, to another place. */
static inline SKUA_ALWAYS_INLINE void skua_sort_four(const char *from, char *to,
						     size_t size,
						     skua_sort_less *less,
						     void *context)
{
	const char *one = from + size, *two = one + size, *three = two + size;
	int swap_low = less(one, from, context);
	int swap_high = less(three, two, context);
	/* Two sorted pairs. */
	const char *a = skua_sort_pick(swap_low, one, from);
	const char *b = skua_sort_pick(swap_low, from, one);
	const char *c = skua_sort_pick(swap_high, three, two);
	const char *d = skua_sort_pick(swap_high, two, three);
	int c_first = less(c, a, context);
	int b_last = less(d, b, context);
	/* The two between the least and the greatest, in their first order. */
	const char *left =
		skua_sort_pick(c_first, a, skua_sort_pick(b_last, c, b));
	const char *right =
		skua_sort_pick(b_last, d, skua_sort_pick(c_first, b, c));
	int swap = less(right, left, context);

	skua_sort_move(to, skua_sort_pick(c_first, c, a), size);
	skua_sort_move(to + size, skua_sort_pick(swap, right, left), size);
	skua_sort_move(to + 2 * size, skua_sort_pick(swap, left, right), size);
	skua_sort_move(to + 3 * size, skua_sort_pick(b_last, b, d), size);
}

/* At most seven elements, to another place. */
static inline SKUA_ALWAYS_INLINE void
skua_sort_few(const char *from, size_t count, char *to, size_t size,
	      skua_sort_less *less, void *context)
{
	size_t done = 0;

	if (count >= 4) {
		skua_sort_four(from, to, size, less, context);
		done = 4;
	}
	for (; done < count; done++) {
		const char *item = from + done * size;
		char *hole = to + done * size;

		for (; hole != to && less(item, hole - size, context);
		     hole -= size)
			skua_sort_move(hole, hole - size, size);
		skua_sort_move(hole, item, size);
	}
}

static inline SKUA_ALWAYS_INLINE int
skua_sort_is_sorted(const char *base, size_t count, size_t size,
		    skua_sort_less *less, void *context)
{
	for (size_t i = 1; i < count; i++)
		if (less(base + i * size, base + (i - 1) * size, context))
			return 0;
	return 1;
}

/* Runs of four to seven, then merged in pairs, there and back. Run i of 2^k
 * begins at element i * count / 2^k: so two neighbours are about the same. */
static inline SKUA_ALWAYS_INLINE void skua_sort_leaf(char *base, size_t count,
						     char *buffer, size_t size,
						     skua_sort_less *less,
						     void *context)
{
	unsigned level = 0;
	char *from = base, *to = buffer;

	if (skua_sort_is_sorted(base, count, size, less, context))
		return;
	while (count >> level >= 8)
		level++;
	if (level % 2 == 0) {
		__builtin_memcpy(buffer, base, count * size);
		from = buffer;
		to = base;
	}
	for (size_t i = 0; i < (size_t)1 << level; i++) {
		size_t first = i * count >> level;
		size_t end = (i + 1) * count >> level;

		skua_sort_few(from + first * size, end - first,
			      to + first * size, size, less, context);
	}
	for (; level; level--) {
		char *merged = from;

		from = to;
		to = merged;
		for (size_t i = 0; i < (size_t)1 << level; i += 2) {
			size_t a = i * count >> level;
			size_t b = (i + 1) * count >> level;
			size_t end = (i + 2) * count >> level;

			skua_sort_merge_even(from + a * size, b - a,
					     from + b * size, end - b,
					     to + a * size, size, less,
					     context);
		}
	}
}

#ifdef __cplusplus
}
#endif

#endif
