# SPDX-License-Identifier: MIT
# shellcheck shell=sh
#
# Errors of use, of files that are not there and of files that cannot be read:
# said clearly, status 1, and nothing lost or left half written.
# shellcheck source=test/examples/support.sh
. "$(dirname "$0")/support.sh"

head -c 300000 /dev/urandom >"$work/contents"

# Options.
expect 0 '' "$program" -h >"$work/help"
grep -q '^usage: pargz ' "$work/help"
expect 0 '' "$program" --help >"$work/long-help"
cmp "$work/help" "$work/long-help"
expect 0 '' "$program" -V >"$work/version"
grep -q '^pargz (Skua [0-9.]*, zlib [0-9.]*)$' "$work/version"
for bad in -x --xyz -0 -p '-p 0' '-p 1025' '-p -1' '-p x' '-p 2x'; do
	# shellcheck disable=SC2086 # an option and its argument
	expect 1 'pargz: ' "$program" $bad <"$work/contents" >"$work/out"
	[ ! -s "$work/out" ] || fail "output in spite of $bad"
done

# What is not there; the others are done all the same. An error is worse than a
# warning, whichever comes first.
cp "$work/contents" one
cp "$work/contents" two
mkdir directory
expect 1 'pargz: missing: No such file or directory' \
	"$program" one missing directory two
expect_files one.gz two.gz directory
gzip -t one.gz two.gz
expect 1 'pargz: missing: No such file or directory' \
	"$program" directory missing
expect 1 'pargz: one/x: No' "$program" one/x
expect 1 'pargz: one.gz/x: Not a directory' "$program" one.gz/x
expect 1 'pargz: : No such file or directory' "$program" ''
expect 1 'pargz: stdin: Is a directory' "$program" <directory >"$work/out"
rm -r one.gz two.gz directory

# What can be opened but not read: a link to a file that begins with a hole in
# the address space. The output is begun and must not stay.
ln -s /proc/self/mem hole
expect 1 'pargz: hole: Input/output error' "$program" -f hole
expect_files hole
echo precious >hole.gz
expect 1 'pargz: hole: Input/output error' "$program" -f hole
expect_files hole hole.gz
[ "$(cat hole.gz)" = precious ] || fail 'the old output is lost'
expect 1 'pargz: hole: Input/output error' "$program" -c hole >"$work/out"
rm hole hole.gz

# Standard streams that are closed.
cp "$work/contents" file
expect 1 'pargz: stdin: Bad file descriptor' "$program" <&- >"$work/out"
expect 1 'pargz: stdout: Bad file descriptor' "$program" -c file >&-
expect 1 'pargz: stdout: ' "$program" -V >&-
"$program" file <&- >&- 2>&- || fail 'all streams closed'
gzip -dc file.gz | cmp - "$work/contents"
rm file.gz

# What we may not do. Root may do anything: become somebody else for this.
as_user=''
if [ "$(id -u)" -eq 0 ]; then
	as_user='setpriv --reuid=65534 --regid=65534 --clear-groups'
	chmod 755 "$work"
	if ! $as_user test -x "$program"; then
		skip "root, and nobody else reaches $program"
	fi
fi
cp "$work/contents" secret
chmod 000 secret
# shellcheck disable=SC2086 # words
expect 1 'pargz: secret: Permission denied' $as_user "$program" secret
expect_files secret
chmod 444 secret
chmod 555 .
# shellcheck disable=SC2086
expect 1 'pargz: secret.gz: Permission denied' $as_user "$program" secret
expect_files secret
chmod 777 .
rm -f secret

# A file of another owner and group: the copy is ours, and its group, which is
# another, gets no rights.
[ "$(id -u)" -eq 0 ] || exit 0
cp "$work/contents" file
chmod 664 file
# shellcheck disable=SC2086
expect 0 '' $as_user "$program" file
expect_files file.gz
[ "$(stat -c '%a %u' file.gz)" = '604 65534' ] ||
	fail "mode and owner: $(stat -c '%a %u' file.gz)"
