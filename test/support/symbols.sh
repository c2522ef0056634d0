#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# symbols.sh FOLDER PROGRAM...: looks from outside at the libraries built in
# FOLDER and at programs that have the library in them: the names they bring
# into a program, and how they are hardened. A line for each fault, with the
# name of the check that found it; symbols_test.sh has a specimen for each.
set -eu -o pipefail

folder=$1
shared=$1/libskua.so static=$1/libskua.a thpool=$1/libskua-thpool
shift
failed=0

fail() { # CHECK MESSAGE
	echo "$1: $2"
	failed=1
}

# The names that a file brings into a program, but for those that may be there.
other_names() { # REGEX FILE NM-OPTION...
	local regex=$1
	shift
	nm --defined-only --format=posix "$@" |
		awk -v regex="$regex" 'NF > 1 && $1 !~ regex { print $1 }' | xargs
}

look_at_names() { # CHECK REGEX FILE NM-OPTION...
	local check=$1 names
	shift
	names=$(other_names "$@")
	[ -z "$names" ] || fail "$check" "$2 has names of others: $names"
}

nm --dynamic --defined-only --format=posix "$shared" |
	grep '^skua_version ' >/dev/null ||
	fail version "$shared has no skua_version"
look_at_names exported '^skua_' "$shared" --dynamic
# In a static library internal names are hidden, but they still share the
# program's name space.
look_at_names global '^(skua|ski)_' "$static" --extern-only
# The library of C-Thread-Pool's interface has those names alone.
look_at_names thpool-exported '^thpool_' "$thpool.so" --dynamic
look_at_names thpool-global '^thpool_' "$thpool.a" --extern-only

# What every linked file must have.
look_at_file() { # FILE
	local dynamic segments
	dynamic=$(readelf --wide --dynamic "$1")
	segments=$(readelf --wide --segments "$1")
	grep -q 'FLAGS_1.*NOW' <<<"$dynamic" ||
		fail now "$1 is not bound at load (-z now)"
	grep -q 'TEXTREL' <<<"$dynamic" && fail textrel "$1 has relocations of text"
	grep -q 'GNU_RELRO' <<<"$segments" || fail relro "$1 has no RELRO"
	# A segment's flags stand before its alignment; an executable one has
	# an E.
	grep -q 'GNU_STACK' <<<"$segments" || fail no-stack "$1 has no GNU_STACK"
	grep -q 'GNU_STACK.*E 0x' <<<"$segments" &&
		fail executable-stack "$1 has an executable stack"
	grep -q 'LOAD.*RWE 0x' <<<"$segments" &&
		fail writable-code "$1 has writable code"
	return 0
}

for file in "$shared" "$thpool.so" "$@"; do
	look_at_file "$file"
done
dynamic=$(readelf --wide --dynamic "$shared")
grep -q 'SONAME.*\[libskua\.so\.0\]' <<<"$dynamic" ||
	fail soname "$shared is not libskua.so.0"
grep -q 'FLAGS_1.*NODELETE' <<<"$dynamic" ||
	fail nodelete "$shared can be unloaded (-z nodelete)"

# Each object says that its indirect jumps land on landing pads, the assembly
# too. Shadow stacks are for the C alone: context.S switches stacks and must not
# claim them. (Linked files say what all of their objects say, and those of
# Debian's C library say nothing.)
case $(uname -m) in
x86_64) mark='x86 feature:.*IBT' ;;
aarch64) mark='AArch64 feature:.*BTI' ;;
*) mark='' ;;
esac

unmarked() { # MARK: objects of the library whose notes lack it
	readelf --wide --notes "$static" | awk -v mark="$1" '
		/^File: / { if (object) print object; object = $2 }
		$0 ~ mark { object = "" }
		END { if (object) print object }' | sed 's/.*(\(.*\))/\1/' | xargs
}

if [ -n "$mark" ]; then
	bare=$(unmarked "$mark")
	[ -z "$bare" ] || fail landing-pads "no note of $mark in $bare"
fi
if [ "$(uname -m)" = x86_64 ]; then
	bare=$(unmarked 'x86 feature:.*SHSTK')
	[ "$bare" = x86_64_context.S.o ] || fail shadow-stacks \
		"without a note of SHSTK, and context.S alone should be: $bare"
fi

# Compilers record how an object was compiled only if asked; build.ninja says
# what they were asked.
for flag in -fstack-clash-protection -D_FORTIFY_SOURCE=2; do
	bad=$(awk -v flag="$flag" '
		/^build lib\/.*\.c\.o:/ { object = $2; ++objects }
		object && $1 == "ARGS" {
			if (index($0, flag) == 0) print object
			object = ""
		}
		END { if (!objects) print "all, for there are none" }' \
		"$folder/../build.ninja" | xargs)
	[ -z "$bad" ] || fail flags "compiled without $flag: $bad"
done

# Constructors of ours would run in programs that never use the library.
bad=$(readelf --wide --sections "$static" |
	grep -o -E '\.(init_array|ctors)\>' | sort -u | xargs) || :
[ -z "$bad" ] || fail constructors "$static has $bad"

exit "$failed"
