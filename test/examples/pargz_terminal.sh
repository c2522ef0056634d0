# SPDX-License-Identifier: MIT
# shellcheck shell=sh
#
# On a terminal: progress on stderr, no compressed data on stdout. script(1)
# gives us one.
# shellcheck source=test/examples/support.sh
. "$(dirname "$0")/support.sh"

command -v script >/dev/null || skip 'no script(1)'
export program
head -c 1000000 /dev/urandom >file

# Runs COMMAND on a terminal, and keeps what it shows in $work/screen.
on_terminal() { # STATUS COMMAND
	status=0
	script -qec "$2" /dev/null </dev/null >"$work/screen" || status=$?
	[ "$status" -eq "$1" ] || fail "status $status for $1: $2"
}

# shellcheck disable=SC2016 # the shell of script expands it
{
	on_terminal 1 '"$program" -c file'
	grep -q 'not written to a terminal' "$work/screen" || fail 'silent'
	[ "$(bytes_of "$work/screen")" -lt 100 ] || fail 'data on a terminal'
	on_terminal 1 '"$program" <file'
	grep -q 'not written to a terminal' "$work/screen" || fail 'silent'
	on_terminal 0 '"$program" -fc file'
	[ "$(bytes_of "$work/screen")" -ge 1000000 ] || fail '-f: no data'

	# Progress: how much there is and how far it is; gone at the end.
	on_terminal 0 '"$program" file'
	grep -q 'file: .* MiB, .* %' "$work/screen" || fail 'no progress'
	tail -c 4 "$work/screen" | od -An -c | grep -q '\\r 033 *\[ *K' ||
		fail 'the progress stays'
	gzip -t file.gz
	gzip -d file.gz
	on_terminal 0 'cat file | "$program" >piped.gz'
	grep -q 'stdin: .* MiB' "$work/screen" || fail 'no progress of a pipe'
	grep -q '%' "$work/screen" && fail 'how much there is in a pipe?'
	gzip -t piped.gz

	# Only on a terminal: not where stdout is one, and stderr is not.
	on_terminal 0 '"$program" -k file 2>stderr'
	[ ! -s "$work/screen" ] || fail 'progress on stdout'
	[ ! -s stderr ] || fail 'progress in a file'
}
