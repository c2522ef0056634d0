# SPDX-License-Identifier: MIT
# shellcheck shell=sh
#
# The sums are those that gzip writes at the end of what it compresses.
# shellcheck source=test/examples/support.sh
. "$(dirname "$0")/support.sh"

sums() { # PATH...: as hashtree prints them
	find "$@" -type f | while IFS= read -r file; do
		# Four bytes, the lowest first.
		gzip -1 -c <"$file" | tail -c 8 | od -A n -t x1 -N 4 | {
			read -r a b c d
			echo "$d$c$b$a  $file"
		}
	done | sort
}

mkdir -p tree/a/b/c 'tree/with space'
: >tree/empty
printf 'x' >tree/a/short
head -c 65536 /dev/urandom >tree/a/b/buffer
head -c 3000000 /dev/urandom >tree/a/b/c/long
seq 1000 >'tree/with space/a file'
ln -s a/short tree/link
mkfifo tree/fifo
for i in $(seq 300); do
	seq "$i" >"tree/a/b/$i"
done
sums tree "$here" >"$work/wanted"
[ "$(wc -l <"$work/wanted")" -gt 305 ] || fail 'the test finds no files'
for workers in 1 2 8; do
	export SKUA_WORKERS=$workers
	expect 0 '' "$program" tree "$here" >"$work/output"
	sort "$work/output" >"$work/said"
	cmp "$work/wanted" "$work/said"
done

# What cannot be read is told, and the others are hashed.
sums tree >"$work/wanted"
expect 1 'hashtree: missing: No such file or directory' \
	"$program" missing tree >"$work/output"
sort "$work/output" | cmp "$work/wanted" -
expect 1 'hashtree: ' "$program"
SKUA_WORKERS=none expect 1 'hashtree: ' "$program" tree
expect 1 '' "$program" tree >/dev/full
