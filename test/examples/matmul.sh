# SPDX-License-Identifier: MIT
# shellcheck shell=sh
#
# Products of all shapes are right, and one that is not is found to be wrong.
# shellcheck source=test/examples/support.sh
. "$(dirname "$0")/support.sh"

for n in 1 2 63 64 65 129 200 257; do
	for workers in 1 2 8; do
		export SKUA_WORKERS=$workers
		expect 0 '' "$program" "$n" >said
		[ "$(cat said)" = "$n x $n: right" ] || fail "$(cat said)"
		expect 1 '' "$program" -w "$n" >said
		[ "$(cat said)" = "$n x $n: wrong" ] || fail "$(cat said)"
	done
done
for arguments in 0 -1 8193 x 12x '1 2'; do
	# shellcheck disable=SC2086 # one or two
	expect 1 'usage: matmul' "$program" $arguments
done
SKUA_WORKERS=none expect 1 'matmul: ' "$program" 8
[ -c /dev/full ] || skip 'no /dev/full'
expect 1 '' "$program" 8 >/dev/full
