# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# shellcheck source=test/examples/support.sh
. "$(dirname "$0")/support.sh"

# Its own name is the program's, cut to 15 bytes.
main=$(basename "$program" | cut -c 1-15)
wanted=''
for _ in 1 2 3 4 5 6; do
	wanted="${wanted}host: the glass is full
客人: the glass is empty
"
done
said=$("$program")
[ "$said" = "$wanted$main: 6 sips" ] || fail "it said: $said"
