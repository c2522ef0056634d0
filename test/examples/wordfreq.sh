# SPDX-License-Identifier: MIT
# shellcheck shell=sh
#
# The words and counts are those of tr, sort and uniq.
# shellcheck source=test/examples/support.sh
. "$(dirname "$0")/support.sh"

# The files of these trees that have no byte of 0.
texts() { # PATH...
	find -H "$@" -type f | while IFS= read -r file; do
		[ "$(tr -d '\000' <"$file" | wc -c)" -ne "$(wc -c <"$file")" ] ||
			echo "$file"
	done
}

frequencies() { # PATH...: of all words, the most frequent first
	texts "$@" | while IFS= read -r file; do
		cat "$file"
		echo
	done | tr -cs 'A-Za-z' '\n' | tr '[:upper:]' '[:lower:]' | sed '/^$/d' |
		sort | uniq -c | sort -k 1,1nr -k 2,2
}

check() { # PATH...
	frequencies "$@" >"$work/wanted"
	for workers in 1 2 8; do
		SKUA_WORKERS=$workers expect 0 '' \
			"$program" 1000000 "$@" >"$work/said"
		cmp "$work/wanted" "$work/said" || fail "$workers workers: $*"
	done
}

# The documents of this repository, and its sources.
docs=$here/../../docs
check "$docs"
[ "$(wc -l <"$work/wanted")" -gt 1000 ] || fail 'the test finds no words'
check "$docs" "$here/../../lib" "$here/../../include/skua/for.h"

for count in 1 25; do
	expect 0 '' "$program" "$count" "$docs" >"$work/said"
	frequencies "$docs" | head -n "$count" | cmp - "$work/said"
done

# Edges: no words, no end of the last line, one long word, a word in two
# files, and one that other words begin with; a file that is not text.
mkdir -p 'tree/with space'
: >tree/empty
printf '1 + 1 = 2\n' >tree/numbers
printf 'The the THE then [the`the@the{the' >tree/the
head -c 3000000 /dev/zero | tr '\0' 'x' >tree/long
printf 'begin' >tree/begin
printf 'ning \351t\351' >'tree/with space/end'
printf 'not text\0' >tree/binary
ln -s "$docs" tree/link
ln -s tree/the named
check tree named
check tree/empty
check tree/numbers tree/binary
[ ! -s "$work/said" ] || fail 'words where there are none'

# Many different words, so that tables grow and merge.
seq 60000 | sed 's/.*/&q&/' | tr '0-9' 'a-j' >many
seq 30000 90000 | sed 's/.*/&q&/' | tr '0-9' 'a-j' >others
check many others

# What cannot be read is told, and the others are counted.
frequencies tree >"$work/wanted"
expect 1 'wordfreq: missing: No such file or directory' \
	"$program" 1000000 missing tree >"$work/said"
cmp "$work/wanted" "$work/said"
expect 1 'usage: ' "$program"
expect 1 'usage: ' "$program" 5
for count in 0 -1 5x ''; do
	expect 1 'usage: ' "$program" "$count" tree
done
SKUA_WORKERS=none expect 1 'wordfreq: ' "$program" 5 tree
expect 1 '' "$program" 5 tree >/dev/full
