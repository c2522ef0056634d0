# SPDX-License-Identifier: MIT
# shellcheck shell=sh
#
# Which files pargz replaces, and what of them it keeps.
# shellcheck source=test/examples/support.sh
. "$(dirname "$0")/support.sh"

clean() {
	rm -rf ./* ./.[!.]*
}

# The input goes, the output has its mode, owner, time and name.
head -c 300000 /dev/urandom >"$work/contents"
cp "$work/contents" file
chmod 640 file
[ "$(id -u)" -ne 0 ] || chown 12345:23456 file
touch -d '2001-02-03 04:05:06.123456789' file
before=$(stat -c '%a %u %g %y' file)
expect 0 '' "$program" file
expect_files file.gz
[ "$(stat -c '%a %u %g %y' file.gz)" = "$before" ] ||
	fail "attributes: $before became $(stat -c '%a %u %g %y' file.gz)"
mv file.gz other.gz
gzip -dN other.gz # as the header says
expect_files file
cmp file "$work/contents"
[ "$(stat -c %Y file)" -eq "$(date -d '2001-02-03 04:05:06' +%s)" ] ||
	fail 'the time in the header'
clean

# Names: of any characters, hidden, with a directory, like options, long.
long=$(printf '%0250d' 0)
newline='new
line'
mkdir sub
for name in 'with  spaces ' "$newline" '*' .hidden "$long" sub/file ä; do
	cp "$work/contents" "$name"
	expect 0 '' "$program" "$name"
	[ ! -e "$name" ] || fail "still there: $name"
	gzip -dc <"$name.gz" | cmp - "$work/contents"
done
clean
cp "$work/contents" ./-k
cp "$work/contents" ./--
expect 0 '' "$program" -- -k --
expect_files -k.gz --.gz
clean
cp "$work/contents" "${long}1234" # no room for .gz
expect 1 'File name too long' "$program" "${long}1234"
expect_files "${long}1234"
clean

# Several files, with options between them as getopt has it.
cp "$work/contents" one
cp "$work/contents" two
: >empty
expect 0 '' "$program" -p 1 one two -9 empty
expect_files one.gz two.gz empty.gz
gzip -t one.gz two.gz empty.gz
clean

# -k and -c keep the input.
cp "$work/contents" file
expect 0 '' "$program" -k file
expect_files file file.gz
"$program" -c file >other.gz
cmp file "$work/contents"
clean

# An output that is there stays, or with -f is replaced as a whole.
cp "$work/contents" file
echo precious >file.gz
expect 2 'file.gz: already exists' "$program" file
expect_files file file.gz
[ "$(cat file.gz)" = precious ] || fail 'the old output is lost'
expect 0 '' "$program" -f file
expect_files file.gz
gzip -dc file.gz | cmp - "$work/contents"
clean

# Warnings, and the other files all the same. -f allows what may be meant.
mkdir directory
mkfifo pipe
cp "$work/contents" linked
ln linked link
ln -s linked symlink
cp "$work/contents" suid
chmod u+s suid
cp "$work/contents" packed.gz
cp "$work/contents" good
expect 2 'directory: is a directory' "$program" directory good
expect 2 'directory: is a directory' "$program" -c directory
expect 2 'pipe: is not a regular file' "$program" -f pipe
expect 2 'linked: has other links' "$program" linked
expect 2 'suid: is set-user-ID' "$program" -f suid
expect 2 'packed.gz: is compressed already' "$program" packed.gz
expect 1 'symlink: ' "$program" symlink
expect_files directory pipe linked link symlink suid packed.gz good.gz
expect 0 '' "$program" -f linked packed.gz
expect_files directory pipe linked.gz link symlink suid packed.gz.gz good.gz
ln -sf good symlink
gzip -d good.gz
expect 0 '' "$program" -f symlink # replaces the link, not the file
expect_files directory pipe linked.gz link symlink.gz suid packed.gz.gz good
gzip -dc symlink.gz | cmp - good
cat good >pipe &
"$program" -c pipe | gzip -dc | cmp - good
clean
