/* SPDX-License-Identifier: MIT */
/*
 * Threads of the library: joinable, named, and out of the way of the program's
 * signals.
 */
#ifndef SKI_THREAD_H
#define SKI_THREAD_H

#include <pthread.h>
#include <stddef.h>

enum {
	SKI_THREAD_NAME_BYTES = 16, /* the kernel's limit, with the final 0 */
};

struct ski_thread {
	pthread_t handle;
};

/*
 * Start a thread that runs @run(@arg).
 *
 * All signals are blocked in it from its first instruction, but for those that
 * its own faults raise (SIGSEGV and the like). Its stack has room for
 * @stack_bytes beside what the C library and thread-local variables take of
 * it, and a guard below. @name is copied, cut to 15 bytes between characters;
 * NULL leaves the thread the name of its creator.
 *
 * On success @thread must be joined or detached; it may be moved. Errors, with
 * @thread untouched: SKUA_EAGAIN (no thread to be had), SKUA_ENOMEM.
 */
int ski_thread_start(struct ski_thread *thread, const char *name,
		     size_t stack_bytes, void (*run)(void *arg), void *arg);

/*
 * Start a thread like any other of the process, which inherits its creator's
 * signal mask and name. It may end by pthread_exit(), too. As above: must be
 * joined or detached, Errors.
 */
int ski_thread_start_plain(struct ski_thread *thread, void *(*run)(void *arg),
			   void *arg);

/* Wait until it has returned. Not from the thread itself. */
void ski_thread_join(struct ski_thread *thread);

/* The same of a plain one, and no cancellation point: *@result is what it
 * returned. Errors: SKUA_EDEADLK (it joins the caller). */
int ski_thread_join_plain(struct ski_thread *thread, void **result);

/* Let it free itself when it returns. */
void ski_thread_detach(struct ski_thread *thread);

/*
 * "<prefix>-<number>" in 15 bytes: the prefix is cut, never inside a UTF-8
 * character, the number never. No prefix left: "-<number>".
 */
void ski_thread_format_name(char out[SKI_THREAD_NAME_BYTES], const char *prefix,
			    unsigned number);

/* As much of @name as there is room for, in whole characters. */
void ski_thread_cut_name(char out[SKI_THREAD_NAME_BYTES], const char *name);

/* Name the calling thread: @name has at most 15 bytes. */
void ski_thread_set_name(const char *name);

/* The calling thread's name. */
void ski_thread_get_name(char out[SKI_THREAD_NAME_BYTES]);

/* Let another thread have this CPU. */
void ski_thread_yield(void);

#endif
