/* SPDX-License-Identifier: MIT */
/* UTS: the trees, the laws of their growth, and the serial search. */
#include "uts.h"

#include <math.h>
#include <string.h>

#include "sha1.h"

/* Geometric draws have no bound of their own; the benchmark sets this one. */
enum {
	BROOD_MAX = 100
};

static const struct uts_tree trees[] = {
	{ .name = "T1",
	  .law = UTS_GEOMETRIC,
	  .branch = 4,
	  .depth = 10,
	  .seed = 19,
	  .answer = { 4130071, 3305118, 10 } },
	{ .name = "T3",
	  .law = UTS_BINOMIAL,
	  .branch = 2000,
	  .chance = 0.124875,
	  .brood = 8,
	  .seed = 42,
	  .answer = { 4112897, 3599034, 1572 } },
	{ .name = "T5",
	  .law = UTS_LINEAR,
	  .branch = 4,
	  .depth = 20,
	  .seed = 34,
	  .answer = { 4147582, 2181318, 20 } },
	{ .name = "T3L",
	  .law = UTS_BINOMIAL,
	  .branch = 2000,
	  .chance = 0.200014,
	  .brood = 5,
	  .seed = 7,
	  .answer = { 111345631, 89076904, 17844 } },
};

const struct uts_tree *uts_find(const char *name)
{
	for (size_t i = 0; i < sizeof(trees) / sizeof(*trees); i++) {
		if (!strcmp(trees[i].name, name))
			return &trees[i];
	}
	return NULL;
}

static struct uts_node hashed(const uint32_t words[], unsigned count,
			      uint32_t depth)
{
	struct uts_node node = { .depth = depth };
	struct sha1 digest = sha1_words(words, count);

	memcpy(node.digest, digest.word, sizeof(node.digest));
	return node;
}

struct uts_node uts_root(const struct uts_tree *tree)
{
	uint32_t words[5] = { 0, 0, 0, 0, tree->seed };

	return hashed(words, 5, 0);
}

struct uts_node uts_child(const struct uts_node *parent, unsigned index)
{
	uint32_t words[6];

	memcpy(words, parent->digest, sizeof(parent->digest));
	words[5] = index;
	return hashed(words, 6, parent->depth + 1);
}

/* Uniform in [0, 1): the low 31 bits of the digest. */
static double draw(const struct uts_node *node)
{
	return (node->digest[4] & 0x7fffffff) / 2147483648.0;
}

static unsigned binomial(const struct uts_tree *tree,
			 const struct uts_node *node)
{
	if (node->depth == 0)
		return (unsigned)tree->branch;
	return draw(node) < tree->chance ? tree->brood : 0;
}

/* How many children a node at this depth of a geometric tree has on average. */
static double expected(const struct uts_tree *tree, uint32_t depth)
{
	if (depth == 0)
		return tree->branch;
	if (tree->law == UTS_LINEAR)
		return tree->branch * (1.0 - depth / (double)tree->depth);
	return depth < tree->depth ? tree->branch : 0.0;
}

static unsigned geometric(const struct uts_tree *tree,
			  const struct uts_node *node)
{
	double success = 1.0 / (1.0 + expected(tree, node->depth));
	double children = floor(log(1.0 - draw(node)) / log(1.0 - success));

	return children < BROOD_MAX ? (unsigned)children : BROOD_MAX;
}

unsigned uts_children(const struct uts_tree *tree, const struct uts_node *node)
{
	if (tree->law == UTS_BINOMIAL)
		return binomial(tree, node);
	return geometric(tree, node);
}

static struct uts_count below(const struct uts_tree *tree,
			      const struct uts_node *node)
{
	unsigned children = uts_children(tree, node);
	struct uts_count sum = uts_count_one(node, children);

	for (unsigned i = 0; i < children; i++) {
		struct uts_node child = uts_child(node, i);

		uts_count_add(&sum, below(tree, &child));
	}
	return sum;
}

struct uts_count uts_serial(const struct uts_tree *tree)
{
	struct uts_node root = uts_root(tree);

	return below(tree, &root);
}
