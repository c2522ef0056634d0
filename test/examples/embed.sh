# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# shellcheck source=test/examples/support.sh
. "$(dirname "$0")/support.sh"

# pi(25000), and so on to pi(100000) = 9592.
said=$("$program")
[ "$said" = "primes-0: 2762
primes-1: 2371
primes-2: 2260
primes-3: 2199
9592 primes below 100000" ] || fail "it said: $said"
