# SPDX-License-Identifier: MIT
# shellcheck shell=sh
#
# A disk that fills up while pargz writes to it: a small tmpfs of our own.
# shellcheck source=test/examples/support.sh
. "$(dirname "$0")/support.sh"

# In a mount namespace of its own, which ends with its last process.
if [ -z "${PARGZ_TMPFS-}" ]; then
	for as_root in '' --map-root-user; do
		# shellcheck disable=SC2086 # nothing, or an option
		if unshare --mount $as_root mount -t tmpfs none . 2>/dev/null
		then
			PARGZ_TMPFS=1 unshare --mount $as_root \
				sh "$here/pargz_tmpfs.sh" "$program"
			exit
		fi
	done
	skip 'may not mount'
fi

mkdir "$work/disk"
mount -t tmpfs -o size=1m none "$work/disk"
trap 'cd / && umount "$work/disk" && clean_up' EXIT
cd "$work/disk"
head -c 700000 /dev/urandom >file
cp file "$work/contents"
expect 1 'pargz: file.gz: No space left on device' "$program" file
expect_files file
cmp file "$work/contents"

# With room for it all is well.
mount -o remount,size=2m none "$work/disk"
expect 0 '' "$program" file
expect_files file.gz
gzip -dc file.gz | cmp - "$work/contents"
