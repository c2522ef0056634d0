# SPDX-License-Identifier: MIT
# shellcheck shell=sh
#
# The factors are those of factor(1).
# shellcheck source=test/examples/support.sh
. "$(dirname "$0")/support.sh"

numbers='10000000000000061 1 2 3 4 97 720720 65536 4294967297
	614889782588491410 100000980001501 9223372036854775808'
# shellcheck disable=SC2086 # a list of words
factor $numbers $(seq 5 2000) >"$work/wanted"
for workers in 1 2 8; do
	export SKUA_WORKERS=$workers
	# shellcheck disable=SC2086,SC2046
	"$program" $numbers $(seq 5 2000) >"$work/said" 2>"$work/stderr"
	cmp "$work/wanted" "$work/said"
	# It may have had to wait, and then says nothing else.
	! grep -v '^[0-9]* of [0-9]* done$' "$work/stderr" ||
		fail 'complaints'
done

# One that is none is told, and the others are there.
for bad in 0 x '' -1 +1 ' 1' 2x 18446744073709551616; do
	expect 1 "pool: $bad: " "$program" 6 "$bad" 7 >"$work/said"
	[ "$(cat "$work/said")" = "$(factor 6 7)" ] || fail "with '$bad'"
done
expect 1 'pool: 18446744073709551616: Numerical result' \
	"$program" 18446744073709551616
expect 0 '' "$program"
SKUA_WORKERS=none expect 1 'pool: ' "$program" 6
expect 1 '' "$program" 6 >/dev/full
