# SPDX-License-Identifier: MIT
# shellcheck shell=sh
#
# Memory is bounded by the ring of blocks, not by the input: of 256 MiB through
# a pipe at most half is ever in memory, in sanitizer builds too.
# shellcheck source=test/examples/support.sh
. "$(dirname "$0")/support.sh"

[ -r /proc/self/status ] || skip 'no /proc'
mib=256

mkfifo pipe
"$program" -1 -p 2 <pipe >out.gz &
pid=$!
exec 3>pipe
# When this returns pargz has read all but what a pipe holds, and since our end
# is open it waits for more.
head -c "${mib}M" /dev/zero >&3
kib=$(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$pid/status")
exec 3>&-
expect_end 0

[ "$kib" -le $((mib * 1024 / 2)) ] || fail "$kib KiB in memory"
bytes=$(gzip -dc out.gz | wc -c)
[ "$bytes" -eq $((mib * 1024 * 1024)) ] || fail "$bytes bytes of $mib MiB"
