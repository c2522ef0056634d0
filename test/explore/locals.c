/* SPDX-License-Identifier: MIT */
/*
 * Thread-local variables. All threads of an execution are one thread to the
 * system, so the program's block of thread-local variables is exchanged when
 * another of them goes on, and begins each execution as the loader left it.
 */
#include <link.h>
#include <stdlib.h>
#include <string.h>

#include "engine.h"

static unsigned char *locals, *copies;
static size_t bytes;

/* The program itself comes first; the C library has a block of its own. */
static int find(struct dl_phdr_info *info, size_t size, void *unused)
{
	(void)size;
	(void)unused;
	for (unsigned i = 0; i < info->dlpi_phnum; ++i) {
		if (info->dlpi_phdr[i].p_type != PT_TLS)
			continue;
		locals = info->dlpi_tls_data;
		bytes = info->dlpi_phdr[i].p_memsz;
	}
	return 1;
}

/* The last copy is what the loader made. */
void ex_locals_init(void)
{
	dl_iterate_phdr(find, NULL);
	copies = calloc(EX_THREADS + 1, bytes + 1);
	if (!copies)
		abort();
	if (bytes)
		memcpy(copies + EX_THREADS * bytes, locals, bytes);
}

void ex_locals_reset(void)
{
	const unsigned char *initial = copies + EX_THREADS * bytes;

	if (!bytes)
		return;
	memcpy(locals, initial, bytes);
	for (unsigned i = 0; i < ex.threads; ++i)
		memcpy(copies + i * bytes, initial, bytes);
}

void ex_locals_keep(void)
{
	ex_keep(locals, bytes);
	ex_keep(copies, ex.threads * bytes);
}

void ex_locals_switch(unsigned from, unsigned to)
{
	if (!bytes)
		return;
	memcpy(copies + from * bytes, locals, bytes);
	memcpy(locals, copies + to * bytes, bytes);
}

/* Nobody else can know them. */
bool ex_is_local(uintptr_t address)
{
	return address - (uintptr_t)locals < bytes;
}
