/* SPDX-License-Identifier: MIT */
/*
 * Error codes and the version.
 *
 * Every function of Skua that can fail returns an int: 0, or one of the
 * negative codes below. On error no output argument is touched and nothing
 * has changed, unless the function says otherwise. The library never exits,
 * aborts or prints.
 */
#ifndef SKUA_ERROR_H
#define SKUA_ERROR_H

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__) && !defined(SKUA_API)
#define SKUA_API __attribute__((__visibility__("default")))
#elif !defined(SKUA_API)
#define SKUA_API
#endif

/** The codes are frozen: a number never changes its meaning. */
enum {
	SKUA_EINVAL = -1, /* an argument is out of its range or NULL */
	SKUA_ENOMEM = -2, /* memory ran out; nothing has happened */
	SKUA_EAGAIN = -3, /* the system gave no thread */
	SKUA_ECLOSED = -4, /* the pool was shut down (or is a fork's copy) */
	SKUA_EFULL = -5, /* a bounded pool has no room */
	SKUA_ETIMEDOUT = -6, /* the time is over, what was awaited is not */
	SKUA_ECANCELLED = -7, /* the task was cancelled before it ran */
	SKUA_EFAILED = -8, /* the task said skua_fail() */
	SKUA_EBROKEN = -9, /* an initializer of a worker failed */
	SKUA_EDEADLK = -10, /* the wait could never end */
	SKUA_ENONE = -11, /* nothing is pending, or there is no more */
	SKUA_ENOWORKERS = -12, /* the pool has no worker */
	SKUA_EBUSY = -13 /* too late: it runs or is done */
};

#define SKUA_VERSION_MAJOR 0
#define SKUA_VERSION_MINOR 1
#define SKUA_VERSION_PATCH 0

/**
 * The meaning of an error code in words, and what to do about it.
 *
 * Returns a static string, never NULL, for any @error (0 and unknown codes
 * too). Thread: any. Blocks: never. Async-signal-safe.
 */
SKUA_API const char *skua_strerror(int error);

/** The version of the library that is linked, "0.1.0". Thread: any. */
SKUA_API const char *skua_version(void);

#ifdef __cplusplus
}
#endif

#endif
