# SPDX-License-Identifier: MIT
# shellcheck shell=sh
#
# A signal in the middle of a file: the input stays, no output does, and pargz
# ends by that signal, as a shell wants to know.
# shellcheck source=test/examples/support.sh
. "$(dirname "$0")/support.sh"

# So large that nobody gets to its end, and takes no room.
truncate -s 1T file 2>/dev/null || truncate -s 100G file
before=$(stat -c '%s %i %y' file)

# Starts pargz and waits until it has written to the file that PATTERN names.
# A shell lets background jobs ignore SIGINT: env undoes this.
start() { # DEFAULT-SIGNALS PATTERN OPTION...
	signals=$1 pattern=$2
	shift 2
	env "--default-signal=$signals" "$program" "$@" file &
	pid=$!
	while :; do
		for output in $pattern; do
			[ ! -s "$output" ] || break 2
		done
		kill -0 "$pid" || fail 'ended by itself'
	done
}

for signal in HUP:129 INT:130 TERM:143; do
	for workers in 1 8; do
		start "${signal%:*}" 'file.gz' -p "$workers"
		kill -s "${signal%:*}" "$pid"
		expect_end "${signal#*:}"
		expect_files file
	done
done

# The old output, where -f is to replace it, stays.
echo precious >file.gz
start TERM 'file.gz.*' -f
kill -s TERM "$pid"
expect_end 143
expect_files file file.gz
[ "$(cat file.gz)" = precious ] || fail 'the old output is lost'
rm file.gz

# Signals that nohup and shells had us ignore do not end it: SIGINT and SIGHUP
# come first, and SIGTERM is what it ends by.
trap '' HUP
start TERM 'file.gz'
trap - HUP
kill -s INT "$pid"
kill -s HUP "$pid"
kill -s TERM "$pid"
expect_end 143
expect_files file

[ "$(stat -c '%s %i %y' file)" = "$before" ] || fail 'the input changed'
