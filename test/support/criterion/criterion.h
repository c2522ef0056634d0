/* SPDX-License-Identifier: MIT */
/*
 * Stands in for Criterion's header in sanitizer and cross builds, under Valgrind
 * and with -Dcriterion=disabled, so that the same test sources compile;
 * test/meson.build chooses. Criterion starts each test by fork and exec from a
 * library that no sanitizer has seen, and takes a test's success before the leak
 * check at its exit has spoken. Here each test is a plain fork of a process with
 * one thread, and what a sanitizer says at exit fails the test that caused it.
 *
 * Only what the tests use: Test() and TestSuite() with init, fini, timeout,
 * disabled and description, and the assertions for scalars, pointers, strings
 * and memory. A test that expects a signal or an exit code does not compile.
 */
#ifndef SKUA_TEST_CRITERION_H
#define SKUA_TEST_CRITERION_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct criterion_options {
	void (*init)(void);
	void (*fini)(void);
	double timeout; /* seconds; 0: that of the suite, or the default */
	bool disabled;
	const char *description;
	char end; /* takes the place of the options that are not given */
};

struct criterion_test {
	const char *suite;
	const char *name; /* NULL: the options are those of the suite */
	void (*run)(void);
	struct criterion_options options;
	struct criterion_test *next;
};

/* In the order of the file: constructors of one unit run in that order. */
void criterion_register(struct criterion_test *test);

/* Reports a failed check; if @fatal, the test ends here. */
void criterion_failed(bool fatal, const char *file, int line, const char *check,
		      const char *format, ...);

void criterion_skip(const char *format, ...);

/* The options may be none; a variadic macro must be given something. */
#define Test(...) CRITERION_TEST_(__VA_ARGS__, .end = 0)
#define CRITERION_TEST_(suite_, name_, ...)                       \
	static void suite_##_##name_##_impl(void);                \
	CRITERION_REGISTER_(suite_##_##name_, #suite_, #name_,    \
			    suite_##_##name_##_impl, __VA_ARGS__) \
	static void suite_##_##name_##_impl(void)

#define TestSuite(...) CRITERION_SUITE_(__VA_ARGS__, .end = 0)
#define CRITERION_SUITE_(suite_, ...)                                         \
	CRITERION_REGISTER_(suite_##_suite, #suite_, NULL, NULL, __VA_ARGS__) \
	struct criterion_test /* for the semicolon that follows */

#define CRITERION_REGISTER_(id_, suite_, name_, run_, ...)            \
	__attribute__((constructor)) static void id_##_register(void) \
	{                                                             \
		static struct criterion_test test = {                 \
			.suite = suite_,                              \
			.name = name_,                                \
			.run = run_,                                  \
			.options = { __VA_ARGS__ },                   \
		};                                                    \
		criterion_register(&test);                            \
	}

/* A check, and perhaps a format and its arguments, evaluated on failure. */
#define CRITERION_CHECK_(fatal_, text_, condition_, ...)                    \
	((condition_) ? (void)0 :                                           \
			criterion_failed(fatal_, __FILE__, __LINE__, text_, \
					 __VA_ARGS__))
#define CRITERION_1_(f_, t_, a_, ...) \
	CRITERION_CHECK_(f_, t_, (a_), __VA_ARGS__)
#define CRITERION_NOT_(f_, t_, a_, ...) \
	CRITERION_CHECK_(f_, t_, !(a_), __VA_ARGS__)
#define CRITERION_NULL_(f_, t_, a_, ...) \
	CRITERION_CHECK_(f_, t_, (a_) == NULL, __VA_ARGS__)
#define CRITERION_SOME_(f_, t_, a_, ...) \
	CRITERION_CHECK_(f_, t_, (a_) != NULL, __VA_ARGS__)
#define CRITERION_OP_(f_, t_, op_, a_, b_, ...) \
	CRITERION_CHECK_(f_, t_, (a_)op_(b_), __VA_ARGS__)
#define CRITERION_STR_(f_, t_, op_, a_, b_, ...) \
	CRITERION_CHECK_(f_, t_, strcmp((a_), (b_)) op_ 0, __VA_ARGS__)
#define CRITERION_EMPTY_(f_, t_, op_, a_, ...) \
	CRITERION_CHECK_(f_, t_, (a_)[0] op_ '\0', __VA_ARGS__)
#define CRITERION_ARR_(f_, t_, op_, a_, b_, size_, ...) \
	CRITERION_CHECK_(f_, t_, memcmp((a_), (b_), (size_)) op_ 0, __VA_ARGS__)
#define CRITERION_FLOAT_(f_, t_, not_, a_, b_, epsilon_, ...) \
	CRITERION_CHECK_(f_, t_,                              \
			 not_((a_) - (b_) <= (epsilon_) &&    \
			      (b_) - (a_) <= (epsilon_)),     \
			 __VA_ARGS__)

/* The NULL behind the arguments is the format where there is none. */
#define cr_assert(...) CRITERION_1_(true, #__VA_ARGS__, __VA_ARGS__, NULL)
#define cr_assert_not(...) CRITERION_NOT_(true, #__VA_ARGS__, __VA_ARGS__, NULL)
#define cr_assert_null(...) \
	CRITERION_NULL_(true, #__VA_ARGS__, __VA_ARGS__, NULL)
#define cr_assert_not_null(...) \
	CRITERION_SOME_(true, #__VA_ARGS__, __VA_ARGS__, NULL)
#define cr_assert_eq(...) \
	CRITERION_OP_(true, #__VA_ARGS__, ==, __VA_ARGS__, NULL)
#define cr_assert_neq(...) \
	CRITERION_OP_(true, #__VA_ARGS__, !=, __VA_ARGS__, NULL)
#define cr_assert_lt(...) \
	CRITERION_OP_(true, #__VA_ARGS__, <, __VA_ARGS__, NULL)
#define cr_assert_leq(...) \
	CRITERION_OP_(true, #__VA_ARGS__, <=, __VA_ARGS__, NULL)
#define cr_assert_gt(...) \
	CRITERION_OP_(true, #__VA_ARGS__, >, __VA_ARGS__, NULL)
#define cr_assert_geq(...) \
	CRITERION_OP_(true, #__VA_ARGS__, >=, __VA_ARGS__, NULL)
#define cr_assert_str_eq(...) \
	CRITERION_STR_(true, #__VA_ARGS__, ==, __VA_ARGS__, NULL)
#define cr_assert_str_neq(...) \
	CRITERION_STR_(true, #__VA_ARGS__, !=, __VA_ARGS__, NULL)
#define cr_assert_str_lt(...) \
	CRITERION_STR_(true, #__VA_ARGS__, <, __VA_ARGS__, NULL)
#define cr_assert_str_leq(...) \
	CRITERION_STR_(true, #__VA_ARGS__, <=, __VA_ARGS__, NULL)
#define cr_assert_str_gt(...) \
	CRITERION_STR_(true, #__VA_ARGS__, >, __VA_ARGS__, NULL)
#define cr_assert_str_geq(...) \
	CRITERION_STR_(true, #__VA_ARGS__, >=, __VA_ARGS__, NULL)
#define cr_assert_str_empty(...) \
	CRITERION_EMPTY_(true, #__VA_ARGS__, ==, __VA_ARGS__, NULL)
#define cr_assert_str_not_empty(...) \
	CRITERION_EMPTY_(true, #__VA_ARGS__, !=, __VA_ARGS__, NULL)
#define cr_assert_arr_eq(...) \
	CRITERION_ARR_(true, #__VA_ARGS__, ==, __VA_ARGS__, NULL)
#define cr_assert_arr_neq(...) \
	CRITERION_ARR_(true, #__VA_ARGS__, !=, __VA_ARGS__, NULL)
#define cr_assert_float_eq(...) \
	CRITERION_FLOAT_(true, #__VA_ARGS__, , __VA_ARGS__, NULL)
#define cr_assert_float_neq(...) \
	CRITERION_FLOAT_(true, #__VA_ARGS__, !, __VA_ARGS__, NULL)
#define cr_assert_fail(...) \
	CRITERION_CHECK_(true, "fail", false, "" __VA_ARGS__)
#define cr_expect(...) CRITERION_1_(false, #__VA_ARGS__, __VA_ARGS__, NULL)
#define cr_expect_not(...) \
	CRITERION_NOT_(false, #__VA_ARGS__, __VA_ARGS__, NULL)
#define cr_expect_null(...) \
	CRITERION_NULL_(false, #__VA_ARGS__, __VA_ARGS__, NULL)
#define cr_expect_not_null(...) \
	CRITERION_SOME_(false, #__VA_ARGS__, __VA_ARGS__, NULL)
#define cr_expect_eq(...) \
	CRITERION_OP_(false, #__VA_ARGS__, ==, __VA_ARGS__, NULL)
#define cr_expect_neq(...) \
	CRITERION_OP_(false, #__VA_ARGS__, !=, __VA_ARGS__, NULL)
#define cr_expect_lt(...) \
	CRITERION_OP_(false, #__VA_ARGS__, <, __VA_ARGS__, NULL)
#define cr_expect_leq(...) \
	CRITERION_OP_(false, #__VA_ARGS__, <=, __VA_ARGS__, NULL)
#define cr_expect_gt(...) \
	CRITERION_OP_(false, #__VA_ARGS__, >, __VA_ARGS__, NULL)
#define cr_expect_geq(...) \
	CRITERION_OP_(false, #__VA_ARGS__, >=, __VA_ARGS__, NULL)
#define cr_expect_str_eq(...) \
	CRITERION_STR_(false, #__VA_ARGS__, ==, __VA_ARGS__, NULL)
#define cr_expect_str_neq(...) \
	CRITERION_STR_(false, #__VA_ARGS__, !=, __VA_ARGS__, NULL)
#define cr_expect_str_lt(...) \
	CRITERION_STR_(false, #__VA_ARGS__, <, __VA_ARGS__, NULL)
#define cr_expect_str_leq(...) \
	CRITERION_STR_(false, #__VA_ARGS__, <=, __VA_ARGS__, NULL)
#define cr_expect_str_gt(...) \
	CRITERION_STR_(false, #__VA_ARGS__, >, __VA_ARGS__, NULL)
#define cr_expect_str_geq(...) \
	CRITERION_STR_(false, #__VA_ARGS__, >=, __VA_ARGS__, NULL)
#define cr_expect_str_empty(...) \
	CRITERION_EMPTY_(false, #__VA_ARGS__, ==, __VA_ARGS__, NULL)
#define cr_expect_str_not_empty(...) \
	CRITERION_EMPTY_(false, #__VA_ARGS__, !=, __VA_ARGS__, NULL)
#define cr_expect_arr_eq(...) \
	CRITERION_ARR_(false, #__VA_ARGS__, ==, __VA_ARGS__, NULL)
#define cr_expect_arr_neq(...) \
	CRITERION_ARR_(false, #__VA_ARGS__, !=, __VA_ARGS__, NULL)
#define cr_expect_float_eq(...) \
	CRITERION_FLOAT_(false, #__VA_ARGS__, , __VA_ARGS__, NULL)
#define cr_expect_float_neq(...) \
	CRITERION_FLOAT_(false, #__VA_ARGS__, !, __VA_ARGS__, NULL)
#define cr_expect_fail(...) \
	CRITERION_CHECK_(false, "fail", false, "" __VA_ARGS__)
#define cr_skip_test(...) criterion_skip(__VA_ARGS__)

#endif
