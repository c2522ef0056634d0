/* SPDX-License-Identifier: MIT */
#include "calls.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/types.h>

enum {
	CALLOC = 1 << 0,
	ALIGNED_ALLOC = 1 << 1,
	MMAP = 1 << 2,
	MPROTECT = 1 << 3,
	MADVISE = 1 << 4,
	MUNMAP = 1 << 5,
	CREATE = 1 << 6,
	ATFORK = 1 << 7,
	KEY = 1 << 8,
	SPECIFIC = 1 << 9,
	AFFINITY = 1 << 10,
	CPUALLOC = 1 << 11,
	FOPEN = 1 << 12,
	GETLINE = 1 << 13,
	PAGE_BYTES = 4096,
};

const struct call_group call_groups[] = {
	{ "calloc", CALLOC, false },
	{ "aligned_alloc", ALIGNED_ALLOC, false },
	{ "mmap", MMAP, false },
	{ "mprotect", MPROTECT, false },
	{ "pthread_create", CREATE, false },
	{ "pthread_atfork", ATFORK, false },
	{ "pthread_key_create", KEY, false },
	{ "pthread_setspecific", SPECIFIC, false },
	{ "madvise", MADVISE, true },
	{ "munmap", MUNMAP, true },
	{ "sched_getaffinity", AFFINITY | CPUALLOC, true },
	{ "fopen", FOPEN, true },
	{ "getline", GETLINE, true },
	{ "any", ~0u, false },
	{ NULL, 0, false },
};

static atomic_uint armed; /* bits */
static atomic_uint seen, failed;
static unsigned first_to_fail;
static bool all_after;

static atomic_size_t blocks, mapped;

void calls_fail(const struct call_group *group, unsigned nth, bool and_on)
{
	first_to_fail = nth;
	all_after = and_on;
	atomic_store(&seen, 0);
	atomic_store(&armed, group->calls);
}

void calls_relent(void)
{
	atomic_store(&armed, 0);
}

unsigned calls_failed(void)
{
	return atomic_load(&failed);
}

size_t calls_blocks(void)
{
	return atomic_load(&blocks);
}

size_t calls_mapped(void)
{
	return atomic_load(&mapped);
}

/* Whether this call of kind @call is to fail. */
static bool refuses(unsigned call)
{
	unsigned n;

	if (!(atomic_load(&armed) & call))
		return false;
	n = atomic_fetch_add(&seen, 1) + 1;
	if (n != first_to_fail && (n < first_to_fail || !all_after))
		return false;
	atomic_fetch_add(&failed, 1);
	return true;
}

static bool out_of_memory(unsigned call)
{
	bool is = refuses(call);

	if (is)
		errno = ENOMEM;
	return is;
}

static void *held(void *block)
{
	if (block)
		atomic_fetch_add(&blocks, 1);
	return block;
}

static size_t whole_pages(size_t bytes)
{
	return (bytes + PAGE_BYTES - 1) & ~(size_t)(PAGE_BYTES - 1);
}

/* ---- memory ---- */

void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size)
{
	return out_of_memory(CALLOC) ? NULL : held(__real_calloc(n, size));
}

void *__real_aligned_alloc(size_t align, size_t size);
void *__wrap_aligned_alloc(size_t align, size_t size);
void *__wrap_aligned_alloc(size_t align, size_t size)
{
	return out_of_memory(ALIGNED_ALLOC) ?
		       NULL :
		       held(__real_aligned_alloc(align, size));
}

void __real_free(void *block);
void __wrap_free(void *block);
void __wrap_free(void *block)
{
	if (block)
		atomic_fetch_sub(&blocks, 1);
	__real_free(block);
}

void *__real_mmap(void *, size_t, int, int, int, off_t);
void *__wrap_mmap(void *, size_t, int, int, int, off_t);
void *__wrap_mmap(void *at, size_t bytes, int protection, int flags, int file,
		  off_t offset)
{
	void *map = out_of_memory(MMAP) ? MAP_FAILED :
					  __real_mmap(at, bytes, protection,
						      flags, file, offset);

	if (map != MAP_FAILED)
		atomic_fetch_add(&mapped, whole_pages(bytes));
	return map;
}

/* Where off_t has 64 bits by a macro. */
void *__wrap_mmap64(void *, size_t, int, int, int, off_t);
void *__wrap_mmap64(void *at, size_t bytes, int protection, int flags, int file,
		    off_t offset)
{
	return __wrap_mmap(at, bytes, protection, flags, file, offset);
}

/* One that fails is as good as gone: the kernel has no way to take it. */
int __real_munmap(void *map, size_t bytes);
int __wrap_munmap(void *map, size_t bytes);
int __wrap_munmap(void *map, size_t bytes)
{
	atomic_fetch_sub(&mapped, whole_pages(bytes));
	return out_of_memory(MUNMAP) ? -1 : __real_munmap(map, bytes);
}

int __real_mprotect(void *map, size_t bytes, int protection);
int __wrap_mprotect(void *map, size_t bytes, int protection);
int __wrap_mprotect(void *map, size_t bytes, int protection)
{
	return out_of_memory(MPROTECT) ?
		       -1 :
		       __real_mprotect(map, bytes, protection);
}

int __real_madvise(void *map, size_t bytes, int advice);
int __wrap_madvise(void *map, size_t bytes, int advice);
int __wrap_madvise(void *map, size_t bytes, int advice)
{
	return out_of_memory(MADVISE) ? -1 : __real_madvise(map, bytes, advice);
}

/* ---- threads ---- */

int __real_pthread_create(pthread_t *, const pthread_attr_t *,
			  void *(*)(void *), void *);
int __wrap_pthread_create(pthread_t *, const pthread_attr_t *,
			  void *(*)(void *), void *);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
			  void *(*fn)(void *), void *arg)
{
	return refuses(CREATE) ?
		       EAGAIN :
		       __real_pthread_create(thread, attributes, fn, arg);
}

int __real_pthread_atfork(void (*)(void), void (*)(void), void (*)(void));
int __wrap_pthread_atfork(void (*)(void), void (*)(void), void (*)(void));
int __wrap_pthread_atfork(void (*prepare)(void), void (*parent)(void),
			  void (*child)(void))
{
	return refuses(ATFORK) ? ENOMEM :
				 __real_pthread_atfork(prepare, parent, child);
}

int __real_pthread_key_create(pthread_key_t *, void (*)(void *));
int __wrap_pthread_key_create(pthread_key_t *, void (*)(void *));
int __wrap_pthread_key_create(pthread_key_t *key, void (*end)(void *))
{
	return refuses(KEY) ? EAGAIN : __real_pthread_key_create(key, end);
}

int __real_pthread_setspecific(pthread_key_t key, const void *value);
int __wrap_pthread_setspecific(pthread_key_t key, const void *value);
int __wrap_pthread_setspecific(pthread_key_t key, const void *value)
{
	return refuses(SPECIFIC) ? ENOMEM :
				   __real_pthread_setspecific(key, value);
}

/* ---- CPUs ---- */

int __real_sched_getaffinity(pid_t, size_t, cpu_set_t *);
int __wrap_sched_getaffinity(pid_t, size_t, cpu_set_t *);
int __wrap_sched_getaffinity(pid_t process, size_t bytes, cpu_set_t *mask)
{
	if (!refuses(AFFINITY))
		return __real_sched_getaffinity(process, bytes, mask);
	errno = EPERM;
	return -1;
}

/* CPU_ALLOC() and CPU_FREE() are these. */
cpu_set_t *__real___sched_cpualloc(size_t count);
cpu_set_t *__wrap___sched_cpualloc(size_t count);
cpu_set_t *__wrap___sched_cpualloc(size_t count)
{
	return out_of_memory(CPUALLOC) ? NULL :
					 held(__real___sched_cpualloc(count));
}

void __real___sched_cpufree(cpu_set_t *mask);
void __wrap___sched_cpufree(cpu_set_t *mask);
void __wrap___sched_cpufree(cpu_set_t *mask)
{
	atomic_fetch_sub(&blocks, 1);
	__real___sched_cpufree(mask);
}

FILE *__real_fopen(const char *path, const char *mode);
FILE *__wrap_fopen(const char *path, const char *mode);
FILE *__wrap_fopen(const char *path, const char *mode)
{
	return out_of_memory(FOPEN) ? NULL : held(__real_fopen(path, mode));
}

FILE *__wrap_fopen64(const char *path, const char *mode);
FILE *__wrap_fopen64(const char *path, const char *mode)
{
	return __wrap_fopen(path, mode);
}

int __real_fclose(FILE *file);
int __wrap_fclose(FILE *file);
int __wrap_fclose(FILE *file)
{
	atomic_fetch_sub(&blocks, 1);
	return __real_fclose(file);
}

/* The line is freed by who asked for it. */
ssize_t __real_getline(char **line, size_t *room, FILE *file);
ssize_t __wrap_getline(char **line, size_t *room, FILE *file);
ssize_t __wrap_getline(char **line, size_t *room, FILE *file)
{
	char *before = *line;
	ssize_t length =
		out_of_memory(GETLINE) ? -1 : __real_getline(line, room, file);

	if (!before)
		held(*line);
	return length;
}

/* What getline() is where the compiler optimises. */
ssize_t __wrap___getdelim(char **line, size_t *room, int end, FILE *file);
ssize_t __wrap___getdelim(char **line, size_t *room, int end, FILE *file)
{
	(void)end;
	return __wrap_getline(line, room, file);
}
