# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# shellcheck source=test/examples/support.sh
. "$(dirname "$0")/support.sh"

expect_fib() { # VALUE [N]
	wanted=$1
	shift
	said=$("$program" "$@")
	[ "$said" = "$wanted" ] || fail "fib $* is $said, not $wanted"
}

expect_fib 2178309
expect_fib 0 0
expect_fib 1 1
expect_fib 1 2
expect_fib 832040 30
for workers in 1 2 8; do
	export SKUA_WORKERS=$workers
	expect_fib 75025 25
done

for n in -1 91 '' x 3x 99999999999999999999; do
	expect 1 'usage: ' "$program" "$n"
done
expect 1 'usage: ' "$program" 1 2
