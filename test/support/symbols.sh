#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# symbols.sh FOLDER PROGRAM...: looks from outside at the libraries built in
# FOLDER and at programs that have the library in them: the names they bring
# into a program, and how they are hardened.
set -eu -o pipefail

shared=$1/libskua.so static=$1/libskua.a
shift
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

# The library of C-Thread-Pool's interface has those names alone.
thpool=$(dirname "$shared")/libskua-thpool
if nm --dynamic --defined-only --format=posix "$thpool.so" |
	grep -v '^thpool_'; then
	fail "exported above by $thpool.so: not thpool_"
fi
if nm --extern-only --defined-only --format=posix "$thpool.a" |
	grep ' [A-Z] ' | grep -v '^thpool_'; then
	fail "global above in $thpool.a: not thpool_"
fi

# What every linked file must have.
look_at_file() { # FILE
	local dynamic segments
	dynamic=$(readelf --wide --dynamic "$1")
	segments=$(readelf --wide --segments "$1")
	grep -q 'FLAGS_1.*NOW' <<<"$dynamic" ||
		fail "$1: not bound at load (-z now)"
	grep -q 'TEXTREL' <<<"$dynamic" && fail "$1: text relocations"
	grep -q 'GNU_RELRO' <<<"$segments" || fail "$1: no RELRO"
	# A segment's flags stand before its alignment; an executable one has
	# an E.
	grep -q 'GNU_STACK' <<<"$segments" || fail "$1: no GNU_STACK"
	grep -q 'GNU_STACK.*E 0x' <<<"$segments" && fail "$1: executable stack"
	grep -q 'LOAD.*RWE 0x' <<<"$segments" && fail "$1: writable code"
	return 0
}

for file in "$shared" "$thpool.so" "$@"; do
	look_at_file "$file"
done
dynamic=$(readelf --wide --dynamic "$shared")
grep -q 'SONAME.*\[libskua\.so\.0\]' <<<"$dynamic" || fail "SONAME"
grep -q 'FLAGS_1.*NODELETE' <<<"$dynamic" || fail "no -z nodelete"

# Each object says that its indirect jumps land on landing pads, the assembly
# too. Shadow stacks are for the C alone: context.S switches stacks and must not
# claim them. (Linked files say what all of their objects say, and those of
# Debian's C library say nothing.)
case $(uname -m) in
x86_64) mark='x86 feature:.*IBT' ;;
aarch64) mark='AArch64 feature:.*BTI' ;;
*) mark='' ;;
esac

unmarked() { # MARK: objects of the library whose notes lack it, one a line
	readelf --wide --notes "$static" | awk -v mark="$1" '
		/^File: / { if (object) print object; object = $2 }
		$0 ~ mark { object = "" }
		END { if (object) print object }'
}

if [ -n "$mark" ] && [ -n "$(unmarked "$mark")" ]; then
	fail "no $mark in $(unmarked "$mark")"
fi
if [ "$(uname -m)" = x86_64 ]; then
	bare=$(unmarked 'x86 feature:.*SHSTK' | sed 's/.*(\(.*\))/\1/')
	[ "$bare" = x86_64_context.S.o ] ||
		fail "without a note of SHSTK, and context.S alone should be: $bare"
fi

# Compilers record how an object was compiled only if asked; build.ninja says
# what they were asked.
for flag in -fstack-clash-protection -D_FORTIFY_SOURCE=2; do
	bad=$(awk -v flag="$flag" '
		/^build lib\/.*\.c\.o:/ { object = $2 }
		object && $1 == "ARGS" {
			if (index($0, flag) == 0) print object
			object = ""
		}' "$(dirname "$static")/../build.ninja")
	[ -z "$bad" ] || fail "without $flag: $bad"
done

# Constructors of ours would run in programs that never use the library.
objects=$(readelf --wide --sections "$static")
grep -E '\.(init_array|ctors)' <<<"$objects" && fail "global constructors"

exit "$failed"
