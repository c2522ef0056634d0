#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# migration.sh [FILE]: compiles and runs each program in docs/migration.md. A
# line of the kind
#
#	<!-- NAME before|after [PACKAGE | -FLAG]... -->
#
# stands above each; what the program before says, the one after must say too.
# Packages are pkg-config's; those after get that of Skua without asking.
set -eu -o pipefail
# shellcheck source=test/support/install.sh
. test/support/install.sh

page=${1-docs/migration.md}
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT

# A list of NAME SIDE LANGUAGE FLAG..., and the programs as NAME-SIDE.LANGUAGE.
awk -v directory="$directory" '
	function stop(what) {
		print FILENAME ":" FNR ": " what >"/dev/stderr"
		failed = 1
		exit 1
	}
	/^```/ && inside { inside = 0; close(file); next }
	inside { print >file; next }
	/^<!-- [a-z0-9]+ (before|after)( .*)? -->$/ {
		name = $2; side = $3; flags = ""
		for (i = 4; i < NF; i++)
			flags = flags " " $i
		next
	}
	/^```(c|cpp|py)$/ {
		if (name == "") stop("a program that is not named")
		language = substr($0, 4)
		file = directory "/" name "-" side "." language
		if (seen[file]++) stop("named twice")
		print name, side, language flags
		name = ""
		inside = 1
		next
	}
	/^```/ { inside = 1; file = "/dev/null"; next }
	name != "" && NF { stop("no program below the name") }
	END { if (!failed && inside) stop("a block without an end") }
	' "$page" >"$directory/list"

run() { # NAME SIDE LANGUAGE FLAG...
	local program=$directory/$1-$2 language=$3 packages=() flags=() word
	[ "$2" = before ] || packages=(skua)
	shift 3
	for word; do
		case $word in
		-*) flags+=("$word") ;;
		*) packages+=("$word") ;;
		esac
	done
	if [ "$language" = py ]; then
		python3 "$program.py"
		return
	fi
	[ ${#packages[@]} -eq 0 ] ||
		read -ra packages <<<"$(pkg-config --cflags --libs "${packages[@]}")"
	case $language in
	c) word='gcc -std=gnu11' ;;
	cpp) word='g++ -std=c++17' ;;
	esac
	# shellcheck disable=SC2086 # a compiler and its standard
	$word -O2 -Wall -Wextra -Wno-unknown-pragmas -Werror -pthread \
		"$program.$language" -o "$program" "${flags[@]}" "${packages[@]}"
	timeout 60 "$program"
}

install_skua both
failed=0
while read -r name side language flags; do
	echo "$name $side"
	# shellcheck disable=SC2086 # a list of words
	if ! (run "$name" "$side" "$language" $flags) \
		>"$directory/$name-$side.out"; then
		echo "FAIL: $name $side does not run"
		failed=1
	fi
done <"$directory/list"

names=$(cut -d ' ' -f 1 "$directory/list" | sort -u)
[ -n "$names" ] || { echo "FAIL: no program in $page" && exit 1; }
for name in $names; do
	if ! [ -s "$directory/$name-before.out" ] || ! diff -u \
		"$directory/$name-before.out" "$directory/$name-after.out"; then
		echo "FAIL: $name: not the same before and after"
		failed=1
	fi
done
exit "$failed"
