/* SPDX-License-Identifier: MIT */
#include <skua/group.h>

int skua_scope(struct skua_pool *pool,
	       int (*fn)(struct skua_group *group, void *arg), void *arg)
{
	struct skua_group group;
	int error, code;

	if (!fn)
		return SKUA_EINVAL;
	error = skua_group_init(&group, pool);
	if (error)
		return error;
	code = fn(&group, arg);
	if (code)
		skua_group_cancel(&group);
	error = skua_group_wait(&group, SKUA_FOREVER);
	skua_group_destroy(&group);
	return code ? code : error;
}
