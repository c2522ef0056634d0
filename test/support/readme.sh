#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Does what README.md tells a new user: takes its first block of C, and the
# first block of shell after it that calls the compiler, which names the file
# to put the C in; runs that block against the installed library.
set -eu -o pipefail
# shellcheck source=test/support/install.sh
. test/support/install.sh

directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT

awk '/^```/ { if (inside) exit; inside = /^```c$/; next } inside' \
	README.md >"$directory/program.c"
awk -v ticks='```' '
	/^```c$/ { c = 1 }
	/^```/ {
		if (block ~ /(^|\n)(\$ )?(cc|gcc) /) { printf "%s", block; exit }
		inside = !inside && c && /^```(sh|console)$/
		block = ""
		next
	}
	inside { block = block $0 "\n" }' README.md >"$directory/commands"
# Where prompts mark the commands, the other lines are what they print.
if grep -q '^\$ ' "$directory/commands"; then
	sed -n -i 's/^\$ //p' "$directory/commands"
fi
name=$(grep -o -m 1 '[a-z0-9_-]*\.c\b' "$directory/commands")
mv "$directory/program.c" "$directory/$name"

install_skua both
cd "$directory"
cat commands
# PATH has the folder, so that the program is found with and without ./
PATH=$directory:$PATH bash -eu commands
