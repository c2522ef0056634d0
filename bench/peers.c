/* SPDX-License-Identifier: MIT */
/*
 * A peer that needs a library is a module beside the program, so that the
 * program starts without that library, and libgomp and libomp, which define the
 * same symbols, do not meet: each module sees its own (RTLD_LOCAL).
 */
#include "peers.h"

#include <dlfcn.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct module {
	const char *name;
	const char *file;
	const char *remedy;
};

static const struct module modules[] = {
	{ "gthreadpool", "peer_glib.so", "apt-get install libglib2.0-dev" },
	{ "libgomp", "peer_libgomp.so", "compile with a gcc that has OpenMP" },
	{ "libomp", "peer_libomp.so", "apt-get install clang libomp-dev" },
	{ "tbb", "peer_tbb.so", "apt-get install g++ libtbb-dev" },
	{ "std", "peer_std.so", "apt-get install g++" },
};

static void add(struct peers *peers, const struct peer *peer, const char *name,
		const char *remedy)
{
	peers->entry[peers->count++] =
		(struct peer_entry){ peer, name, remedy };
}

/* The file beside this program; false: its place cannot be told. */
static bool beside_program(char path[PATH_MAX], const char *file)
{
	char self[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (length < 0)
		return false;
	self[length] = '\0';
	length = snprintf(path, PATH_MAX, "%s/%s", dirname(self), file);
	return length < PATH_MAX;
}

static const struct peer *load(const struct module *module)
{
	char path[PATH_MAX];
	void *handle;

	if (!beside_program(path, module->file) || access(path, R_OK))
		return NULL;
	handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!handle) {
		fprintf(stderr, "skua-bench: %s\n", dlerror());
		return NULL;
	}
	return dlsym(handle, "bench_peer");
}

void peers_load(struct peers *peers)
{
	peers->count = 0;
	add(peers, &peer_skua, peer_skua.name, NULL);
	add(peers, &peer_serial, peer_serial.name, NULL);
	add(peers, &peer_noinline, peer_noinline.name, NULL);
	add(peers, &peer_mutex, peer_mutex.name, NULL);
	for (size_t i = 0; i < sizeof(modules) / sizeof(*modules); i++)
		add(peers, load(&modules[i]), modules[i].name,
		    modules[i].remedy);
}

int peers_find(const struct peers *peers, const char *name)
{
	for (size_t i = 0; i < peers->count; i++) {
		if (!strcmp(peers->entry[i].name, name))
			return (int)i;
	}
	return -1;
}
