# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# shellcheck source=test/examples/support.sh
. "$(dirname "$0")/support.sh"

cat >"$work/wanted" <<-'END'
	2 threads, 0 tasks: 2000000
	0 threads, 2 tasks: 2000000
	1 threads, 1 tasks: 2000000
	0 threads, 1000 tasks: 2000000
END
for workers in 1 2 8; do
	export SKUA_WORKERS=$workers
	expect 0 '' "$program" >"$work/said"
	cmp "$work/wanted" "$work/said"
done
SKUA_WORKERS=none expect 1 'counter: ' "$program"
expect 1 '' "$program" >/dev/full
