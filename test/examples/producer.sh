# SPDX-License-Identifier: MIT
# shellcheck shell=sh
#
# The counts are those of wc(1), in bounded memory.
# shellcheck source=test/examples/support.sh
. "$(dirname "$0")/support.sh"

counts() { # FILE
	wc <"$1" | tr -s ' ' | sed 's/^ //'
}

printf '' >"$work/empty"
printf 'no end' >"$work/short"
printf ' \n\n  a\tb\v\fc \n' >"$work/spaces"
seq 1 300000 >"$work/numbers"
# A word that goes on for several blocks, and spaces that do.
head -c 200000 /dev/zero | tr '\0' 'x' >"$work/word"
head -c 200000 /dev/zero | tr '\0' ' ' >"$work/space"
head -c 2000000 /dev/urandom | od -An -tx1z >"$work/noise"
cat "$work/word" "$work/space" "$work/numbers" "$work/noise" >"$work/all"

for workers in 1 2 8; do
	export SKUA_WORKERS=$workers
	for file in empty short spaces numbers word space noise all; do
		"$program" <"$work/$file" >"$work/said"
		[ "$(cat "$work/said")" = "$(counts "$work/$file")" ] ||
			fail "$file with $workers workers"
	done
done

expect 1 'producer: ' "$program" <"$work"
SKUA_WORKERS=none expect 1 'producer: ' "$program" <"$work/short"
expect 1 '' "$program" <"$work/short" >/dev/full
