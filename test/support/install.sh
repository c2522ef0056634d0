#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# install_skua KIND builds and installs the library under the build folder and
# points pkg-config and the dynamic linker there. To be sourced.

install_skua() { # static|shared|both
	local tree=$SKUA_TEST_BUILD/install-$1 prefix=$SKUA_TEST_BUILD/prefix-$1

	rm -rf "$prefix"
	[ -e "$tree/build.ninja" ] ||
		meson setup --werror --prefix="$prefix" --libdir=lib \
			-Ddefault_library="$1" -Dtests=disabled \
			-Dbench=disabled -Dexamples=disabled "$tree"
	ninja -C "$tree" -j "$SKUA_TEST_JOBS"
	meson install -C "$tree" --no-rebuild --quiet
	export PKG_CONFIG_PATH=$prefix/lib/pkgconfig
	export LD_LIBRARY_PATH=$prefix/lib
}
