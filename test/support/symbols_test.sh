#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# symbols_test.sh [SYMBOLS.SH]: shows that each check of symbols.sh can fail. Small
# libraries stand in for ours, in a folder made like the one of a build. symbols.sh
# must find nothing in them, and in each copy that has one thing wrong that one
# thing. A check that no copy fails is an error, too.
set -eu -o pipefail

symbols=${1-$(dirname "$0")/symbols.sh}
good=$(mktemp -d)
bad=$(mktemp -d)
trap 'rm -rf "$good" "$bad"' EXIT
failed=0 rejected=''

case $(uname -m) in
x86_64) pads=-fcf-protection only_pads=-fcf-protection=branch \
	no_pads=-fcf-protection=return ;;
aarch64) pads=-mbranch-protection=standard only_pads=$pads \
	no_pads=-mbranch-protection=none ;;
*) pads='-DNO_PADS' only_pads=$pads no_pads='' ;;
esac

fail() { # MESSAGE
	echo "$1"
	failed=1
}

object() { # FILE SOURCE GCC-OPTION...
	local file=$1 source=$2
	shift 2
	gcc -c -O1 -fPIC "$pads" "$@" -o "$file" -x c - <<<"$source"
}

shared() { # FILE OBJECT LINKER-OPTION...
	local file=$1
	shift
	gcc -shared -nostdlib -Wl,-z,now,-z,relro -o "$file" "$@"
}

libskua() { # OBJECT LINKER-OPTION...
	shared lib/libskua.so "$@" -Wl,-soname,libskua.so.0,-z,nodelete
}

libthpool() { # LINKER-OPTION...
	shared lib/libskua-thpool.so thpool.o "$@"
}

program() { # LINKER-OPTION...
	gcc -pie -o program main.o "$@"
}

make_good() {
	mkdir lib
	object skua.o 'int skua_version(void) { return 1; } int ski_one = 1;
		__asm__(".hidden ski_one");'
	object x86_64_context.S.o 'int ski_switch(void) { return 1; }' "$only_pads"
	object thpool.o 'int thpool_init(void) { return 1; }'
	object main.o 'int main(void) { return 0; }'
	ar rc lib/libskua.a skua.o x86_64_context.S.o
	ar rc lib/libskua-thpool.a thpool.o
	libskua skua.o
	libthpool
	program -Wl,-z,now,-z,relro
	cat >build.ninja <<-'END'
		build lib/libskua.a.p/skua.c.o: c_COMPILER ../lib/skua.c
		 ARGS = -O1 -fstack-clash-protection -D_FORTIFY_SOURCE=2
		build test/test.c.o: c_COMPILER ../test/test.c
		 ARGS = -O1
	END
}

# What symbols.sh says of the folder that this runs in, and its status.
look() {
	said=$(bash "$symbols" lib program 2>&1) && status=0 || status=$?
}

copy() {
	rm -rf "$bad"
	cp -r "$good" "$bad"
	cd "$bad"
}

# What was done to the copy is found by CHECK and by no other, and TEXT is said.
found() { # CHECK TEXT
	look
	if [ "$status" -ne 1 ] || [ "$(wc -l <<<"$said")" -ne 1 ] ||
		[[ $said != "$1: "*"$2"* ]]; then
		fail "$1, $2: status $status: $said"
	fi
	rejected+=$1$'\n'
}

# A further object of the library.
another() { # ARCHIVE SOURCE GCC-OPTION...
	local archive=$1
	shift
	object another.o "$@"
	ar rc "lib/$archive.a" another.o
}

symbols=$(realpath "$symbols")
cd "$good"
make_good
look
if [ "$status" -ne 0 ] || [ -n "$said" ]; then
	fail "nothing is wrong: status $status: $said"
fi

copy
object skua.o 'int skua_versions;'
libskua skua.o
found version libskua.so

for name in other ski_other; do
	copy
	object skua.o "int skua_version, $name;"
	libskua skua.o
	found exported "libskua.so has names of others: $name"
done

copy
another libskua 'int other;'
found global 'libskua.a has names of others: other'

copy
object thpool.o 'int thpool_init, skua_other;'
libthpool
found thpool-exported skua_other

copy
another libskua-thpool 'int ski_other;'
found thpool-global ski_other

copy
libskua skua.o -Wl,-z,lazy
found now libskua.so
copy
libthpool -Wl,-z,lazy
found now libskua-thpool.so
copy
program -Wl,-z,lazy,-z,relro
found now program

# An address that only the loader knows, among the code.
copy
object skua.o 'int skua_version(void) { return 1; }
	__asm__(".text; .quad skua_version");'
libskua skua.o -Wl,-z,notext
found textrel libskua.so

copy
libskua skua.o -Wl,-z,norelro
found relro libskua.so

copy
objcopy --remove-section .note.GNU-stack skua.o
libskua skua.o
found no-stack libskua.so

copy
program -Wl,-z,now,-z,relro,-z,execstack
found executable-stack program

copy
object skua.o 'int skua_version; __asm__(".section .both, \"awx\"; .quad 0");'
libskua skua.o -Wl,--no-warn-rwx-segments
found writable-code libskua.so

for name in '' ,-soname,libskua.so.00; do
	copy
	shared lib/libskua.so skua.o "-Wl,-z,nodelete$name"
	found soname libskua.so
done

copy
shared lib/libskua.so skua.o -Wl,-soname,libskua.so.0
found nodelete libskua.so

for flag in -fstack-clash-protection -D_FORTIFY_SOURCE=2; do
	copy
	sed -i "s/$flag//" build.ninja
	found flags "$flag: lib/libskua.a.p/skua.c.o"
done

copy
: >build.ninja
look
[[ $said == *"flags: "*"there are none"* ]] || fail "nothing was compiled: $said"

copy
another libskua 'int ski_other;
	__attribute__((constructor)) static void start(void) { ski_other = 1; }'
found constructors .init_array

copy
another libskua '__asm__(".section .ctors, \"aw\"; .quad 0");'
found constructors .ctors

if [ -n "$no_pads" ]; then
	copy
	another libskua 'int ski_other;' "$no_pads"
	found landing-pads another.o
fi

# The others are of every machine.
if [ "$(uname -m)" = x86_64 ]; then
	copy
	another libskua 'int ski_other;' "$only_pads"
	found shadow-stacks another.o

	copy
	object x86_64_context.S.o 'int ski_switch;'
	ar rc lib/libskua.a x86_64_context.S.o
	found shadow-stacks 'should be: '

	checks=$(grep -o -E '(fail|look_at_names) [a-z-]+' "$symbols" |
		cut -d ' ' -f 2 | sort -u)
	[ "$checks" = "$(sort -u <<<"${rejected%$'\n'}")" ] ||
		fail "the checks are $checks, and these were seen to fail: $rejected"
fi

exit "$failed"
