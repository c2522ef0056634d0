/* SPDX-License-Identifier: MIT */
#include <skua/error.h>

const char *skua_strerror(int error)
{
	switch (error) {
	case 0:
		return "no error";
	case SKUA_EINVAL:
		return "an argument is NULL or out of its range";
	case SKUA_ENOMEM:
		return "memory ran out; nothing has happened";
	case SKUA_EAGAIN:
		return "the system gave no thread; see ulimit -u";
	case SKUA_ECLOSED:
		return "the pool was shut down, or is a fork's copy";
	case SKUA_EFULL:
		return "the pool has no room; wait, or submit with a timeout";
	case SKUA_ETIMEDOUT:
		return "the time ran out before it was done";
	case SKUA_ECANCELLED:
		return "the task was cancelled before it ran";
	case SKUA_EFAILED:
		return "the task failed; see skua_future_code()";
	case SKUA_EBROKEN:
		return "an initializer of a worker failed";
	case SKUA_EDEADLK:
		return "the wait could never end";
	case SKUA_ENONE:
		return "nothing is pending, or there is no more";
	case SKUA_ENOWORKERS:
		return "the pool has no worker";
	case SKUA_EBUSY:
		return "too late: the task runs or is done";
	default:
		return "not an error of Skua";
	}
}

#define TEXT(x) TEXT_(x)
#define TEXT_(x) #x

const char *skua_version(void)
{
	return TEXT(SKUA_VERSION_MAJOR) "." TEXT(SKUA_VERSION_MINOR) "." TEXT(
		SKUA_VERSION_PATCH);
}
