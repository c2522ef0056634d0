// SPDX-License-Identifier: MIT
/* What C++ has without threads, where that is not plain C's: its sorts. */
#include <algorithm>
#include <cstring>

#include "peer.h"
#include "peer_sorts.h"

namespace
{

int with(const crew *, peer_body *body, void *context)
{
	body(nullptr, context);
	return 0;
}

int sort_ints(void *, int *base, size_t count)
{
	std::sort(base, base + count);
	return 0;
}

int sort_ints_stable(void *, int *base, size_t count)
{
	std::stable_sort(base, base + count);
	return 0;
}

int sort_words(void *, const char **base, size_t count)
{
	std::sort(base, base + count, [](const char *a, const char *b) {
		return std::strcmp(a, b) < 0;
	});
	return 0;
}

const peer_sorts sorts = { sort_ints, sort_ints_stable, sort_words, nullptr };

peer describe()
{
	peer peer = {};

	peer.name = "std";
	peer.with = with;
	peer.sorts = &sorts;
	return peer;
}

} // namespace

const struct peer bench_peer = describe();
