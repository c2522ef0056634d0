#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# The steps of test/run, which sources this file for their list and runs
# `steps.sh NAME` for each. To add one, add a row here and a function step_NAME
# below that calls `check` or `run_tests`. Every step builds what it needs.

# Name, time limit in seconds, what it shows. The quick ones first.
# shellcheck disable=SC2034 # test/run reads it
skua_steps='format 30 the sources are as clang-format writes them
scripts 60 ShellCheck finds nothing in the scripts
rules 30 what docs/conventions.md asks and a script can see
headers 120 each public header alone as C11 and C++17, gcc and clang
unit 400 unit tests of the release build (--long: and a debug build)
layering 300 an upward #include does not compile
symbols 60 names and hardening of the libraries and the examples
stress 300 stress programs with 1, 2, 8 and 64 workers
fault 200 each call that can fail does, at its n-th time
hostile 200 signals, fork, limits, one CPU, dlopen
explore 700 schedules and memory orders of the lock-free structures
mutations 900 wrong changes to the library that the explorer must find
examples 200 the examples, built and run
bench 300 the benchmarks compute what they should
readme 180 the first program in README.md; those of docs/migration.md
install 200 consumers of the installed library and of the subproject
valgrind 200 unit tests and an example under memcheck
one-core 400 unit tests with tiny rings, and stress, on one core
tiny 300 ... with tiny rings, segments and slabs
ucontext 300 ... with ucontext in place of the assembly, POSIX in place of Linux
musl 240 unit tests with musl, a short stress linked statically
switch-aarch64 120 the context switch of AArch64, under qemu
i386 400 unit tests and a short stress on i386
aarch64 400 ... on AArch64, under qemu
riscv64 400 ... on RISC-V with 64 bits, under qemu
asan 400 unit and stress tests, gcc with address, undefined, leak sanitizer
asan-clang 400 ... the same with clang
tsan 600 ... with gcc and thread sanitizer
tsan-clang 500 ... the same with clang
soak 300 random programs against a sequential reference
fuzz 300 sequences of calls against a model, under libFuzzer
coverage 900 how much of lib/ the tests reach (only with --coverage)'

# Those that leave all CPUs but one alone for a while, or take as long whatever
# else runs: they run beside the others, one after the other, once the release tree
# is there.
# shellcheck disable=SC2034 # test/run reads it
skua_steps_beside=' hostile valgrind one-core musl switch-aarch64 i386 aarch64 '
skua_steps_beside+='riscv64 soak fuzz '

sources() {
	find bench docs include lib test -name '*.[ch]' -o -name '*.cpp'
}

record() { # ok|fail|skip NAME
	printf '%s\t%s\n' "$1" "$2" >>"$SKUA_TEST_RESULTS"
}

# A check is one command that must succeed.
check() { # NAME COMMAND...
	local name=$1
	shift
	if "$@"; then
		echo "ok: $name"
		record ok "$name"
	else
		echo "FAIL: $name: $*"
		record fail "$name"
	fi
}

# Builds the tree called NAME, or brings it up to date, and sets $tree to it; a
# step whose tree does not build ends here.
# A tree is made anew when its options changed, and configured again when files
# came or went, since Meson finds tests by name.
build() { # NAME MESON-OPTION...
	tree=$SKUA_TEST_BUILD/$1
	local stamp="$tree.stamp" wanted again=() since=$SECONDS lock
	shift
	# Steps side by side may want the same tree.
	exec {lock}>"$tree.lock"
	flock "$lock"
	wanted="${CC-} $*"
	if [ "$(head -n 1 "$stamp" 2>/dev/null)" != "$wanted" ]; then
		rm -rf "$tree"
	fi
	wanted+=$'\n'$(sources | sort)
	if [ ! -e "$tree/build.ninja" ] ||
		[ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ]; then
		[ ! -e "$tree/build.ninja" ] || again=(--reconfigure)
		rm -f "$stamp"
		meson setup --werror "${again[@]}" "$@" "$tree" || no_build
		echo "$wanted" >"$stamp"
	fi
	ninja -C "$tree" -j "$SKUA_TEST_JOBS" -k 0 "${targets[@]}" || no_build
	exec {lock}>&-
	echo "built in $((SECONDS - since)) s"
}
targets=() # all

no_build() {
	record fail "build of $(basename "$tree")"
	exit 1
}

build_release() {
	build release --buildtype=release -Dtests=enabled -Dbench=enabled \
		-Dexamples=enabled
}

# For the tests alone. The explorer takes the sources as they are: one tree has
# it.
build_tests() { # NAME MESON-OPTION...
	build "$@" -Ddefault_library=static -Dtests=enabled \
		-Dbench=disabled -Dexamples=disabled -Dexplore=false
}

# With assertions, and yet fast. -O1, and -O0 for unit tests, since compiling takes
# longer than running them; what -O2 and -O3 make of the sources is tested in the
# release tree. -g1 is what backtraces need, and a quarter sooner compiled than -g.
# Tests are the small ones, as on other machines, and without Criterion, which
# takes 20 ms to start one: in the release tree they are whole.
build_checked() { # NAME MESON-OPTION...
	local small=' -DSKUA_TEST_SMALL=1'
	[ -z "${SKUA_TEST_LONG-}" ] || small=''
	build_tests "$@" --buildtype=debugoptimized -Doptimization=1 \
		-Dcriterion=disabled "-Dc_args=-g1$small"
}

# Runs what Meson lists in $tree and records each test by its name. What those
# said that failed is kept for the end of the step's log, the part that is shown.
run_tests() { # MESON-TEST-OPTION...
	local log
	log=$(basename "$tree")-$step
	rm -f "$tree/meson-logs/$log.json"
	[ -z "${SKUA_TEST_LONG-}" ] || set -- "$@" --timeout-multiplier 10
	# One more than compile: tests that wait for time to pass leave a CPU.
	"${prefix[@]}" meson test -C "$tree" --no-rebuild --print-errorlogs \
		--num-processes $((SKUA_TEST_JOBS + 1)) --logbase "$log" "$@" || :
	python3 - "$tree/meson-logs/$log.json" "$(basename "$tree")" \
		>>"$SKUA_TEST_RESULTS" 2>>"$SKUA_TEST_RESULTS.said" <<-'END'
		import json, os, sys
		if not os.path.exists(sys.argv[1]):
		    print("fail", sys.argv[2] + ": Meson ran no test", sep="\t")
		    sys.exit()
		words = {"OK": "ok", "EXPECTEDFAIL": "ok", "SKIP": "skip"}
		for line in open(sys.argv[1]):
		    test = json.loads(line)
		    word = words.get(test["result"], "fail")
		    what = f"{sys.argv[2]}: {test['name']}: {test['result']}"
		    print(word, what, sep="\t")
		    said = (test.get("stdout") or "") + (test.get("stderr") or "")
		    if word == "fail":
		        print("---", what, *said.splitlines()[-40:], sep="\n",
		              file=sys.stderr)
	END
	[ -z "$ended" ] || exit 1
}
prefix=() ended='' step=${1-}

# With 2 and 8 workers only: 1 and 64 are for the release build.
some_stress=(--suite stress-2 --suite stress-8)
[ -z "${SKUA_TEST_LONG-}" ] || some_stress=(--suite stress)

# Suites as Meson has them: what is in one that is left out is left out. That an
# idle pool takes no time is shown in the release build.
run_unit_and_some_stress() {
	run_tests --no-suite idle --suite unit "${some_stress[@]}"
}

run_all_and_some_stress() {
	run_tests --no-suite idle --suite unit "${some_stress[@]}" \
		--suite fault --suite hostile
}

step_format() {
	local files
	mapfile -t files < <(sources)
	check 'clang-format --dry-run (test/run --format mends it)' \
		clang-format-14 --dry-run --Werror "${files[@]}"
}

step_scripts() {
	local script scripts
	mapfile -t scripts < <(find bench docs lib test -name '*.sh' | sort)
	for script in test/run bench/run .ci/run "${scripts[@]}"; do
		check "shellcheck $script" shellcheck -x "$script"
	done
}

step_rules() {
	check 'rules' python3 test/support/rules.py
}

step_headers() {
	local header name flags='-fsyntax-only -pedantic -Wall -Wextra -Wshadow -Werror'
	flags+=' -Iinclude -x'
	for header in include/skua/*.h include/skua/compat/*.h; do
		name=${header#include/}
		# Twice, for its guard; and a declaration, since no unit is empty.
		for language in 'gcc %s c -std=c11' 'g++ %s c++ -std=c++17' \
			'clang-14 %s c -std=c11' 'clang++-14 %s c++ -std=c++17'; do
			# shellcheck disable=SC2046,SC2059 # made of words
			check "$name: ${language/ %s/}" \
				$(printf "$language" "$flags") - <<-END
				#include <$name>
				#include <$name>
				extern int unit;
			END
		done
	done
}

# What assertions say is in the trees below, too.
step_unit() {
	build_release
	run_tests --suite unit
	[ -n "${SKUA_TEST_LONG-}" ] || return 0
	build_tests debug --buildtype=debug
	run_tests --suite unit
}

step_layering() {
	build_release
	check 'layering' python3 test/support/layering.py \
		"$tree/compile_commands.json"
}

step_symbols() {
	check 'its checks can fail' bash test/support/symbols_test.sh
	build_release
	check 'names and hardening' bash test/support/symbols.sh "$tree/lib" \
		"$tree"/docs/examples/{hello,fib,pargz}
}

step_stress() {
	build_release
	run_tests --suite stress
}

step_fault() {
	build_release
	run_tests --suite fault
}

step_hostile() {
	build_release
	run_tests --suite hostile
}

step_explore() {
	build_release
	# They do not wait for anything, but for memory.
	run_tests --suite explore --num-processes "$SKUA_TEST_JOBS"
}

step_mutations() {
	python3 test/explore/mutate.py --jobs "$SKUA_TEST_JOBS" \
		--build-dir "$SKUA_TEST_BUILD/mutations"
}

step_examples() {
	build_release
	run_tests --suite examples
}

# One round of each workload, which fails if an answer is wrong; whether it is
# fast is for bench/run to say on a machine that does nothing else.
step_bench() {
	local name names
	build_release
	names=$("$tree/bench/skua-bench" --list |
		sed -n '/^Workloads/,/^Peers/s/^  \([a-z0-9]*\).*/\1/p' | uniq)
	# Side by side: times are not looked at, and some mostly wait.
	for name in $names; do
		check "$name" "$tree/bench/skua-bench" --only "$name" \
			--rounds 1 --workers 2 --peers skua,serial,mutex &
		while [ "$(jobs -pr | wc -l)" -gt "$SKUA_TEST_JOBS" ]; do
			wait -n
		done
	done
	wait
	# Short ones that all peers have between them.
	check 'bench/run' bench/run --no-install --rounds 1 --workers 2 \
		--only map --only reduce --only group --only submit \
		--build-dir "$SKUA_TEST_BUILD/bench"
}

step_readme() {
	check 'README.md' bash test/support/readme.sh
	check 'docs/migration.md' bash test/support/migration.sh
}

# Compiles a consumer with what pkg-config says of the installed library, as
# strictly as a careful user, and runs it.
consume() { # COMPILER SOURCE FLAG... -- PKG-CONFIG-OPTION...
	local compiler=$1 source=$2 flags=() words
	shift 2
	while [ "$1" != -- ]; do
		flags+=("$1")
		shift
	done
	shift
	words=$(pkg-config "$@" --cflags --libs "${module-skua}") || return
	# shellcheck disable=SC2086 # a list of words
	"$compiler" -O2 -Wall -Wextra -pedantic -Werror "${flags[@]}" "$source" \
		-o "$SKUA_TEST_BUILD/consumer" $words &&
		"$SKUA_TEST_BUILD/consumer"
}

# Builds and runs the consumers in a project that has Skua as its subproject.
consume_subproject() {
	local project=$SKUA_TEST_BUILD/subproject
	rm -rf "$project"
	mkdir -p "$project/subprojects"
	cp test/install/* "$project"
	ln -s "$PWD" "$project/subprojects/skua"
	meson setup --wrap-mode=forcefallback "$project/build" "$project" &&
		meson test -C "$project/build"
}

step_install() {
	local in=test/install
	# shellcheck source=test/support/install.sh
	. test/support/install.sh

	install_skua shared
	check 'C, shared' consume gcc $in/consumer.c -std=c11 --
	check 'C++, shared' consume g++ $in/consumer.cpp -std=c++17 --
	check 'C, shared, clang' consume clang-14 $in/consumer.c -std=c11 --
	module=skua-thpool check 'thpool, shared' consume gcc $in/thpool.c \
		-std=c11 --
	install_skua static
	check 'C, static' consume gcc $in/consumer.c -std=c11 -- --static
	check 'C++, static' consume g++ $in/consumer.cpp -std=c++17 -- --static
	module=skua-thpool check 'thpool, static' consume gcc $in/thpool.c \
		-std=c11 -- --static
	module=skua-thpool check 'thpool, C++, static' consume g++ \
		$in/thpool.c -std=c++17 -- --static
	install_skua both
	check 'C, all static' consume gcc $in/consumer.c -std=c11 -static -- \
		--static
	check 'subproject' consume_subproject
}

step_one-core() {
	local cpu
	# The first that this process may use, since that need not be number 0.
	cpu=$(taskset -cp $$ | sed 's/.*: \([0-9]*\).*/\1/')
	prefix=(taskset -c "$cpu")
	build_release
	run_tests --suite idle "${some_stress[@]}"
	build_checked tiny -Dtiny=true
	run_tests --no-suite idle --suite unit
}

step_tiny() {
	build_checked tiny -Dtiny=true
	run_all_and_some_stress
}

step_ucontext() {
	build_checked ucontext -Dcontext=ucontext -Dsystem=posix
	run_unit_and_some_stress
}

# Builds a unit test with Criterion's stand-in, for memcheck follows a fork but
# not what Criterion does. Less work than natively: threads take turns.
memcheck() { # TEST
	local program=$SKUA_TEST_BUILD/valgrind-$1
	gcc -std=c11 -O1 -g -D_GNU_SOURCE -DNDEBUG -DSKUA_TEST_SMALL=1 -pthread \
		-Iinclude -Ilib/platform -Ilib/core -Ilib/sched \
		-isystem test/support -o "$program" "test/unit/$1.c" \
		test/support/criterion/criterion.c "$tree/lib/libskua.a" \
		-lurcu-bp -lm || return
	"${valgrind[@]}" "$program"
}

step_valgrind() {
	local test valgrind=(valgrind --quiet --error-exitcode=99
		--leak-check=full --show-leak-kinds=definite
		--errors-for-leak-kinds=definite
		--fair-sched=yes)
	build_release
	mkdir -p "$SKUA_TEST_BUILD"/valgrind-{platform,core}
	for test in platform/test_context core/test_{timers,inbox}; do
		check "$test" memcheck "$test"
	done
	check 'hello' "${valgrind[@]}" "$tree/docs/examples/hello"
	check 'fib' "${valgrind[@]}" "$tree/docs/examples/fib" 20
}

# All unit tests but test_idle, which measures the time that an idle pool takes,
# where that may be the emulator's; and a short stress. Nothing else is built.
run_foreign() { # MACHINE
	local machine=$1 status=0 source name tests=() targets=()
	for source in test/unit/*/test_*.c; do
		name=$(basename "$source" .c)
		[ "$name" != test_idle ] || continue
		tests+=("$name")
		targets+=("test/unit/$(basename "$(dirname "$source")")-$name")
	done
	for name in stress_{fork_join,suspend,submit,guests}; do
		tests+=("$name-2")
		targets+=("test/stress/$name")
	done
	bash test/support/foreign.sh "$machine" || status=$?
	case $status in
	0) record ok "liburcu for $machine" ;;
	75) record skip "liburcu's source cannot be fetched" && return ;;
	*) record fail "liburcu for $machine" && return ;;
	esac
	# As in build_checked(). Unit tests are not to be at -O1: for aarch64 gcc 12 then
	# gets the comparisons of sort_test.h wrong.
	build_tests "$machine" --buildtype=debugoptimized -Doptimization=1 \
		--cross-file "$SKUA_TEST_BUILD/foreign/$machine/machine.ini"
	run_tests "${tests[@]}"
}

step_musl() {
	run_foreign musl
}

# The platform layer needs no library, so it can be compiled for another
# machine without having that machine's.
step_switch-aarch64() {
	local program=$SKUA_TEST_BUILD/switch-aarch64 sources
	mapfile -t sources < <(find lib/platform -maxdepth 1 -name '*.c' \
		! -name '*_posix.c' ! -name '*_ucontext.c')
	check 'build' aarch64-linux-gnu-gcc -std=c11 -O2 -D_GNU_SOURCE -static \
		-pthread -mbranch-protection=standard -Wall -Wextra -Werror \
		-Iinclude -Ilib/platform -isystem test/support -o "$program" \
		"${sources[@]}" lib/platform/aarch64/context.S \
		test/unit/platform/test_context.c \
		test/support/criterion/criterion.c -lm
	check 'test_context' qemu-aarch64-static "$program"
}

step_i386() {
	run_foreign i386
}

step_aarch64() {
	run_foreign aarch64
}

step_riscv64() {
	run_foreign riscv64
}

step_asan() {
	build_checked asan -Db_sanitize=address,undefined
	run_all_and_some_stress
}

step_asan-clang() {
	CC=clang-14 build_checked asan-clang -Db_lundef=false \
		-Db_sanitize=address,undefined
	run_unit_and_some_stress
}

step_tsan() {
	build_checked tsan -Db_sanitize=thread
	run_all_and_some_stress
}

step_tsan-clang() {
	CC=clang-14 build_checked tsan-clang -Db_lundef=false \
		-Db_sanitize=thread
	run_unit_and_some_stress
}

# For an hour, and from new seeds, if it may be long; else always the same
# programs, so that CI says something about the change and not about its luck.
soak() { # WORKERS...
	local seconds=10 from=(--seed 1) workers
	[ -z "${SKUA_TEST_LONG-}" ] || seconds=600 from=()
	for workers; do
		check "$(basename "$tree"), $workers workers" \
			"$tree/test/soak/soak" --seconds $seconds \
			--workers "$workers" "${from[@]}"
	done
}

step_soak() {
	build_release
	soak 1 2 8
	build_checked tiny -Dtiny=true
	soak 2
	build_checked asan -Db_sanitize=address,undefined
	soak 8
	build_checked tsan -Db_sanitize=thread
	soak 2
}

# What it finds is left beside the logs; test/fuzz/replay.c runs it again.
step_fuzz() {
	local seconds=60 seed=1 found=$SKUA_TEST_BUILD/fuzz-found
	[ -z "${SKUA_TEST_LONG-}" ] || seconds=1800 seed=0
	CC=clang-14 build_checked fuzz -Dfuzz=true -Db_lundef=false \
		-Db_sanitize=address,undefined
	rm -rf "$found"
	mkdir -p "$found"
	check 'libFuzzer' "$tree/test/fuzz/fuzz" -max_total_time=$seconds -seed=$seed \
		-max_len=256 -len_control=0 -timeout=300 \
		-artifact_prefix="$SKUA_TEST_BUILD/" "$found" test/fuzz/corpus
}

# Without assertions, whose other branch is never to be taken. gcovr leaves out
# branches that no line of the source makes.
step_coverage() {
	local report=$SKUA_TEST_BUILD/coverage-report
	build_tests coverage --buildtype=debug -Db_coverage=true \
		-Db_ndebug=true -Dc_args=-fprofile-update=atomic
	find "$tree" -name '*.gcda' -delete
	run_tests --suite unit --suite stress --suite fault --suite hostile
	mkdir -p "$report"
	check '95 % of lines, 90 % of branches' gcovr --root . \
		--filter lib/ --filter include/ -j "$SKUA_TEST_JOBS" \
		--exclude-unreachable-branches --exclude-throw-branches \
		--print-summary --fail-under-line 95 --fail-under-branch 90 \
		--html-details "$report/index.html" \
		--txt "$report/coverage.txt" "$tree"
	echo "GCC Code Coverage Report: $report/index.html"
	cat "$report/coverage.txt"
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
	set -eu -o pipefail
	cd "$(dirname "$0")/../.."
	# At the time limit what runs is ended too, and is recorded before we go.
	trap ended=1 TERM
	: >"$SKUA_TEST_RESULTS.said"
	trap 'cat "$SKUA_TEST_RESULTS.said"; echo "CPU time:"; times' EXIT
	"step_$step"
fi
