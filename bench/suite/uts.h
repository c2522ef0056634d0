/* SPDX-License-Identifier: MIT */
/*
 * UTS, the Unbalanced Tree Search: how many nodes has a tree that exists only
 * as a rule for making a node's children from the node?
 *
 * Written from the description in S. Olivier, J. Huan, J. Liu, J. Prins,
 * J. Dinan, P. Sadayappan, C.-W. Tseng, "UTS: An Unbalanced Tree Search
 * Benchmark", LCPC 2006. A node is a SHA-1 digest; the digest of its i-th child
 * is the hash of its own and i; the number of its children is drawn from the
 * digest by the law of the tree. So everybody grows the same tree, in whatever
 * order, and nobody can tell beforehand which branch is large.
 *
 * Used by every peer of the benchmark and by the long tests. Pure functions
 * that may be called from any thread.
 */
#ifndef BENCH_UTS_H
#define BENCH_UTS_H

#ifdef __cplusplus
extern "C" {
#endif

#include <stddef.h>
#include <stdint.h>

/* The answer: of a tree, or of the part of one below some node. */
struct uts_count {
	uint64_t nodes;
	uint64_t leaves;
	uint32_t depth; /* of the deepest node; the root is at 0 */
};

enum uts_law {
	UTS_BINOMIAL, /* root: `branch` children; others: `brood` or none */
	UTS_GEOMETRIC, /* `branch` on average, as far as `depth` */
	UTS_LINEAR /* geometric, less on average the deeper, 0 at `depth` */
};

struct uts_tree {
	const char *name;
	enum uts_law law;
	double branch; /* b: expected children of the root */
	double chance; /* q: that a binomial node has children */
	unsigned brood; /* m: how many it has then */
	unsigned depth; /* d: where geometric trees end */
	uint32_t seed; /* r */
	struct uts_count answer; /* known */
};

struct uts_node {
	uint32_t digest[5];
	uint32_t depth;
};

/* The tree of that name (T1, T3, T5, and T3L, which takes long), or NULL. */
const struct uts_tree *uts_find(const char *name);

/* The only node that is not made from another. */
struct uts_node uts_root(const struct uts_tree *tree);

/* The @index-th child of @parent; @index is less than uts_children(). */
struct uts_node uts_child(const struct uts_node *parent, unsigned index);

/* How many children @node has: up to 100, or 2000 at a binomial root. */
unsigned uts_children(const struct uts_tree *tree, const struct uts_node *node);

/* Count one node after another. Recursion as deep as the tree. */
struct uts_count uts_serial(const struct uts_tree *tree);

/* What is known of a node before its children are looked at. */
static inline struct uts_count uts_count_one(const struct uts_node *node,
					     unsigned children)
{
	struct uts_count count = { 1, children == 0, node->depth };

	return count;
}

static inline void uts_count_add(struct uts_count *sum, struct uts_count more)
{
	sum->nodes += more.nodes;
	sum->leaves += more.leaves;
	if (more.depth > sum->depth)
		sum->depth = more.depth;
}

static inline int uts_count_equal(struct uts_count a, struct uts_count b)
{
	return a.nodes == b.nodes && a.leaves == b.leaves && a.depth == b.depth;
}

#ifdef __cplusplus
}
#endif

#endif
