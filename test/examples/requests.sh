# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# shellcheck source=test/examples/support.sh
. "$(dirname "$0")/support.sh"

printf a >one # 97
printf ab >two # 195
: >none
status=0
said=$("$program" one none two missing one | sort) || status=$?
[ "$status" = 0 ] || fail "sort: $status"
[ "$said" = "389 in all, 1 failed
missing: No such file or directory
none: 0
one: 97
one: 97
two: 195" ] || fail "it said: $said"

# Many at once, and how it ends.
set --
for n in $(seq 200); do
	printf '%s' "$n" >"file$n"
	set -- "$@" "file$n"
done
said=$("$program" "$@" | tail -n 1)
[ "$said" = "25518 in all, 0 failed" ] || fail "it said: $said"
"$program" missing >said && fail 'a failure is not told'
[ "$("$program")" = '0 in all, 0 failed' ] || fail 'of nothing'

# An error of the library reaches the user.
SKUA_WORKERS=none expect 1 'requests: ' "$program" one
