/* SPDX-License-Identifier: MIT */
/*
 * The CPU quota of control groups, v1 and v2 (cgroups(7), and cgroup-v1 and
 * cgroup-v2 in the kernel's documentation).
 *
 * /proc/self/cgroup names the group in each hierarchy, /proc/self/mountinfo
 * says where hierarchies, or parts of them, are mounted. A group's limit holds
 * for all below it, so the walk goes from the group to the mount point. What
 * cannot be read or understood is no limit.
 */
#include "cpus.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hooks.h"
#include "number.h"

enum {
	FILE_ROOM = 32, /* "/cpu.cfs_period_us" and less */
};

struct hierarchy {
	char path[PATH_MAX]; /* the group, from the hierarchy's root */
	bool joined;
	bool found; /* a mount that the path lies in */
	unsigned (*read)(char *directory);
	unsigned quota; /* of the groups in such mounts */
	unsigned mount_quota; /* of the other mounts */
};

/* Too large for a stack that the caller may have made small. */
struct search {
	const char *root;
	struct hierarchy v1, v2;
	char directory[2 * PATH_MAX + FILE_ROOM];
};

static unsigned least(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

/* The first line of a file, without its end. @directory has FILE_ROOM. */
static bool read_line(char *directory, const char *name, char *out, int bytes)
{
	size_t length = strlen(directory);

	snprintf(directory + length, FILE_ROOM, "/%s", name);
	FILE *f = fopen(directory, "re");
	directory[length] = '\0';
	if (!f)
		return false;
	bool ok = fgets(out, bytes, f) != NULL;
	fclose(f);
	if (ok)
		out[strcspn(out, "\n")] = '\0';
	return ok;
}

/* Whole CPUs, rounded up, at least 1. */
static unsigned divide(const char *quota, const char *period)
{
	uint64_t q, p;

	if (!ski_number_parse(quota, &q) || !ski_number_parse(period, &p) ||
	    p == 0)
		return UINT_MAX;
	uint64_t cpus = q / p + (q % p != 0);
	if (cpus == 0)
		return 1;
	return cpus < UINT_MAX ? (unsigned)cpus : UINT_MAX;
}

/* cpu.max: "<quota> <period>" or "max <period>" */
static unsigned read_v2(char *directory)
{
	char line[64];
	char *period = line;

	if (!read_line(directory, "cpu.max", line, sizeof(line)))
		return UINT_MAX;
	const char *quota = strsep(&period, " ");
	return period ? divide(quota, period) : UINT_MAX;
}

/* A quota of -1 is none: no number to ski_number_parse(). */
static unsigned read_v1(char *directory)
{
	char quota[32], period[32];

	if (!read_line(directory, "cpu.cfs_quota_us", quota, sizeof(quota)) ||
	    !read_line(directory, "cpu.cfs_period_us", period, sizeof(period)))
		return UINT_MAX;
	return divide(quota, period);
}

/* Is @word one of those in @list, which are separated by commas? */
static bool list_has(const char *list, const char *word)
{
	size_t length = strlen(word);

	while (list) {
		if (strncmp(list, word, length) == 0 &&
		    (list[length] == ',' || list[length] == '\0'))
			return true;
		list = strchr(list, ',');
		list = list ? list + 1 : NULL;
	}
	return false;
}

/* "<number>:<controllers>:<path>"; v2 has number 0 and no controllers. */
static void take_group(struct search *s, char *line)
{
	const char *number = strsep(&line, ":");
	const char *controllers = strsep(&line, ":");
	struct hierarchy *h = NULL;

	if (!line || *line != '/' || strlen(line) >= sizeof(h->path))
		return;
	if (list_has(controllers, "cpu"))
		h = &s->v1;
	else if (strcmp(number, "0") == 0 && *controllers == '\0')
		h = &s->v2;
	if (h) {
		strcpy(h->path, line);
		h->joined = true;
	}
}

static bool is_octal(char c)
{
	return c >= '0' && c <= '7';
}

/* mountinfo writes space, tab, newline and backslash as \ooo. */
static void unescape(char *text)
{
	char *to = text;

	while (*text) {
		if (text[0] == '\\' && is_octal(text[1]) && is_octal(text[2]) &&
		    is_octal(text[3])) {
			*to++ = (char)((text[1] - '0') << 6 |
				       (text[2] - '0') << 3 | (text[3] - '0'));
			text += 4;
		} else {
			*to++ = *text++;
		}
	}
	*to = '\0';
}

/* Does @path have a component ".."? */
static bool climbs(const char *path)
{
	while ((path = strstr(path, "/.."))) {
		path += 3;
		if (*path == '/' || *path == '\0')
			return true;
	}
	return false;
}

/*
 * Where @path is below a mount that shows @mount_root: "" or "/…", NULL if it
 * is not there. Both may begin with /.. if they lie outside of our cgroup
 * namespace.
 */
static const char *path_below(const char *path, const char *mount_root)
{
	size_t length = strlen(mount_root);

	while (length > 0 && mount_root[length - 1] == '/')
		length--;
	if (strncmp(path, mount_root, length) != 0)
		return NULL;
	path += length;
	if ((*path != '/' && *path != '\0') || climbs(path))
		return NULL;
	return strcmp(path, "/") == 0 ? "" : path;
}

/* The least quota of the directory and those above, up to @top bytes of it. */
static unsigned walk(char *directory, size_t top, struct hierarchy *h)
{
	unsigned quota = h->read(directory);

	while (strlen(directory) > top) {
		*strrchr(directory, '/') = '\0';
		quota = least(quota, h->read(directory));
	}
	return quota;
}

/*
 * The path may lie in none of the mounts, if a container shows a part of the
 * tree under another name: then the groups at the mount points are all that is
 * known of ours.
 */
static void take_hierarchy(struct search *s, struct hierarchy *h,
			   const char *mount_root, const char *mount_point)
{
	const char *below = path_below(h->path, mount_root);
	size_t room = sizeof(s->directory) - FILE_ROOM;
	size_t top = strlen(s->root) + strlen(mount_point);

	if (!h->joined || top + (below ? strlen(below) : 0) >= room)
		return;
	strcpy(stpcpy(stpcpy(s->directory, s->root), mount_point),
	       below ? below : "");
	if (below) {
		h->found = true;
		h->quota = least(h->quota, walk(s->directory, top, h));
	} else {
		h->mount_quota = least(h->mount_quota, h->read(s->directory));
	}
}

/* Cut @text at its spaces. True if there were at least @count words. */
static bool split(char *text, char *words[], int count)
{
	for (int i = 0; i < count; i++) {
		words[i] = strsep(&text, " ");
		if (!words[i])
			return false;
	}
	return true;
}

/*
 * "<id> <parent> <device> <root> <mount point> <options> [<tag>…] - <type>
 * <source> <options of the file system>"
 */
static void take_mount(struct search *s, char *line)
{
	enum {
		ROOT = 3,
		POINT = 4,
		HEAD = 5,
		TYPE = 0,
		OPTIONS = 2,
		TAIL = 3
	};
	char *head[HEAD], *tail[TAIL];
	char *dash = strstr(line, " - ");

	if (!dash)
		return;
	*dash = '\0';
	if (!split(line, head, HEAD) || !split(dash + 3, tail, TAIL))
		return;

	unescape(head[ROOT]);
	unescape(head[POINT]);
	if (strcmp(tail[TYPE], "cgroup2") == 0)
		take_hierarchy(s, &s->v2, head[ROOT], head[POINT]);
	else if (strcmp(tail[TYPE], "cgroup") == 0 &&
		 list_has(tail[OPTIONS], "cpu"))
		take_hierarchy(s, &s->v1, head[ROOT], head[POINT]);
}

static void each_line(struct search *s, const char *name,
		      void (*take)(struct search *s, char *line))
{
	char *line = NULL;
	size_t room = 0;

	snprintf(s->directory, sizeof(s->directory), "%s%s", s->root, name);
	FILE *f = fopen(s->directory, "re");
	if (!f)
		return;
	while (getline(&line, &room, f) >= 0) {
		line[strcspn(line, "\n")] = '\0';
		take(s, line);
	}
	free(line);
	fclose(f);
}

static unsigned result(const struct hierarchy *h)
{
	return h->found ? h->quota : h->mount_quota;
}

unsigned ski_cpus_quota(const char *root)
{
	struct search *s = ski_calloc(1, sizeof(*s));

	if (!s)
		return UINT_MAX;
	s->root = root;
	s->v1.read = read_v1;
	s->v2.read = read_v2;
	s->v1.quota = s->v1.mount_quota = UINT_MAX;
	s->v2.quota = s->v2.mount_quota = UINT_MAX;
	each_line(s, "/proc/self/cgroup", take_group);
	each_line(s, "/proc/self/mountinfo", take_mount);

	unsigned quota = least(result(&s->v1), result(&s->v2));
	ski_free(s);
	return quota;
}
