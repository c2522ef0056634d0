/* SPDX-License-Identifier: MIT */
/*
 * program.h - a random program: a tree of nodes, made from a seed, executed on
 * pools, and then evaluated again sequentially to see whether all that was
 * observed is what the program means.
 *
 *	generate.c	the tree, from the seed alone
 *	execute.c	what a node does: launch its children, settle them
 *	launch.c	one child of each kind: how it starts
 *	settle.c	and how its parent learns its fate
 *	evaluate.c	the reference
 *
 * A node's value is made of its number and of what it has seen of its children.
 * Almost everything in a program is certain. What is not (a cancel may come too
 * late, a wait may run out, a pool may close first) is written down while it
 * runs; the reference takes it from there and checks that it was legal.
 *
 * Two flags decide what is legal: a node is *sure* of a pool if it ends before
 * that pool begins to close, because all above it wait for it.
 *
 * Some nodes launch and settle their children isolated, and the outermost of those
 * hold the program's plain mutex: all below are tasks of one pool, so nobody waits
 * for what was not started inside.
 */
#ifndef PROGRAM_H
#define PROGRAM_H

#include <pthread.h>
#include <skua/skua.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	NODES_MOST = 1024,
	POOLS_MOST = 5, /* the first is the main one */
	GUESTS_MOST = 10,
	DEPTH_MOST = 24
};

/* What runs the node. */
enum kind {
	FRAME, /* a task of fork.h */
	PLAIN, /* a submitted function */
	THREAD, /* a thread of its own, or main: a guest */
	SCOPE /* its parent, while it has another pool open */
};

enum launch {
	FORK,
	CALL,
	RUN,
	BOX, /* visit_submit() */
	SUBMIT,
	POST,
	MANY,
	WITH,
	GUEST,
	NEST
};

enum settle {
	AWAIT,
	POLL, /* short waits, until it is done */
	GIVE_UP, /* one short wait */
	DROP /* nobody asks */
};

/* A task that is given a reference of its own, besides the parent. */
enum second {
	NOBODY,
	WITNESS, /* waits */
	IMPATIENT, /* waits several times, for a short while */
	CANCELLER
};

enum pause {
	NO_PAUSE,
	YIELD,
	SLEEP,
	SPIN,
	LOOK, /* at the numbers of the pool */
	TRIM
};

/* What the parent has seen. */
enum outcome {
	NOTHING,
	RETURNED,
	FAILED,
	CANCELLED,
	REFUSED,
	GAVE_UP,
	LET_GO
};

struct program;

struct node {
	/* The plan: the generator alone writes it. */
	struct program *program;
	uint32_t id, parent, first, children, depth;
	uint32_t pool; /* whose tasks it is of; of a thread: that it uses */
	uint32_t group; /* of MANY: how many from this one on; else 0 */
	enum kind kind;
	enum launch launch;
	enum settle settle;
	enum second second;
	enum pause before, after;
	uint32_t pause_ns, order;
	int fails; /* with this code; 0: does not */
	bool null_result; /* of one that fails */
	bool cancel; /* the parent tries to, at once */
	bool late; /* child of a scope: settled after the pool is closed */
	bool shuts; /* tells its own pool to shut down */
	bool race; /* a scope: guests submit while it closes the pool */
	bool busy; /* has many children */
	bool echoes; /* what drops it posts a task */
	bool isolated, inside; /* it is; it or one above it is */
	bool sure_main, sure_own;
	bool may_cancel, may_refuse;

	/* The record. */
	struct skua_future *future; /* the parent's */
	pthread_t thread;
	uintptr_t value; /* that it computed */
	uintptr_t taken; /* that the parent got */
	enum outcome outcome;
	int code;
	atomic_bool over; /* of a thread */
	atomic_int seen; /* what waits said, 1 at first; all say the same */
	atomic_uint runs, ends, cancels, vain_cancels, reads;
	atomic_uint arg_drops, result_drops;
	atomic_uint posted, echoed;
};

struct scope {
	struct skua_pool *handle; /* retained until the program has ended */
	unsigned workers, flags; /* of its shutdown */
	size_t stack_bytes;
	bool opened, cancels, shut_from_inside;
};

struct program {
	uint64_t seed;
	uint32_t count, pools, guests;
	pthread_mutex_t plain; /* the one that tells who has it already */
	struct scope scopes[POOLS_MOST];
	struct node nodes[NODES_MOST];
};

/* generate.c */
void program_generate(struct program *program, uint64_t seed, unsigned workers,
		      uint32_t most);
/* execute.c: it ends when all has ended. */
void program_execute(struct program *program);
uintptr_t perform(struct node *node, skua_here *here);
/* evaluate.c */
void program_evaluate(struct program *program);
uintptr_t value_of(const struct node *node);

/* launch.c */
void launch(struct node *parent, struct node *child, skua_here *here);
void launch_many(struct node *children);
void settle(struct node *child, skua_here *here);
int box_result(struct node *child, uintptr_t *value);
/* settle.c */
void settle_future(struct node *child);
void settle_thread(struct node *child);
void note(struct node *child, struct skua_future *future, int error);
void try_cancel(struct node *child, struct skua_future *future);

/* soak.c: something happened; something is wrong. */
void progress(void);
_Noreturn void wrong(const char *file, int line, const struct node *node,
		     const char *what);

#define EXPECT(node, condition) \
	((condition) ? (void)0 : wrong(__FILE__, __LINE__, (node), #condition))

static inline struct node *child_of(struct node *node, uint32_t i)
{
	return &node->program->nodes[node->first + i];
}

static inline struct skua_pool *pool_of(const struct node *node)
{
	return node->program->scopes[node->pool].handle;
}

static inline bool has_future(const struct node *node)
{
	return node->launch == BOX || node->launch == SUBMIT ||
	       node->launch == MANY || node->launch == WITH;
}

static inline void *word(uintptr_t value)
{
	return (void *)value; /* NOLINT: results are words */
}

#endif
