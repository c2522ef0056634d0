# SPDX-License-Identifier: MIT
# shellcheck shell=sh
#
# An input that somebody writes to meanwhile is not removed, since what was
# written may be in it alone.
# shellcheck source=test/examples/support.sh
. "$(dirname "$0")/support.sh"

head -c 8000000 /dev/urandom >"$work/contents"

# Stops pargz in the middle, which fails if it is faster than we are.
stop_in_the_middle() {
	rm -f file file.gz
	cp "$work/contents" file
	"$program" -9 -p 1 file 2>"$work/stderr" &
	pid=$!
	until [ -s file.gz ]; do
		kill -0 "$pid" 2>/dev/null || break
	done
	kill -s STOP "$pid" 2>/dev/null || :
	[ -e file ] && return
	expect_end 0
	return 1
}

tries=0
until stop_in_the_middle; do
	tries=$((tries + 1))
	[ "$tries" -lt 20 ] || skip 'pargz is always faster'
done
touch -d '2001-02-03' file
kill -s CONT "$pid"
expect_end 2
grep -q 'file: changed meanwhile' "$work/stderr" || fail 'silent'
expect_files file file.gz
cmp file "$work/contents"
gzip -dc file.gz | cmp - "$work/contents"
