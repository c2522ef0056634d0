# SPDX-License-Identifier: MIT
# shellcheck shell=sh
#
# The numbers are those of wc -l, in the same order.
# shellcheck source=test/examples/support.sh
. "$(dirname "$0")/support.sh"

normal() { # without the padding, which is as wide as wc likes it
	sed 's/^ *//'
}

# Files of all lengths around the buffer's, with and without a last newline, and
# the real ones of the place where this script stands.
: >empty
printf 'no newline' >short
head -c 65535 /dev/zero | tr '\0' '\n' >below
head -c 65537 /dev/zero | tr '\0' '\n' >above
head -c 3000000 /dev/urandom >random
printf 'a\nb' >'with space'
set -- empty short below above random 'with space' "$here"/* "$here"/../*/*.sh
wc -l "$@" | normal >"$work/wanted"
for workers in 1 2 8; do
	export SKUA_WORKERS=$workers
	expect 0 '' "$program" "$@" >"$work/output"
	normal <"$work/output" >"$work/said"
	cmp "$work/wanted" "$work/said"
done

# More files than may be open: few are at a time.
for i in $(seq 2000); do
	seq "$i" >"lines-$i"
done
wc -l lines-* | normal >"$work/wanted"
# shellcheck disable=SC3045 # dash has it
(
	ulimit -n 64
	expect 0 '' "$program" lines-* >"$work/output"
)
normal <"$work/output" >"$work/said"
cmp "$work/wanted" "$work/said"

# What cannot be read is told, and the others are counted.
expect 1 'map: missing: No such file or directory' \
	"$program" lines-3 missing lines-4 >"$work/output"
[ "$(normal <"$work/output")" = "$(wc -l lines-3 lines-4 | normal)" ] || fail 'others'
expect 1 'map: .: Is a directory' "$program" . >"$work/output"
[ "$(normal <"$work/output")" = '0 total' ] || fail 'a directory'
expect 0 '' "$program" >"$work/output"
[ "$(normal <"$work/output")" = '0 total' ] || fail 'no file'
SKUA_WORKERS=none expect 1 'map: ' "$program" lines-3
expect 1 '' "$program" lines-3 >/dev/full
