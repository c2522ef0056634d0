# SPDX-License-Identifier: MIT
# shellcheck shell=sh
#
# No room for the output: said clearly, status 1, the input stays, nothing else.
# shellcheck source=test/examples/support.sh
. "$(dirname "$0")/support.sh"

[ -c /dev/full ] || skip 'no /dev/full'
head -c 3000000 /dev/urandom >file
cp file "$work/contents"

expect 1 'pargz: stdout: No space left on device' "$program" -c file >/dev/full
expect 1 'pargz: stdout: No space left on device' "$program" <file >/dev/full
expect 1 'pargz: stdout: No space left on device' \
	"$program" </dev/null >/dev/full
for option in -h -V; do
	status=0
	"$program" "$option" >/dev/full || status=$?
	[ "$status" -eq 1 ] || fail "$option to a full disk: $status"
done

# A limit on the size of files; units of 512 or 1024 bytes, less than a block
# and more than one. The signal of it must not end pargz before it has tidied up.
for limit in 1 100 1000; do
	(
		ulimit -f "$limit"
		expect 1 'pargz: file.gz: File too large' "$program" file
	)
	expect_files file
	(
		ulimit -f "$limit"
		expect 1 'pargz: file.gz: File too large' "$program" -kp 8 file
	)
	expect_files file
done
cmp file "$work/contents"

# An output that is to be replaced stays until there is another.
echo precious >file.gz
(
	ulimit -f 100
	expect 1 'pargz: file.gz: File too large' "$program" -f file
)
expect_files file file.gz
[ "$(cat file.gz)" = precious ] || fail 'the old output is lost'
cmp file "$work/contents"
