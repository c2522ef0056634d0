/* SPDX-License-Identifier: MIT */
/* Threads: what they are told, what they inherit, and what if there is none. */
#include <criterion/criterion.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/prctl.h>

#include <skua/error.h>

#include "../../support/threads.h"
#include "platform_test.h"
#include "sanitizer.h"
#include "thread.h"

TestSuite(thread, .timeout = 60);

enum {
	STACK = 65536,
};

static struct ski_thread start(const char *name, void (*run)(void *), void *arg)
{
	struct ski_thread thread;

	cr_assert_eq(ski_thread_start(&thread, name, STACK, run, arg), 0);
	return thread;
}

static void count_up(void *arg)
{
	++*(int *)arg;
}

/* What a thread wrote is visible after the join, without atomics. */
Test(thread, start_and_join)
{
	int count = 0;

	for (int i = 0; i < 500; i++) {
		struct ski_thread thread = start("t", count_up, &count);
		ski_thread_join(&thread);
		cr_assert_eq(count, i + 1);
	}
}

Test(thread, many_at_once)
{
	struct ski_thread threads[64];
	int counts[64] = { 0 };

	for (int i = 0; i < 64; i++)
		threads[i] = start("t", count_up, &counts[i]);
	for (int i = 0; i < 64; i++)
		ski_thread_join(&threads[i]);
	for (int i = 0; i < 64; i++)
		cr_expect_eq(counts[i], 1);
}

static void count_up_shared(void *arg)
{
	/* Release: pairs with the acquire load in the test below. */
	atomic_fetch_add_explicit((_Atomic int *)arg, 1, memory_order_release);
}

/* Detached threads run, and then they are gone, with their stacks. */
Test(thread, detach)
{
	_Atomic int count = 0;
	int first = 0;

	/* With the first thread TSan starts one of its own. */
	struct ski_thread warm_up = start("t", count_up, &first);
	ski_thread_join(&warm_up);
	unsigned before = threads_of_process();
	for (int i = 0; i < 100; i++) {
		struct ski_thread thread = start("t", count_up_shared, &count);
		ski_thread_detach(&thread);
	}
	while (atomic_load_explicit(&count, memory_order_acquire) < 100 ||
	       threads_of_process() > before)
		ski_thread_yield();

	int mappings = count_mappings();
	for (int i = 0; i < 100; i++) {
		struct ski_thread thread = start("t", count_up_shared, &count);
		ski_thread_detach(&thread);
		while (threads_of_process() > before)
			ski_thread_yield();
	}
	cr_expect(count_mappings() < mappings + 100 || SKI_TSAN);
}

static void get_mask(void *arg)
{
	pthread_sigmask(SIG_BLOCK, NULL, arg);
}

/* What a thread raises by a fault of its own. */
static bool is_fault(int signal_number)
{
	return signal_number == SIGSEGV || signal_number == SIGBUS ||
	       signal_number == SIGFPE || signal_number == SIGILL ||
	       signal_number == SIGTRAP || signal_number == SIGSYS;
}

/* Some are the C library's own, and under an emulator some are its own. */
static void get_full_mask(sigset_t *out)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pthread_sigmask(SIG_SETMASK, &before, out);
}

Test(thread, all_signals_but_faults_are_blocked)
{
	sigset_t mask, full, before, after;

	get_full_mask(&full);
	cr_expect(sigismember(&full, SIGTERM) == 1);
	sigemptyset(&mask);
	sigaddset(&mask, SIGUSR2);
	pthread_sigmask(SIG_SETMASK, &mask, &before);
	pthread_sigmask(SIG_BLOCK, NULL, &before);
	struct ski_thread thread = start("t", get_mask, &mask);
	ski_thread_join(&thread);
	for (int i = 1; i <= SIGRTMAX; i++)
		cr_expect_eq(sigismember(&mask, i),
			     sigismember(&full, i) && !is_fault(i), "signal %d",
			     i);

	/* And the creator's mask is what it was. */
	pthread_sigmask(SIG_BLOCK, NULL, &after);
	for (int i = 1; i <= SIGRTMAX; i++)
		cr_expect_eq(sigismember(&after, i), sigismember(&before, i));
}

static void end_in_handler(int number)
{
	_exit(number == SIGSEGV ? 7 : 8);
}

static void touch_nothing(void *arg)
{
	*(volatile char *)arg = 0;
}

static void crash_in_thread(void)
{
	void *none =
		mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	signal(SIGSEGV, end_in_handler);
	struct ski_thread thread = start("t", touch_nothing, none);
	ski_thread_join(&thread);
}

/* A blocked fault would end the process without the handler. */
Test(thread, faults_reach_their_handler)
{
	cr_expect_eq(fate_of_child(crash_in_thread), 1007);
}

static void get_name(void *arg)
{
	prctl(PR_GET_NAME, arg);
}

static void get_name_here(void *arg)
{
	ski_thread_get_name(arg);
}

static void expect_name(const char *given, const char *expected)
{
	char name[16] = "", out[16];
	struct ski_thread thread = start(given, get_name, name);

	ski_thread_join(&thread);
	cr_expect_str_eq(name, expected);
	memset(name, 'x', sizeof(name));
	thread = start(given, get_name_here, name);
	ski_thread_join(&thread);
	cr_expect_str_eq(name, expected);
	if (given)
		ski_thread_cut_name(out, given);
	cr_expect(!given || strcmp(out, expected) == 0);
}

Test(thread, names, .disabled = ONLY_POSIX)
{
	expect_name("skua-0", "skua-0");
	expect_name("fifteen-bytes-x", "fifteen-bytes-x");
	expect_name("sixteen-bytes-xy", "sixteen-bytes-x");
	expect_name("a name that is a good deal too long", "a name that is ");
	expect_name("", "");
	/* The 15th byte is the first of two. */
	expect_name("fourteen-bytes\xc3\xa5", "fourteen-bytes");
	expect_name("thirteen-byte\xc3\xa5", "thirteen-byte\xc3\xa5");
	expect_name("twelve-bytes\xf0\x9f\x90\xa6", "twelve-bytes");

	prctl(PR_SET_NAME, "creator");
	expect_name(NULL, "creator");
}

static void *get_mask_and_return(void *mask)
{
	get_mask(mask);
	return mask;
}

static void *exit_early(void *arg)
{
	pthread_exit(arg);
	return NULL;
}

/* Those that are started for the program are like its own. */
Test(thread, plain)
{
	struct ski_thread thread;
	sigset_t mask, before;
	void *result = NULL;

	sigemptyset(&mask);
	sigaddset(&mask, SIGUSR2);
	pthread_sigmask(SIG_SETMASK, &mask, &before);
	cr_assert_eq(
		ski_thread_start_plain(&thread, get_mask_and_return, &mask), 0);
	cr_assert_eq(ski_thread_join_plain(&thread, &result), 0);
	cr_expect_eq(result, &mask);
	cr_expect(sigismember(&mask, SIGUSR2) == 1);
	cr_expect(sigismember(&mask, SIGTERM) == 0);
	cr_assert_eq(ski_thread_start_plain(&thread, exit_early, &before), 0);
	cr_assert_eq(ski_thread_join_plain(&thread, &result), 0);
	cr_expect_eq(result, &before);
}

/* The thread's copy of the name is its own. */
Test(thread, name_may_go_away, .disabled = ONLY_POSIX)
{
	char name[] = "first";
	char seen[16] = "";
	struct ski_thread thread = start(name, get_name, seen);

	memset(name, 'x', sizeof(name) - 1);
	ski_thread_join(&thread);
	cr_expect_str_eq(seen, "first");
}

Test(thread, format_name)
{
	static const struct {
		const char *prefix;
		unsigned number;
		const char *expected;
	} rows[] = {
		{ "skua", 0, "skua-0" },
		{ "skua", 63, "skua-63" },
		{ "", 5, "-5" },
		{ "thirteen-byte", 7, "thirteen-byte-7" },
		{ "fourteen-bytes", 7, "fourteen-byte-7" },
		{ "fourteen-bytes", 42, "fourteen-byt-42" },
		{ "skua", UINT_MAX, "skua-4294967295" },
		{ "skuas", UINT_MAX, "skua-4294967295" },
		/* Two bytes: seven do not fit, six do. */
		{ "\xc3\xa5\xc3\xa5\xc3\xa5\xc3\xa5\xc3\xa5\xc3\xa5\xc3\xa5", 7,
		  "\xc3\xa5\xc3\xa5\xc3\xa5\xc3\xa5\xc3\xa5\xc3\xa5-7" },
		/* Three. */
		{ "ab\xe2\x82\xac", UINT_MAX, "ab-4294967295" },
		{ "a\xe2\x82\xac", UINT_MAX, "a\xe2\x82\xac-4294967295" },
		/* Four. */
		{ "a\xf0\x9f\x90\xa6", UINT_MAX, "a-4294967295" },
		{ "\xf0\x9f\x90\xa6z", UINT_MAX,
		  "\xf0\x9f\x90\xa6-4294967295" },
		/* Not UTF-8: cut anywhere, but to the length. */
		{ "\x80\x80\x80\x80\x80\x80\x80\x80", UINT_MAX,
		  "\x80\x80\x80\x80-4294967295" },
		{ "zz\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80", 7,
		  "zz\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80-7" },
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char out[SKI_THREAD_NAME_BYTES + 1];
		out[SKI_THREAD_NAME_BYTES] = 'x';
		ski_thread_format_name(out, rows[i].prefix, rows[i].number);
		cr_expect_str_eq(out, rows[i].expected);
		cr_expect_eq(out[SKI_THREAD_NAME_BYTES], 'x');
	}
}

/* Every prefix of any text, with numbers of all lengths. */
Test(thread, format_name_fits)
{
	const char text[] = "a\xc3\xa5\xe2\x82\xac\xf0\x9f\x90\xa6"
			    "b\xc3\xa5\xe2\x82\xac\xf0\x9f\x90\xa6";

	for (unsigned number = 1; number < UINT_MAX / 11; number *= 11) {
		for (size_t length = 0; length < sizeof(text); length++) {
			char prefix[sizeof(text)] = "", out[16], end[16];
			memcpy(prefix, text, length);
			snprintf(end, sizeof(end), "-%u", number);
			ski_thread_format_name(out, prefix, number);
			size_t kept = strlen(out) - strlen(end);
			cr_assert_leq(strlen(out), 15);
			cr_assert_str_eq(out + kept, end);
			cr_assert_eq(strncmp(out, prefix, kept), 0);
			/* What follows the cut is not inside a character. */
			if (kept < length)
				cr_assert_neq((unsigned char)prefix[kept] >> 6,
					      2);
			/* No more was cut than had to be. */
			if (kept < length)
				cr_assert_gt(strlen(out) + 4, 15);
		}
	}
}

/* Thread-locals of this size leave nothing of a small stack. */
static _Thread_local char large[1 << 20];

static __attribute__((noinline)) void touch(volatile char *p, size_t bytes)
{
	for (size_t i = 0; i < bytes; i += 64)
		p[i] = 1;
}

static void use_stack(void *arg)
{
	volatile char frames[STACK * 3 / 4];

	touch(frames, sizeof(frames));
	touch(large, sizeof(large));
	*(int *)arg = frames[0] + large[0];
}

Test(thread, stack_is_beside_thread_locals)
{
	int sum = 0;
	struct ski_thread thread = start("t", use_stack, &sum);

	ski_thread_join(&thread);
	cr_expect_eq(sum, 2);
}

Test(thread, least_stack)
{
	struct ski_thread thread;
	int count = 0;

	for (size_t bytes = 0; bytes < 40000; bytes += 999) {
		cr_assert_eq(ski_thread_start(&thread, "t", bytes, count_up,
					      &count),
			     0);
		ski_thread_join(&thread);
	}
	cr_expect_eq(count, 41);
}

static __attribute__((noinline)) int recurse(volatile int *depth)
{
	volatile char frame[512];

	frame[0] = (char)++*depth;
	return *depth > 0 ? recurse(depth) + frame[0] : 0;
}

static void overflow(void *arg)
{
	volatile int depth = 0;

	*(int *)arg = recurse(&depth);
}

static void overflow_a_thread(void)
{
	int sum;
	struct ski_thread thread;

	if (ski_thread_start(&thread, "t", STACK, overflow, &sum) == 0)
		ski_thread_join(&thread);
}

Test(thread, guard)
{
	cr_expect_eq(fate_of_child(overflow_a_thread), SIGSEGV);
}

/* The size of the mapping without access below that of this stack. */
static void measure_guard(void *arg)
{
	uintptr_t here = (uintptr_t)__builtin_frame_address(0);
	uintptr_t from, to, guard_from = 0, guard_to = 0;
	char line[512], access[5];
	FILE *f = fopen("/proc/self/maps", "re");

	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %4s", &from, &to,
			   access) != 3)
			continue;
		if (from <= here && here < to && from == guard_to)
			*(size_t *)arg = guard_to - guard_from;
		guard_from = from;
		guard_to = strcmp(access, "---p") == 0 ? to : 0;
	}
	fclose(f);
}

Test(thread, size_of_the_guard)
{
	size_t bytes = 0;
	struct ski_thread thread = start("t", measure_guard, &bytes);

	ski_thread_join(&thread);
	cr_expect_geq(bytes, 64 << 10);
}

static bool is_untouched(const struct ski_thread *thread)
{
	for (size_t i = 0; i < sizeof(*thread); i++) {
		if (((const unsigned char *)thread)[i] != 0x5a)
			return false;
	}
	return true;
}

static bool same_mask(const sigset_t *a, const sigset_t *b)
{
	for (int i = 1; i <= SIGRTMAX; i++) {
		if (sigismember(a, i) != sigismember(b, i))
			return false;
	}
	return true;
}

/* Starts with @bytes of stack, which must fail and change nothing. */
static int fail_to_start(size_t bytes)
{
	struct ski_thread thread;
	sigset_t before, after;
	int count = 0;

	memset(&thread, 0x5a, sizeof(thread));
	pthread_sigmask(SIG_BLOCK, NULL, &before);
	int error = ski_thread_start(&thread, "t", bytes, count_up, &count);
	pthread_sigmask(SIG_BLOCK, NULL, &after);
	return is_untouched(&thread) && same_mask(&before, &after) &&
			       count == 0 ?
		       error :
		       1;
}

Test(thread, stack_too_large)
{
	cr_expect_eq(fail_to_start(SIZE_MAX), SKUA_ENOMEM);
	cr_expect_eq(fail_to_start(SIZE_MAX - (1 << 20)), SKUA_ENOMEM);
	cr_expect_eq(fail_to_start(SIZE_MAX / 4 * 3), SKUA_EAGAIN);
}

/* The limit does not hold for root: become somebody else. */
static void exceed_limit(void)
{
	const struct rlimit none = { 0, 0 };

	if (getuid() == 0 && setresuid(65534, 65534, 65534) != 0)
		_exit(77);
	if (setrlimit(RLIMIT_NPROC, &none) != 0)
		_exit(77);
	for (int i = 0; i < 100; i++) {
		if (fail_to_start(STACK) != SKUA_EAGAIN)
			_exit(1);
	}
}

Test(thread, no_thread_to_be_had)
{
	int fate = fate_of_child(exceed_limit);

	if (fate == 1077)
		cr_skip_test("this system does not let the limit be set");
	cr_expect_eq(fate, 1000);
}

Test(thread, errno_of_the_creator_is_kept)
{
	int count = 0;

	errno = 1234;
	struct ski_thread thread = start("t", count_up, &count);
	ski_thread_join(&thread);
	ski_thread_yield();
	cr_expect_eq(errno, 1234);
}
