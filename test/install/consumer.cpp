/* SPDX-License-Identifier: MIT */
/* As consumer.c, in C++: the headers, the macros and the library's linkage. */
#include <skua/skua.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <numeric>

SKUA_TASK(long, fib, int, n)
{
	if (n < 2)
		return n;
	fib_fork(&here, n - 1);
	long right = fib(here, n - 2);
	return fib_join(&here) + right;
}

static inline bool int_less(const int *a, const int *b)
{
	return *a < *b;
}

SKUA_DEFINE_STABLE_SORT(sort_ints, int, int_less);

using numbers = std::array<int, 100>;

static void *sum(void *arg)
{
	auto *all = static_cast<numbers *>(arg);

	(*all)[0] += std::accumulate(all->begin() + 1, all->end(), 0);
	return all;
}

static int use(skua_pool *pool)
{
	numbers all;
	skua_future *future;
	void *result;
	long value;

	int error = fib_run(pool, &value, 20);
	if (error)
		return error;
	if (value != 6765)
		return SKUA_EFAILED;

	std::iota(all.rbegin(), all.rend(), 1);
	error = sort_ints(pool, all.data(), all.size());
	if (error)
		return error;
	if (all[0] != 1 || all[99] != 100)
		return SKUA_EFAILED;
	error = skua_submit(pool, sum, &all, &future);
	if (error)
		return error;
	error = skua_future_result(future, SKUA_FOREVER, &result);
	skua_future_release(future);
	if (error)
		return error;
	return result == &all && all[0] == 5050 ? 0 : SKUA_EFAILED;
}

int main()
{
	skua_pool_options options = SKUA_POOL_OPTIONS;
	skua_pool *pool;

	options.workers = 2;
	int error = skua_pool_open(&pool, &options);
	if (!error) {
		error = use(pool);
		if (!error)
			error = skua_pool_close(pool, SKUA_CLOSE_WAIT);
	}
	std::printf("skua %s: %s\n", skua_version(), skua_strerror(error));
	return error != 0;
}
