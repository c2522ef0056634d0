# SPDX-License-Identifier: MIT
# shellcheck shell=sh
#
# What pargz writes is what gzip -d, gzip -t and zcat read, for any contents,
# level and number of workers, and hardly larger than what gzip writes.
# shellcheck source=test/examples/support.sh
. "$(dirname "$0")/support.sh"

# Through files and through pipes, and the same bytes whatever the workers.
round_trip() { # FILE
	"$program" -c "$1" >one.gz
	gzip -t one.gz || fail "gzip -t: $1"
	gzip -dc one.gz | cmp - "$1" || fail "gzip -d: $1"
	zcat one.gz | cmp - "$1" || fail "zcat: $1"
	for workers in 1 2 8; do
		"$program" -p "$workers" -c "$1" | cmp - one.gz ||
			fail "-p $workers: $1"
	done
	# shellcheck disable=SC2002 # a pipe is the point
	cat "$1" | "$program" -p 2 | gzip -dc | cmp - "$1" ||
		fail "a pipe: $1"
}

# Within 2 % of gzip.
expect_ratio() { # FILE
	ours=$(bytes_of one.gz)
	gzips=$(gzip -6 -c "$1" | wc -c)
	[ $((ours * 100)) -le $((gzips * 102)) ] ||
		fail "$1: $ours bytes, gzip $gzips"
}

# Made contents, with the edges of blocks.
block=131072
: >empty
printf x >byte
head -c $((5 * 1024 * 1024)) /dev/urandom >random
truncate -s $((5 * 1024 * 1024 + 1)) zeros
for bytes in 32767 32768 $((block - 1)) $block $((block + 1)) \
	$((2 * block)) $((20 * block)); do
	head -c "$bytes" random >"random-$bytes"
done
for file in empty byte random*; do
	round_trip "$file"
	expect_ratio "$file"
done
# Of zeros each block is 130 bytes and the 5 that end it are felt.
round_trip zeros

# Real files of this machine: programs, libraries, sources. What else there is
# of compilers and libraries differs from machine to machine.
cp "$(command -v sh)" shell
cp "$(command -v gcc || command -v tar)" compiler
tar -c -C "$here/../.." include lib docs test >sources.tar
cat /usr/lib/*/libc.so.6 /usr/lib/*/libm.so.6 >libraries 2>/dev/null || :
tar -c -C / usr/include/linux 2>/dev/null >headers.tar || :
cc1=$(gcc -print-prog-name=cc1 2>/dev/null || :)
[ ! -f "$cc1" ] || head -c 8M "$cc1" >compiler-proper
for file in shell compiler sources.tar libraries headers.tar \
	compiler-proper; do
	[ ! -f "$file" ] || {
		round_trip "$file"
		expect_ratio "$file"
	}
done

# Each level, smaller or equal from 1 to 9 at the ends.
for level in 1 2 3 4 5 6 7 8 9; do
	"$program" "-$level" -c sources.tar >"level-$level"
	gzip -dc "level-$level" | cmp - sources.tar || fail "level $level"
done
cmp -s level-6 one.gz && fail 'one.gz is of another file'
[ "$(bytes_of level-9)" -lt "$(bytes_of level-1)" ] ||
	fail '-9 is no smaller than -1'

# The header with time and name is the one gzip writes (10 bytes and a name).
for level in 1 6 9; do
	gzip "-$level" -c shell | head -c 16 >gzips
	"$program" "-$level" -c shell | head -c 16 | cmp - gzips ||
		fail "another header than gzip's, level $level"
done

# Several files are several members; - is standard input.
"$program" -c byte - random <shell | gzip -dc >together
cat byte shell random | cmp - together || fail 'several files'
