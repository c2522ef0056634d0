/* SPDX-License-Identifier: MIT */
/*
 * Starting threads. Called when pools are opened or grown, never on the way of
 * a task.
 */
#include "thread.h"

#include <errno.h>
#include <limits.h>
#include <link.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <skua/error.h>

#include "hooks.h"

enum {
	GUARD_BYTES = 64 << 10, /* as that of task stacks: stack.h */
};

/* What the new thread is told; it frees this. */
struct start {
	void (*run)(void *arg);
	void *arg;
	bool named;
	char name[SKI_THREAD_NAME_BYTES];
};

/*
 * How many of the first @limit bytes of @text are whole UTF-8 characters. Text
 * that is not UTF-8 is cut anywhere.
 */
static size_t cut(const char *text, size_t limit)
{
	size_t length = strnlen(text, limit + 1);

	if (length <= limit)
		return length;
	for (size_t n = limit; n + 4 > limit && n > 0; n--) {
		if (((unsigned char)text[n] & 0xc0) != 0x80)
			return n;
	}
	return limit;
}

void ski_thread_format_name(char out[SKI_THREAD_NAME_BYTES], const char *prefix,
			    unsigned number)
{
	char suffix[SKI_THREAD_NAME_BYTES];
	int length = snprintf(suffix, sizeof(suffix), "-%u", number);
	size_t room = SKI_THREAD_NAME_BYTES - 1 - (size_t)length;
	size_t kept = cut(prefix, room);

	memcpy(out, prefix, kept);
	memcpy(out + kept, suffix, (size_t)length + 1);
}

void ski_thread_cut_name(char out[SKI_THREAD_NAME_BYTES], const char *name)
{
	size_t kept = cut(name, SKI_THREAD_NAME_BYTES - 1);

	memcpy(out, name, kept);
	out[kept] = '\0';
}

static void *enter(void *arg)
{
	struct start start = *(struct start *)arg;

	ski_free(arg);
	if (start.named)
		ski_thread_set_name(start.name);
	start.run(start.arg);
	return NULL;
}

static int add_tls(struct dl_phdr_info *info, size_t info_bytes, void *total)
{
	size_t bytes = 0;

	(void)info_bytes;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		if (info->dlpi_phdr[i].p_type == PT_TLS)
			bytes += info->dlpi_phdr[i].p_memsz +
				 info->dlpi_phdr[i].p_align;
	}
	*(size_t *)total += bytes;
	return 0;
}

/*
 * The C library puts its thread record and the thread-locals of all modules
 * on the stack: PTHREAD_STACK_MIN covers the record and the frames below
 * enter(), the program headers say how large the rest is.
 */
static bool stack_size(size_t wanted, size_t *out)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t extra = (size_t)PTHREAD_STACK_MIN + page - 1;

	dl_iterate_phdr(add_tls, &extra);
	if (wanted > SIZE_MAX - extra)
		return false;
	*out = (wanted + extra) & ~(page - 1);
	return true;
}

/* 0, or an error number. */
static int create(pthread_t *handle, size_t stack_bytes, struct start *start)
{
	pthread_attr_t attributes;
	int error = pthread_attr_init(&attributes);

	if (error)
		return error;
	error = pthread_attr_setstacksize(&attributes, stack_bytes);
	if (!error)
		error = pthread_attr_setguardsize(&attributes, GUARD_BYTES);
	if (!error)
		error = pthread_create(handle, &attributes, enter, start);
	pthread_attr_destroy(&attributes);
	return error;
}

/*
 * What a thread brings on itself by a fault is not blocked: the kernel would
 * end the process without asking the program's handler, be it a sanitizer's, a
 * crash reporter's or a garbage collector's.
 */
static void all_but_faults(sigset_t *set)
{
	static const int faults[] = { SIGSEGV, SIGBUS,	SIGFPE,
				      SIGILL,  SIGTRAP, SIGSYS };

	sigfillset(set);
	for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++)
		sigdelset(set, faults[i]);
}

/* A thread inherits its creator's mask, so it is set here for that moment. */
static int create_blocked(pthread_t *handle, size_t stack_bytes,
			  struct start *start)
{
	sigset_t blocked, before;

	all_but_faults(&blocked);
	pthread_sigmask(SIG_SETMASK, &blocked, &before);
	int error = create(handle, stack_bytes, start);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return error;
}

static int code_of(int error)
{
	return error == ENOMEM ? SKUA_ENOMEM : SKUA_EAGAIN;
}

int ski_thread_start(struct ski_thread *thread, const char *name,
		     size_t stack_bytes, void (*run)(void *arg), void *arg)
{
	size_t all_bytes;
	pthread_t handle;

	if (!stack_size(stack_bytes, &all_bytes))
		return SKUA_ENOMEM;
	struct start *start = ski_calloc(1, sizeof(*start));
	if (!start)
		return SKUA_ENOMEM;

	start->run = run;
	start->arg = arg;
	start->named = name != NULL;
	if (name)
		ski_thread_cut_name(start->name, name);
	int error = create_blocked(&handle, all_bytes, start);
	if (error) {
		ski_free(start);
		return code_of(error);
	}
	thread->handle = handle;
	return 0;
}

int ski_thread_start_plain(struct ski_thread *thread, void *(*run)(void *arg),
			   void *arg)
{
	pthread_t handle;
	int error = pthread_create(&handle, NULL, run, arg);

	if (error)
		return code_of(error);
	thread->handle = handle;
	return 0;
}

int ski_thread_join_plain(struct ski_thread *thread, void **result)
{
	int state, error;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
	error = pthread_join(thread->handle, result);
	pthread_setcancelstate(state, NULL);
	return error ? SKUA_EDEADLK : 0;
}

void ski_thread_join(struct ski_thread *thread)
{
	pthread_join(thread->handle, NULL);
}

void ski_thread_detach(struct ski_thread *thread)
{
	pthread_detach(thread->handle);
}

void ski_thread_yield(void)
{
	sched_yield();
}
