#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# foreign.sh MACHINE: makes what is needed to build Skua for another machine or
# C library: liburcu, static, unless it is there, and machine.ini for Meson's
# --cross-file, both in $SKUA_TEST_BUILD/foreign/MACHINE.
#
# Debian has liburcu of other architectures only for those whose packages one
# adds to the system, and none for riscv64 or musl. So Debian's source package
# is built, which apt fetches and verifies. Its lists are private ones: nothing
# changes on the system.
set -eu -o pipefail

folder=$SKUA_TEST_BUILD/foreign
machine=$1
prefix=$folder/$machine
cpu=$machine family=$machine triple=$machine-linux-gnu
emulator='' compile_with='' link_with='' stress_link_with=''
case $machine in
i386)
	# An x86-64 runs it, once it is told where its dynamic linker is. Tests
	# compare doubles, which x87 registers are wider than.
	cpu=i686 family=x86 triple=i686-linux-gnu
	compile_with="'-DSKUA_TEST_SMALL=1', '-msse2', '-mfpmath=sse'"
	link_with="'-Wl,--dynamic-linker=/usr/$triple/lib/ld-linux.so.2',
		'-Wl,-rpath,/usr/$triple/lib'"
	;;
aarch64 | riscv64)
	# Tests unwind through frames of C, and fork() often.
	emulator="'qemu-$machine-static', '-L', '/usr/$triple'"
	# Signing return addresses as the manual says takes it a microsecond at each
	# call; any other way that the processor may have will do.
	[ "$machine" != aarch64 ] || emulator+=", '-cpu', 'max,pauth-impdef=on'"
	compile_with="'-DSKUA_TEST_SMALL=1', '-DSKUA_TEST_EMULATED=1'"
	compile_with+=", '-fasynchronous-unwind-tables'"
	;;
musl)
	cpu=$(uname -m) family=$cpu triple=$cpu-linux-musl
	compile_with="'-DSKUA_TEST_SMALL=1', '-isystem', '$prefix/include'"
	stress_link_with="'-static'"
	;;
*)
	echo "foreign.sh: no such machine: $machine" >&2
	exit 2
	;;
esac
compiler=$triple-gcc
[ "$machine" != musl ] || compiler=musl-gcc

fetch_liburcu() {
	local apt=$folder/apt options repository
	# shellcheck disable=SC2016 # apt's own variable
	repository=$(apt-get indextargets 'Created-By: Packages' \
		'Codename: bookworm' 'Component: main' \
		--format '$(REPO_URI)' | head -n 1)
	mkdir -p "$apt"/lists/partial "$apt"/cache/archives/partial
	: >"$apt/status"
	cat >"$apt/sources.list" <<-END
		deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] \
		${repository:-http://deb.debian.org/debian} bookworm main
	END
	options=(-q -o "Dir::State::Lists=$apt/lists"
		-o "Dir::State::Status=$apt/status" -o "Dir::Cache=$apt/cache"
		-o "Dir::Etc::SourceList=$apt/sources.list"
		-o Dir::Etc::SourceParts=/dev/null -o Acquire::Languages=none
		-o Acquire::Retries=3)
	apt-get "${options[@]}" update
	rm -rf "$folder/source" "$folder/source.new"
	mkdir "$folder/source.new"
	(
		cd "$folder/source.new"
		apt-get "${options[@]}" source --download-only liburcu
		# Of Debian's patches none is for the library here.
		tar -x --strip-components=1 -f liburcu_*.orig.tar.bz2
	)
	mv "$folder/source.new" "$folder/source"
	rm -rf "$apt"
}

# The flavour that Skua uses; static, so that nothing else is to be found at run
# time.
build_liburcu() {
	local tree=$folder/$machine.liburcu
	rm -rf "$tree"
	mkdir "$tree"
	cd "$tree"
	"$folder/source/configure" --quiet --host="$triple" CC="$compiler" \
		CFLAGS='-O2 -g' --disable-shared --prefix="$prefix"
	make -s -C include install
	make -s -C src -j "$SKUA_TEST_JOBS" liburcu-bp.la
	make -s -C src lib_LTLIBRARIES='liburcu-common.la liburcu-bp.la' \
		install-libLTLIBRARIES install-pkgconfigDATA
	cd - >/dev/null
	rm -rf "$tree"
}

# musl has no headers of the kernel; those of glibc's folder must not be seen.
link_kernel_headers() {
	local multiarch
	multiarch=$(gcc -print-multiarch)
	ln -s /usr/include/linux /usr/include/asm-generic \
		"/usr/include/$multiarch/asm" "$prefix/include"
}

# Meson takes options from it once: if it changes the tree is made anew.
write_machine() {
	local file=$prefix/machine.ini
	print_machine >"$file.new"
	cmp -s "$file.new" "$file" || rm -f "$SKUA_TEST_BUILD/$machine.stamp"
	mv "$file.new" "$file"
}

print_machine() {
	cat <<-END
		[binaries]
		c = '$compiler'
		ar = 'gcc-ar'
		pkgconfig = 'pkg-config'
		strip = 'strip'
		${emulator:+exe_wrapper = [$emulator]}
		[properties]
		needs_exe_wrapper = $([ -n "$emulator" ] && echo true || echo false)
		pkg_config_libdir = '$prefix/lib/pkgconfig'
		stress_link_args = [$stress_link_with]
		[built-in options]
		c_args = ['-g1', $compile_with]
		c_link_args = [$link_with]
		[host_machine]
		system = 'linux'
		kernel = 'linux'
		cpu_family = '$family'
		cpu = '$cpu'
		endian = 'little'
	END
}

if [ -e "$prefix/machine.ini" ]; then
	write_machine
	exit
fi
mkdir -p "$folder"
# Exit status 75: not to be had, now. Nothing else ends with it.
set -E
trap 'exit 75' ERR
[ -e "$folder/source" ] || fetch_liburcu
trap - ERR
set +E
rm -rf "$prefix"
mkdir "$prefix"
build_liburcu
[ "$machine" != musl ] || link_kernel_headers
write_machine
