/* SPDX-License-Identifier: MIT */
/* The peers there are: some in the program, some in modules beside it. */
#ifndef BENCH_PEERS_H
#define BENCH_PEERS_H

#include "peer.h"

/* The loops of the first and the third. */
void serial_loop(void *pool, enum loop_kind kind, struct loop_data *data);
void skua_loop(void *pool, enum loop_kind kind, struct loop_data *data);

extern const struct peer peer_serial;
extern const struct peer peer_noinline;
extern const struct peer peer_skua;
extern const struct peer peer_mutex;

enum {
	PEERS_MAX = 16
};

struct peer_entry {
	const struct peer *peer; /* NULL: missing */
	const char *name;
	const char *remedy; /* how to get one that is missing */
};

struct peers {
	size_t count;
	struct peer_entry entry[PEERS_MAX];
};

/* Load what there is, in the order in which rounds go through it. */
void peers_load(struct peers *peers);

/* The position of the peer of that name, or -1. */
int peers_find(const struct peers *peers, const char *name);

#endif
