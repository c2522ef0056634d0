/* SPDX-License-Identifier: MIT */
/* CPU quotas of control groups, in trees of our own. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../support/system.h"
#include "cpus.h"

#define NONE UINT_MAX

static char root[] = "/tmp/skua-test-quota-XXXXXX";

static void open_tree(void)
{
	cr_assert_not_null(mkdtemp(root));
}

static int remove_one(const char *path, const struct stat *status, int type,
		      struct FTW *where)
{
	(void)status;
	(void)type;
	(void)where;
	return remove(path);
}

static void close_tree(void)
{
	nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

TestSuite(cpus_quota, .init = open_tree, .fini = close_tree, .timeout = 30,
	  .disabled = ONLY_POSIX);

static void make_parents(char *path)
{
	for (char *p = path + sizeof(root); (p = strchr(p, '/')); p++) {
		*p = '\0';
		mkdir(path, 0777);
		*p = '/';
	}
}

/* Puts a file into the tree, with the directories above it. */
static void put(const char *name, const char *text)
{
	char path[PATH_MAX];
	FILE *f;

	snprintf(path, sizeof(path), "%s%s", root, name);
	make_parents(path);
	f = fopen(path, "w");
	cr_assert_not_null(f, "%s: %s", path, strerror(errno));
	cr_assert_geq(fputs(text, f), 0);
	cr_assert_eq(fclose(f), 0);
}

static void put_group(const char *text)
{
	put("/proc/self/cgroup", text);
}

static void put_mounts(const char *text)
{
	put("/proc/self/mountinfo", text);
}

/* As systemd mounts them. */
static const char mounts_v2[] =
	"22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw\n"
	"23 22 0:21 / /proc rw,nosuid shared:12 - proc proc rw\n"
	"28 22 0:25 / /sys/fs/cgroup rw,nosuid,nodev shared:4 - cgroup2 "
	"cgroup2 rw,nsdelegate,memory_recursiveprot\n";

static const char mounts_v1[] =
	"28 22 0:25 / /sys/fs/cgroup ro,nosuid shared:4 - tmpfs tmpfs ro\n"
	"29 28 0:26 / /sys/fs/cgroup/unified rw shared:5 - cgroup2 cgroup2 "
	"rw\n"
	"30 28 0:27 / /sys/fs/cgroup/systemd rw shared:6 - cgroup cgroup "
	"rw,xattr,name=systemd\n"
	"31 28 0:28 / /sys/fs/cgroup/cpuset rw shared:7 - cgroup cgroup "
	"rw,cpuset\n"
	"32 28 0:29 / /sys/fs/cgroup/cpu,cpuacct rw shared:8 - cgroup cgroup "
	"rw,cpu,cpuacct\n";

static const char groups_v1[] = "12:cpuset:/set\n"
				"4:cpu,cpuacct:/job/step\n"
				"1:name=systemd:/other\n"
				"0::/other\n";

static unsigned quota_v2(const char *cpu_max)
{
	put("/sys/fs/cgroup/a/cpu.max", cpu_max);
	return ski_cpus_quota(root);
}

static void put_v2(void)
{
	put_group("0::/a\n");
	put_mounts(mounts_v2);
}

Test(cpus_quota, nothing_there)
{
	cr_expect_eq(ski_cpus_quota(root), NONE);
	put_mounts(mounts_v2);
	cr_expect_eq(ski_cpus_quota(root), NONE);
	put_group("0::/a\n");
	cr_expect_eq(ski_cpus_quota(root), NONE);
	cr_expect_eq(ski_cpus_quota("/nonexistent"), NONE);
}

Test(cpus_quota, v2_rounds_up)
{
	put_v2();
	cr_expect_eq(quota_v2("100000 100000\n"), 1);
	cr_expect_eq(quota_v2("100001 100000\n"), 2);
	cr_expect_eq(quota_v2("150000 100000\n"), 2);
	cr_expect_eq(quota_v2("200000 100000\n"), 2);
	cr_expect_eq(quota_v2("1000 100000\n"), 1);
	cr_expect_eq(quota_v2("1 1000000\n"), 1);
	cr_expect_eq(quota_v2("0 100000\n"), 1);
	cr_expect_eq(quota_v2("6400000 100000\n"), 64);
	cr_expect_eq(quota_v2("150000 50000\n"), 3);
	cr_expect_eq(quota_v2("300000 100000"), 3);
	cr_expect_eq(quota_v2("max 100000\n"), NONE);
	cr_expect_eq(quota_v2("18446744073709551615 1\n"), NONE);
	cr_expect_eq(quota_v2("18446744073709551615 18446744073709551615\n"),
		     1);
	cr_expect_eq(quota_v2("18446744073709551615 18446744073709551614\n"),
		     2);
}

Test(cpus_quota, v2_malformed)
{
	static const char *const rows[] = {
		"",
		"\n",
		"max",
		"abc\n",
		"100000\n",
		"100000 \n",
		"100000 0\n",
		" 100000 100000\n",
		"100000  100000\n",
		"-1 100000\n",
		"100000 -1\n",
		"+100000 100000\n",
		"1e5 100000\n",
		"100000 100000 1\n",
		"100000 100000 \n",
		"100000\t100000\n",
		"99999999999999999999 100000\n",
		"100000 99999999999999999999\n",
		"max max\n",
		"0x10 1\n",
		"\n100000 100000\n",
		("10000000000000000000000000000000000000000000000000000000000"
		 "0000000000 1\n"),
	};

	put_v2();
	for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		cr_expect_eq(quota_v2(rows[i]), NONE, "\"%s\"", rows[i]);
}

Test(cpus_quota, v2_least_of_all_ancestors)
{
	put_group("0::/a/b/c/d\n");
	put_mounts(mounts_v2);
	/* Only far above: neither here nor between is there a file. */
	put("/sys/fs/cgroup/a/cpu.max", "700000 100000\n");
	cr_expect_eq(ski_cpus_quota(root), 7);
	put("/sys/fs/cgroup/a/b/c/d/cpu.max", "max 100000\n");
	cr_expect_eq(ski_cpus_quota(root), 7);
	put("/sys/fs/cgroup/a/b/c/cpu.max", "300000 100000\n");
	cr_expect_eq(ski_cpus_quota(root), 3);
	put("/sys/fs/cgroup/a/b/cpu.max", "500000 100000\n");
	cr_expect_eq(ski_cpus_quota(root), 3);
	put("/sys/fs/cgroup/a/b/c/d/cpu.max", "400000 100000\n");
	cr_expect_eq(ski_cpus_quota(root), 3);
	put("/sys/fs/cgroup/cpu.max", "200000 100000\n");
	cr_expect_eq(ski_cpus_quota(root), 2);
	/* Beside our path, and above the mount: not ours. */
	put("/sys/fs/cgroup/a/x/cpu.max", "100000 100000\n");
	put("/sys/fs/cgroup/a/b/c/d/e/cpu.max", "100000 100000\n");
	put("/sys/fs/cpu.max", "100000 100000\n");
	cr_expect_eq(ski_cpus_quota(root), 2);
}

Test(cpus_quota, v2_root_group)
{
	put_group("0::/\n");
	put_mounts(mounts_v2);
	cr_expect_eq(ski_cpus_quota(root), NONE);
	/* As a container with a namespace of its own sees it. */
	put("/sys/fs/cgroup/cpu.max", "250000 100000\n");
	cr_expect_eq(ski_cpus_quota(root), 3);
}

static void put_v1(const char *group, const char *quota, const char *period)
{
	char path[256];

	snprintf(path, sizeof(path),
		 "/sys/fs/cgroup/cpu,cpuacct%s/cpu.cfs_quota_us", group);
	put(path, quota);
	snprintf(path, sizeof(path),
		 "/sys/fs/cgroup/cpu,cpuacct%s/cpu.cfs_period_us", group);
	put(path, period);
}

Test(cpus_quota, v1)
{
	put_group(groups_v1);
	put_mounts(mounts_v1);
	put_v1("", "-1\n", "100000\n");
	put_v1("/job", "-1\n", "100000\n");
	put_v1("/job/step", "-1\n", "100000\n");
	cr_expect_eq(ski_cpus_quota(root), NONE);
	put_v1("/job/step", "350000\n", "100000\n");
	cr_expect_eq(ski_cpus_quota(root), 4);
	put_v1("/job", "100000\n", "50000\n");
	cr_expect_eq(ski_cpus_quota(root), 2);
	put_v1("", "1000\n", "100000\n");
	cr_expect_eq(ski_cpus_quota(root), 1);
}

Test(cpus_quota, v1_malformed)
{
	static const struct {
		const char *quota, *period;
	} rows[] = {
		{ "", "100000\n" },	   { "100000\n", "" },
		{ "100000\n", "0\n" },	   { "100000\n", "-1\n" },
		{ "-2\n", "100000\n" },	   { "max\n", "100000\n" },
		{ "100000 \n", "1000\n" }, { "100000\n", "x\n" },
	};

	put_group(groups_v1);
	put_mounts(mounts_v1);
	for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		put_v1("/job/step", rows[i].quota, rows[i].period);
		cr_expect_eq(ski_cpus_quota(root), NONE, "row %u", i);
	}
}

Test(cpus_quota, v1_without_period)
{
	put_group(groups_v1);
	put_mounts(mounts_v1);
	put("/sys/fs/cgroup/cpu,cpuacct/job/step/cpu.cfs_quota_us", "100000\n");
	cr_expect_eq(ski_cpus_quota(root), NONE);
}

/* Names that only begin or end like "cpu". */
Test(cpus_quota, v1_other_controllers)
{
	put_mounts("31 28 0:28 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup "
		   "rw,cpuset,cpuacct,xcpu\n");
	put_group("4:cpu:/job\n");
	put_v1("/job", "100000\n", "100000\n");
	cr_expect_eq(ski_cpus_quota(root), NONE);
	put_mounts(mounts_v1);
	put_group("4:cpuset,cpuacct,xcpu:/job\n3:name=cpu:/job\n");
	cr_expect_eq(ski_cpus_quota(root), NONE);
	put_group("4:cpuset,cpu:/job\n");
	cr_expect_eq(ski_cpus_quota(root), 1);
}

/* Both kinds may be mounted, with the controller in either. */
Test(cpus_quota, v1_beside_v2)
{
	put_group(groups_v1);
	put_mounts(mounts_v1);
	put_v1("/job", "500000\n", "100000\n");
	put("/sys/fs/cgroup/unified/other/cpu.max", "600000 100000\n");
	cr_expect_eq(ski_cpus_quota(root), 5);
	put("/sys/fs/cgroup/unified/other/cpu.max", "400000 100000\n");
	cr_expect_eq(ski_cpus_quota(root), 4);
}

/* A container without a namespace: the mount shows the container's part. */
Test(cpus_quota, part_of_the_tree)
{
	put_group("0::/docker/abc/job\n");
	put_mounts("28 22 0:25 /docker/abc /sys/fs/cgroup ro - cgroup2 cgroup "
		   "rw\n");
	put("/sys/fs/cgroup/docker/abc/job/cpu.max", "100000 100000\n");
	cr_expect_eq(ski_cpus_quota(root), NONE);
	put("/sys/fs/cgroup/cpu.max", "300000 100000\n");
	cr_expect_eq(ski_cpus_quota(root), 3);
	put("/sys/fs/cgroup/job/cpu.max", "200000 100000\n");
	cr_expect_eq(ski_cpus_quota(root), 2);
}

/* ab is no parent of abc. */
Test(cpus_quota, whole_names)
{
	put_group("0::/docker/abc\n");
	put_mounts("28 22 0:25 /docker/ab /cg1 ro - cgroup2 cgroup rw\n"
		   "29 22 0:25 /docker /cg2 ro - cgroup2 cgroup rw\n");
	put("/cg1/cpu.max", "100000 100000\n");
	put("/cg1/c/cpu.max", "100000 100000\n");
	put("/cg1c/cpu.max", "100000 100000\n");
	put("/cg2/abc/cpu.max", "300000 100000\n");
	cr_expect_eq(ski_cpus_quota(root), 3);
}

/* Nothing shows our group: what the mount points say is the best there is. */
Test(cpus_quota, group_outside_of_all_mounts)
{
	put_mounts("28 22 0:25 /docker/abc /sys/fs/cgroup ro - cgroup2 cgroup "
		   "rw\n");
	put("/sys/fs/cgroup/cpu.max", "300000 100000\n");
	put("/sys/fs/cgroup/other/cpu.max", "200000 100000\n");
	put("/sys/fs/cpu.max", "100000 100000\n");
	put("/sys/cpu.max", "100000 100000\n");
	put_group("0::/other\n");
	cr_expect_eq(ski_cpus_quota(root), 3);
	put_group("0::/docker/abc/..\n");
	cr_expect_eq(ski_cpus_quota(root), 3);
	put_group("0::/docker/abc/../../../x\n");
	cr_expect_eq(ski_cpus_quota(root), 3);
	/* A name, if an odd one. */
	put("/sys/fs/cgroup/..x/cpu.max", "200000 100000\n");
	put_group("0::/docker/abc/..x\n");
	cr_expect_eq(ski_cpus_quota(root), 2);
	/* A mount that does show it, after or before, decides alone. */
	put_group("0::/other\n");
	put_mounts("28 22 0:25 /docker/abc /sys/fs/cgroup ro - cgroup2 cgroup "
		   "rw\n"
		   "29 22 0:25 / /whole ro - cgroup2 cgroup rw\n");
	put("/whole/other/cpu.max", "900000 100000\n");
	cr_expect_eq(ski_cpus_quota(root), 9);
}

/* A namespace sees what is outside of it under /.. */
Test(cpus_quota, outside_of_the_namespace)
{
	put_group("0::/../sister/job\n");
	put_mounts("28 22 0:25 /.. /sys/fs/cgroup ro - cgroup2 cgroup rw\n");
	put("/sys/fs/cgroup/sister/cpu.max", "200000 100000\n");
	cr_expect_eq(ski_cpus_quota(root), 2);
}

Test(cpus_quota, odd_mounts)
{
	put("/my group\t\\x/a/cpu.max", "200000 100000\n");
	put_group("0::/a\n");
	/* Escapes, no source, any number of tags. */
	put_mounts("28 22 0:25 / /my\\040group\\011\\134x rw - cgroup2  rw\n");
	cr_expect_eq(ski_cpus_quota(root), 2);
	put_mounts("28 22 0:25 / /my\\040group\\011\\134x rw shared:1 master:2 "
		   "propagate_from:3 unbindable - cgroup2 none rw\n");
	cr_expect_eq(ski_cpus_quota(root), 2);
	/* No newline at the end. */
	put_mounts(
		"28 22 0:25 / /my\\040group\\011\\134x rw - cgroup2 none rw");
	cr_expect_eq(ski_cpus_quota(root), 2);
}

/* A backslash that begins no escape is one. */
Test(cpus_quota, backslashes)
{
	put("/back\\9xx/a/cpu.max", "200000 100000\n");
	put("/back\\08x/a/cpu.max", "300000 100000\n");
	put("/back\\07/a/cpu.max", "400000 100000\n");
	put("/back\\/a/cpu.max", "500000 100000\n");
	put_group("0::/a\n");
	put_mounts("28 22 0:25 / /back\\9xx rw - cgroup2 c rw\n");
	cr_expect_eq(ski_cpus_quota(root), 2);
	put_mounts("28 22 0:25 / /back\\08x rw - cgroup2 c rw\n");
	cr_expect_eq(ski_cpus_quota(root), 3);
	put_mounts("28 22 0:25 / /back\\07 rw - cgroup2 c rw\n");
	cr_expect_eq(ski_cpus_quota(root), 4);
	put_mounts("28 22 0:25 / /back\\ rw - cgroup2 c rw\n");
	cr_expect_eq(ski_cpus_quota(root), 5);
}

/* Whatever comes before, the one good line counts. */
Test(cpus_quota, malformed_mounts)
{
	static const char *const rows[] = {
		"\n",
		" \n",
		" - \n",
		"-\n",
		"28\n",
		"28 22 0:25 / - cgroup2 c rw\n",
		"28 22 0:25 / /x - cgroup2\n",
		"28 22 0:25 / /x rw - cgroup2 c\n",
		"28 22 0:25 / /x rw -  cgroup2 c rw\n",
		"28 22 0:25 / /x rw cgroup2 c rw\n",
		"28 22 0:25 / \\ rw - cgroup2 c rw\n",
		"28 22 0:25 / \\0 rw - cgroup2 c rw\n",
		"28 22 0:25 / \\04 rw - cgroup2 c rw\n",
		"28 22 0:25 / \\999 rw - cgroup2 c rw\n",
		"28 22 0:25 \\000 \\000 rw - cgroup2 c rw\n",
		"28 22 0:25   rw - cgroup2 c rw\n",
		"28 22 0:25 / /x rw - cgroup  \n",
		"28 22 0:25 / /x rw - cgroup c ,,,\n",
		"\xff\xfe\x01 \x02\n",
	};
	char text[4096];

	put_group("0::/a\n");
	put("/sys/fs/cgroup/a/cpu.max", "200000 100000\n");
	put("/x/a/cpu.max", "100000 100000\n");
	for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		snprintf(text, sizeof(text), "%s%s", rows[i], mounts_v2);
		put_mounts(text);
		cr_expect_eq(ski_cpus_quota(root), 2, "row %u", i);
		put_mounts(rows[i]);
		cr_expect_eq(ski_cpus_quota(root), NONE, "row %u alone", i);
	}
}

Test(cpus_quota, malformed_groups)
{
	static const char *const rows[] = {
		"\n",	   ":\n",      "::\n",	 ":::\n",    "0\n",
		"0:\n",	   "0::\n",    "0::a\n", "0:/a\n",   ":/a\n",
		"1::/a\n", "00::/a\n", "::/a\n", "0:x:/a\n", "\xff\n",
	};
	char text[4096];

	put_mounts(mounts_v2);
	put("/sys/fs/cgroup/a/cpu.max", "200000 100000\n");
	/* Not ours if no group is named. */
	put("/sys/fs/cgroup/cpu.max", "300000 100000\n");
	for (unsigned i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		put_group(rows[i]);
		cr_expect_eq(ski_cpus_quota(root), NONE, "row %u alone", i);
		snprintf(text, sizeof(text), "%s0::/a\n", rows[i]);
		put_group(text);
		cr_expect_eq(ski_cpus_quota(root), 2, "row %u", i);
	}
}

/* Lines and paths longer than any path can be. */
Test(cpus_quota, too_long)
{
	enum {
		LONG = 3 * PATH_MAX
	};
	static char path[LONG], text[2 * LONG];

	memset(path, 'x', sizeof(path) - 1);
	put("/sys/fs/cgroup/a/cpu.max", "200000 100000\n");
	put_mounts(mounts_v2);
	snprintf(text, sizeof(text), "5:cpu:/%s\n0::/a\n", path);
	put_group(text);
	cr_expect_eq(ski_cpus_quota(root), 2);

	snprintf(text, sizeof(text), "9 9 0:9 / /%s rw - cgroup2 c rw\n%s",
		 path, mounts_v2);
	put_mounts(text);
	cr_expect_eq(ski_cpus_quota(root), 2);
	snprintf(text, sizeof(text), "9 9 0:9 /%s / rw - cgroup2 c rw\n%s",
		 path, mounts_v2);
	put_mounts(text);
	cr_expect_eq(ski_cpus_quota(root), 2);
}

/* Lengths around the limits of the buffers: nothing is written beyond them. */
Test(cpus_quota, every_length)
{
	static char point[3 * PATH_MAX], group[PATH_MAX + 16], text[16384];

	for (int length = PATH_MAX - 3; length < PATH_MAX + 3; length++) {
		memset(group, 'g', sizeof(group));
		for (int i = 0; i < length; i += 200)
			group[i] = '/';
		group[length] = '\0';
		snprintf(text, sizeof(text), "4:cpu:%s\n", group);
		put_group(text);
		for (int more = -80; more < 80; more++) {
			int room = 2 * PATH_MAX - length + more;
			memset(point, 'm', sizeof(point));
			point[0] = '/';
			point[room - (int)strlen(root)] = '\0';
			snprintf(text, sizeof(text),
				 "9 9 0:9 / %s rw - cgroup c rw,cpu\n", point);
			put_mounts(text);
			cr_assert_eq(ski_cpus_quota(root), NONE);
		}
	}
}

Test(cpus_quota, files_that_are_directories)
{
	put_v2();
	put("/sys/fs/cgroup/a/cpu.max/x", "");
	put("/sys/fs/cgroup/cpu.max", "200000 100000\n");
	cr_expect_eq(ski_cpus_quota(root), 2);
}

/* Nobody's business but root's: what cannot be opened is no limit. */
Test(cpus_quota, the_system_itself)
{
	unsigned quota = ski_cpus_quota("");

	cr_expect_geq(quota, 1);
	cr_expect_eq(ski_cpus_quota(""), quota);
}

static int count_descriptors(void)
{
	int count = 0;

	for (int i = 0; i < 1024; i++)
		count += fcntl(i, F_GETFD) >= 0;
	return count;
}

Test(cpus_quota, closes_what_it_opens)
{
	put_group(groups_v1);
	put_mounts(mounts_v1);
	put_v1("/job/step", "\n", "\n");
	put_v1("/job", "100000\n", "100000\n");
	int before = count_descriptors();
	for (int i = 0; i < 10; i++)
		cr_expect_eq(ski_cpus_quota(root), 1);
	cr_expect_eq(count_descriptors(), before);
}
