#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# symbols.sh FOLDER: looks at the libraries built in FOLDER from outside: the names
# they bring into a program, and how the shared one is hardened.
set -eu -o pipefail

shared=$1/libskua.so static=$1/libskua.a
failed=0

fail() { # MESSAGE
	echo "$1"
	failed=1
}

exported=$(nm --dynamic --defined-only --format=posix "$shared" |
	cut -d ' ' -f 1 | sort)
grep -qx 'skua_version' <<<"$exported" || fail "skua_version is not exported"
if grep -v '^skua_' <<<"$exported"; then
	fail "exported above: not skua_"
fi

# In a static library internal names are hidden, but they still share the
# program's name space.
if nm --extern-only --defined-only --format=posix "$static" |
	grep ' [A-Z] ' | grep -v -E '^(skua|ski)_'; then
	fail "global above in $static: neither skua_ nor ski_"
fi

dynamic=$(readelf --wide --dynamic "$shared")
segments=$(readelf --wide --segments "$shared")
grep -q 'SONAME.*\[libskua\.so\.0\]' <<<"$dynamic" || fail "SONAME"
grep -q 'FLAGS_1.*NOW' <<<"$dynamic" || fail "not bound at load (-z now)"
grep -q 'FLAGS_1.*NODELETE' <<<"$dynamic" || fail "no -z nodelete"
grep -q 'TEXTREL' <<<"$dynamic" && fail "text relocations"
grep -q 'GNU_RELRO' <<<"$segments" || fail "no RELRO"
# A segment's flags stand before its alignment; an executable one has an E.
grep -q 'GNU_STACK' <<<"$segments" || fail "no GNU_STACK"
grep -q 'GNU_STACK.*E 0x' <<<"$segments" && fail "executable stack"

# Constructors of ours would run in programs that never use the library.
objects=$(readelf --wide --sections "$static")
grep -E '\.(init_array|ctors)' <<<"$objects" && fail "global constructors"

exit "$failed"
