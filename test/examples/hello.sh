# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# shellcheck source=test/examples/support.sh
. "$(dirname "$0")/support.sh"

said=$("$program")
[ "$said" = 'HELLO FROM A WORKER' ] || fail "it said: $said"

# An error of the library reaches the user: this is no number of workers.
SKUA_WORKERS=none expect 1 'hello: ' "$program"
