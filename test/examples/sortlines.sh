# SPDX-License-Identifier: MIT
# shellcheck shell=sh
#
# The lines are those of sort(1) in the C locale, in the same order.
# shellcheck source=test/examples/support.sh
. "$(dirname "$0")/support.sh"

# With SKUA_TEST_LONG ten million lines, else a hundred thousand.
lines=100000
[ -z "${SKUA_TEST_LONG-}" ] || lines=10000000

: >empty
printf 'no newline' >short
printf '\n\nb\na\n\n' >blank
printf 'a\000b\na\na\000\na\000\000\n\000\n\n' >zeros
printf 'b\377\nb\200\nb\nb\001\nabcdefgh\nabcdefghi\nabcdefg\n' >bytes
head -c 1000000 /dev/urandom >random
yes the-same | head -n 50000 >equal
seq "$lines" >ordered
awk -v n="$lines" 'BEGIN { srand(7); for (i = 0; i < n; i++)
	printf "%d prefix of the line %d\n", rand() * 1e9, i }' >many
sed 's/^/the same start of all /' many | head -n 100000 >alike
for file in empty short blank zeros bytes random equal ordered many alike; do
	sort "$file" >"$work/wanted"
	for workers in 1 2 8; do
		SKUA_WORKERS=$workers expect 0 '' "$program" "$file" \
			>"$work/sorted"
		cmp "$work/wanted" "$work/sorted" ||
			fail "$file, $workers workers"
	done
	# shellcheck disable=SC2002 # a pipe is the point
	cat "$file" | "$program" | cmp "$work/wanted" - || fail "a pipe: $file"
done

expect 1 'sortlines: missing: No such file' "$program" missing
expect 1 'sortlines: .: Is a directory' "$program" .
expect 1 'usage: sortlines' "$program" short short
SKUA_WORKERS=none expect 1 'sortlines: sort: ' "$program" short
[ -c /dev/full ] || skip 'no /dev/full'
expect 1 'sortlines: stdout: No space left' "$program" many >/dev/full
