/* SPDX-License-Identifier: MIT */
/*
 * stress_uts.c - unbalanced trees of known size: T3, 1,572 deep, and with
 * --long T3L, 17,844 deep, inside the 8 MiB of a task's stack.
 */
#include "stress.h"

#include "uts.h"

SKUA_DECLARE_TASK(struct uts_count, visit, const struct uts_tree *, tree,
		  const struct uts_node *, parent, unsigned, index);

static struct uts_count below(skua_here here, const struct uts_tree *tree,
			      const struct uts_node *node)
{
	unsigned children = uts_children(tree, node);
	struct uts_count sum = uts_count_one(node, children);

	for (unsigned i = 0; i < children; i++)
		visit_fork(&here, tree, node, i);
	for (unsigned i = 0; i < children; i++)
		uts_count_add(&sum, visit_join(&here));
	return sum;
}

SKUA_TASK(struct uts_count, visit, const struct uts_tree *, tree,
	  const struct uts_node *, parent, unsigned, index)
{
	struct uts_node node = uts_child(parent, index);

	return below(here, tree, &node);
}

SKUA_TASK(struct uts_count, uts, const struct uts_tree *, tree)
{
	struct uts_node root = uts_root(tree);

	return below(here, tree, &root);
}

static void body(void)
{
	const struct uts_tree *tree = uts_find(stress.is_long ? "T3L" : "T3");
	struct skua_pool *pool = stress_open(stress.workers);
	struct uts_count count;

	EXPECT(uts_run(pool, &count, tree) == 0);
	EXPECT(uts_count_equal(count, tree->answer));
	stress_close(pool);
}

int main(int argc, char *argv[])
{
	return stress_main(argc, argv, body);
}
