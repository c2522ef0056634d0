# SPDX-License-Identifier: MIT
# shellcheck shell=sh
#
# What the tests of the examples share. Sourced first, it takes the program
# from the arguments and goes to an empty directory that goes at the end.
set -eu
export LC_ALL=C
umask 022

# shellcheck disable=SC2034 # these two are for those who source this
program=$(realpath "$1") \
	here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
pid='' # of a job that must not outlive the test
clean_up() {
	[ -z "$pid" ] || kill -s KILL "$pid" 2>/dev/null || :
	rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 1' HUP INT TERM
mkdir "$work/directory"
cd "$work/directory"

fail() { # WORD...
	echo "FAIL: $*" >&2
	exit 1
}

skip() { # WORD...
	echo "skipped: $*"
	exit 77
}

# The command must end with STATUS and complain with TEXT in what it says;
# if TEXT is empty it must say nothing.
expect() { # STATUS TEXT COMMAND...
	wanted=$1 text=$2 status=0
	shift 2
	"$@" 2>"$work/stderr" || status=$?
	said=$(cat "$work/stderr")
	[ "$status" -eq "$wanted" ] ||
		fail "status $status for $wanted: $*: $said"
	case $text in
	'') [ -z "$said" ] || fail "nothing to complain of: $*: $said" ;;
	*) case $said in
		*"$text"*) ;;
		*) fail "no '$text': $*: $said" ;;
		esac ;;
	esac
}

# These files stand in this directory, and no others.
expect_files() { # NAME...
	printf '%s\n' "$@" | sort >"$work/wanted"
	ls -A >"$work/found"
	cmp -s "$work/wanted" "$work/found" ||
		fail "not the files $*, but $(tr '\n' ' ' <"$work/found")"
}

# Waits for the job, which must end with STATUS.
expect_end() { # STATUS
	status=0
	wait "$pid" || status=$?
	pid=''
	[ "$status" -eq "$1" ] || fail "the job ended with $status, not $1"
}

bytes_of() { # FILE
	stat -L -c %s "$1"
}
