# SPDX-License-Identifier: MIT
# shellcheck shell=sh
#
# skua_setup SET installs what SET (build, bench, test or coverage) needs on
# Debian 12 and is not there yet. bench/run and test/run source this file; it
# changes nothing and asks nobody when all is there. The functions are subshells,
# so they leave no variables behind.

# Debian packages of a set, one line; without recommended packages, so what
# they would bring and we need is named too.
skua_packages() ( # SET
	set -- "$1" gcc libc6-dev meson ninja-build pkg-config liburcu-dev
	case $1 in
	build) ;;
	bench)
		# The peers are optional, but a comparison without them is poor.
		set -- "$@" zlib1g-dev gnuplot-nox libglib2.0-dev libtbb-dev \
			g++ clang-14 libomp-14-dev
		;;
	test)
		set -- "$@" zlib1g-dev libpng-dev libglib2.0-dev libtbb-dev \
			g++ clang-14 libclang-rt-14-dev \
			clang-format-14 libcriterion-dev shellcheck valgrind \
			gcc-aarch64-linux-gnu libc6-dev-arm64-cross \
			gcc-i686-linux-gnu libc6-dev-i386-cross \
			gcc-riscv64-linux-gnu libc6-dev-riscv64-cross \
			musl-tools qemu-user-static bzip2 make
		;;
	coverage)
		set -- "$@" gcovr
		;;
	*)
		echo "skua_setup: no such set: $1" >&2
		return 2
		;;
	esac
	shift
	echo "$*"
)

# Those of the packages named that are not installed, one line.
skua_missing() ( # PACKAGE...
	installed=" $(dpkg-query -W -f '${db:Status-Status}:${Package} ' \
		"$@" 2>/dev/null || :)"
	missing=
	for package; do
		case $installed in
		*" installed:$package "*) ;;
		*) missing="$missing $package" ;;
		esac
	done
	echo "${missing# }"
)

skua_setup() ( # SET
	packages=$(skua_packages "$1") || return

	if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null
	then
		cat >&2 <<-END
			Cannot install what is missing: no apt-get here. This script
			knows Debian 12, where the packages are:
			  $packages
			Install what corresponds to them, then run it again with
			--no-install.
		END
		return 1
	fi

	# shellcheck disable=SC2086 # a list of words
	missing=$(skua_missing $packages)
	[ -n "$missing" ] || return 0

	as_root=
	if [ "$(id -u)" -ne 0 ]; then
		as_root='sudo'
		# Without a terminal a question for the password would hang.
		[ -t 0 ] || as_root='sudo -n'
		if ! command -v sudo >/dev/null || ! $as_root true; then
			cat >&2 <<-END
				Neither root nor able to use sudo. Have somebody run
				  apt-get install --no-install-recommends $missing
				then run this again.
			END
			return 1
		fi
	fi

	echo "Installing Debian packages: $missing"
	apt="$as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y"
	apt="$apt -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3"
	log=$(mktemp) || return
	# shellcheck disable=SC2086 # lists of words
	if $apt update >"$log" 2>&1 </dev/null &&
		$apt install --no-install-recommends $missing \
			>>"$log" 2>&1 </dev/null
	then
		# With those that came along as dependencies.
		echo "Added: $(sed -n 's/^Setting up \([^ :]*\).*/\1/p' "$log" |
			tr '\n' ' ')"
		rm -f "$log"
		return 0
	fi
	cat "$log" >&2
	rm -f "$log"
	echo "Could not install: $missing" >&2
	return 1
)
