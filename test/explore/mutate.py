#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The mutation gate: shows that the explorer's scenarios can fail.

A mutation is a small wrong change to the library: an order weakened, a fence or
a second look dropped, two stores swapped. Each is applied to a copy of the
tree, one at a time, and what is named to kill it has to find a fault. One that
survives fails the gate; so does one that no longer applies, or does not
compile, or is caught by nothing but a time limit.

The lists are mutations_<concept>.txt beside this file:

    # A comment; comments and empty lines stand between mutations.

    mutation: deque: take() without the fence TAKE
    killed by: explore deque deque_last
    in: lib/core/deque.h
     	atomic_store_explicit(&deque->bottom, bottom, memory_order_release);
    -	ski_fence_full(TAKE);
    +	(void)0;

    mutation: deque: the CAS of a thief is acq_rel
    equivalent: why no program can tell the difference; this may go on for
        several lines, indented by spaces.
    in: lib/core/deque.h
    -	...
    +	...

Names are unique. Below `in:` come whole lines, as in a diff: ' ' in front of
those that stay, '-' of those that go, '+' of those that come, and then the line
itself, tabs and all. The lines ' ' and '-' together must occur exactly once in
the file. An empty line ends them; one that belongs to them is written as its
one character in front. Further places are further `in:`.

Killers:

    explore PROGRAM SCENARIO [BOUND]
        The scenario of test/explore finds a fault, within BOUND preemptions
        (3, as in the tests). A fault is what the explorer reports, but for its
        own limits. Without the mutation it finds none in as much time as
        SECONDS_CLEAN says; that it passes to the end is for the tests to show.
    test NAME BUILD
        Meson's test NAME fails, in a build called release, asan (address and
        undefined) or tsan. Without the mutation it passes.

An equivalent mutation is not run, but must still apply.
"""

import argparse
import json
import os
import pathlib
import queue
import re
import shlex
import shutil
import subprocess
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PARTS = ["bench", "docs", "include", "lib", "test", "meson.build",
         "meson_options.txt"]

SECONDS_CLEAN = 0.2
SECONDS_KILL = 60  # most need less than one
SECONDS_BUILD = 600  # of the first build, on a busy machine
SECONDS_TEST = 300

COMMON = ["-Dtests=enabled", "-Dbench=disabled", "-Dexamples=disabled",
          "-Ddefault_library=static"]
# -O0: compiling takes longer than the search. Sections, so that the linker can
# tell what a program uses, and lines, for what an object has of a header.
BUILDS = {
    "explore": ["--buildtype=release",
                "-Dc_args=-O0 -g1 -ffunction-sections -fdata-sections"],
    "release": ["--buildtype=release"],
    "asan": ["--buildtype=debugoptimized", "-Db_sanitize=address,undefined"],
    "tsan": ["--buildtype=debugoptimized", "-Db_sanitize=thread"],
}


class Broken(Exception):
    """The gate cannot say whether the mutation is killed."""


class Place:
    """Lines of one file that become others."""

    def __init__(self, path):
        self.path = path
        self.old = []
        self.new = []

    def add(self, line):
        if line[0] in " -":
            self.old.append(line[1:])
        if line[0] in " +":
            self.new.append(line[1:])

    def find(self, text):
        """The lines of @text, and the first of those to change."""
        lines = text.split("\n")
        n = len(self.old)
        found = [i for i in range(len(lines) - n + 1)
                 if lines[i:i + n] == self.old]
        if not n or self.old == self.new or len(found) != 1:
            raise Broken(f"no longer applies: its lines occur {len(found)} "
                         f"times in {self.path}")
        return lines, found[0]

    def apply(self, text):
        """Returns @text changed."""
        lines, at = self.find(text)
        return "\n".join(lines[:at] + self.new + lines[at + len(self.old):])

    def numbers(self):
        """The numbers of its lines in the tree."""
        at = self.find((ROOT / self.path).read_text())[1] + 1
        return range(at, at + len(self.old))


class Mutation:
    def __init__(self, name, where):
        self.name = name
        self.where = where
        self.killer = None
        self.equivalent = None
        self.places = []

    def changed(self):
        """The texts of the files that it changes, by path."""
        texts = {}
        for place in self.places:
            path = place.path
            if path not in texts:
                if not (ROOT / path).is_file():
                    raise Broken(f"no longer applies: there is no {path}")
                texts[path] = (ROOT / path).read_text()
            texts[path] = place.apply(texts[path])
        return texts


def fail_parse(path, number, what):
    sys.exit(f"{path.name}:{number}: {what}")


def parse(path):
    """All mutations of a list."""
    mutations = []
    place = None  # whose lines follow
    for number, line in enumerate(path.read_text().split("\n"), 1):
        if place and line and line[0] in " -+":
            place.add(line)
            continue
        place = None
        if not line or line.startswith("#"):
            continue
        last = mutations[-1] if mutations else None
        key, _, value = line.partition(": ")
        if key == "mutation":
            mutations.append(Mutation(value, f"{path.name}:{number}"))
        elif last and key == "killed by":
            last.killer = value.split()
        elif last and key == "equivalent":
            last.equivalent = value
        elif last and key == "in":
            place = Place(value)
            last.places.append(place)
        elif last and last.equivalent and not last.places and \
                line.startswith("  "):
            last.equivalent += " " + line.strip()
        else:
            fail_parse(path, number, f"not understood: {line}")
    return mutations


def check_killer(killer):
    if killer[0] == "explore" and len(killer) in (3, 4):
        return
    if killer[0] == "test" and len(killer) == 3 and killer[2] in BUILDS:
        return
    raise Broken("not understood: killed by: " + " ".join(killer))


def read_lists(only):
    mutations = []
    for path in sorted(HERE.glob("mutations_*.txt")):
        mutations += parse(path)
    names = set()
    for m in mutations:
        if m.name in names:
            sys.exit(f"{m.where}: a second mutation of this name: {m.name}")
        names.add(m.name)
    return [m for m in mutations if not only or
            any(word in m.name + " " + m.where for word in only)]


def run(command, seconds, env=None, cwd=None):
    """Status, or None at the time limit, and output of a command."""
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True,
                              errors="replace", timeout=seconds, env=env,
                              cwd=cwd)
        return done.returncode, done.stdout
    except subprocess.TimeoutExpired:
        return None, ""


class Program:
    """A program of the explorer as it was built from the copy, and what of it
    is to be compiled anew for a mutation: of forty sources that include a
    header few are in a scenario, and of its functions not all in each of them.
    The clean objects stay as they are."""

    lines = {}  # by object: the lines that it has code of

    def __init__(self, slot, name):
        self.source = slot.source
        self.tree = slot.tree("explore")
        self.clean = self.tree / "test" / "explore" / ("explore-" + name)
        self.mutant = slot.builds / "mutant"
        target = os.path.relpath(self.clean, self.tree)
        slot.ninja(self.tree, target)
        out = self.must(["ninja", "-t", "commands", target])
        self.link = shlex.split(out.splitlines()[-1])
        out = self.must(["ninja", "-t", "compdb", "-x", "c_COMPILER"])
        self.commands = {c["output"]: c["command"] for c in json.loads(out)}
        self.used = self.read_used()
        self.needs = self.read_needs()

    def must(self, command):
        status, out = run(command, SECONDS_BUILD, cwd=self.tree)
        if status != 0:
            raise Broken("does not build:\n" + out)
        return out

    def read_used(self):
        """The objects of which something is in the program."""
        out = self.must(self.link_to(self.link, self.mutant) +
                        ["-Wl,--gc-sections", "-Wl,--print-map"])
        out = out[out.index("Linker script and memory map"):]
        # Sections with an address and a size; others, as those that unwind,
        # are there for any object.
        return set(re.findall(
            r"^ (?:COMMON|\.(?:text|rodata|data|bss|tdata|tbss|init|fini)\S*)"
            r"\s+0x0*[1-9a-f][0-9a-f]*\s+0x0*[1-9a-f][0-9a-f]*\s+(\S+\.o)$",
            out, re.MULTILINE)) & set(self.commands)

    def read_needs(self):
        """By object: the files that it was compiled from."""
        needs = {}
        out = self.must(["ninja", "-t", "deps", *sorted(self.used)])
        for line in out.splitlines():
            if line.startswith("    "):
                path = os.path.normpath(self.tree / line.strip())
                last.add(os.path.relpath(path, self.source))
            elif ": #deps" in line:
                last = needs.setdefault(line.partition(":")[0], set())
        return needs

    def lines_of(self, name):
        """What an object has code of: names of files, without their folders,
        and numbers of lines."""
        path = self.tree / name
        if path not in self.lines:
            out = self.must(["objdump", "--dwarf=decodedline", name])
            self.lines[path] = {
                (file, int(number)) for file, number in
                re.findall(r"^(\S+) +(\d+) +0", out, re.MULTILINE)}
        return self.lines[path]

    def touched(self, place):
        """The objects that @place changes. One without code may be in any that
        includes the file: a macro, a type."""
        include = [name for name, files in self.needs.items()
                   if place.path in files]
        lines = {(os.path.basename(place.path), n) for n in place.numbers()}
        return [name for name in include
                if lines & self.lines_of(name)] or include

    @staticmethod
    def link_to(command, target):
        command = list(command)
        command[command.index("-o") + 1] = str(target)
        return command

    def build(self, places):
        """The program with what @places change compiled as it is now."""
        link = self.link_to(self.link, self.mutant)
        archive = next(i for i, word in enumerate(link)
                       if word.startswith("-Wl,--whole-archive"))
        objects = sorted({o for place in places for o in self.touched(place)})
        if not objects:
            raise Broken("the scenario's program does not use it")
        for i, name in enumerate(objects):
            changed = f"{self.mutant}-{i}.o"
            command = self.commands[name].replace(f"{name}.d", f"{changed}.d")
            command = command.replace(f"-o {name}", f"-o {changed} -g0")
            self.must(shlex.split(command))
            if name in link:
                link[link.index(name)] = changed
            else:  # before the archive that it is a member of
                link.insert(archive, changed)
        self.must(link)
        return self.mutant


class Slot:
    """A copy of the tree with builds of its own, for one mutation at a time."""

    def __init__(self, directory, clean):
        self.source = directory / "source"
        self.builds = directory
        self.programs = {}
        self.clean = clean
        self.copy()

    def copy(self):
        """Brings the copy up to date, leaving alone what is the same, so that
        a second run builds little."""
        wanted = set()
        for part in PARTS:
            top = ROOT / part
            for path in [top] if top.is_file() else top.rglob("*"):
                if path.is_file() and "__pycache__" not in path.parts:
                    wanted.add(path.relative_to(ROOT))
        self.source.mkdir(parents=True, exist_ok=True)
        there = {path.relative_to(self.source)
                 for path in self.source.rglob("*") if path.is_file()}
        if there != wanted:  # Meson finds tests by name
            for build in BUILDS:
                shutil.rmtree(self.builds / build, ignore_errors=True)
        for path in there - wanted:
            (self.source / path).unlink()
        for path in wanted:
            self.write(path, (ROOT / path).read_bytes())

    def write(self, path, content):
        target = self.source / path
        if target.is_file() and target.read_bytes() == content:
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)

    def tree(self, build):
        """Its build directory, configured."""
        tree = self.builds / build
        if not (tree / "build.ninja").is_file():
            shutil.rmtree(tree, ignore_errors=True)
            status, out = run(["meson", "setup", *COMMON, *BUILDS[build],
                               str(tree), str(self.source)], SECONDS_BUILD)
            if status != 0:
                raise Broken("meson setup fails:\n" + out)
        return tree

    def ninja(self, tree, target):
        status, out = run(["ninja", "-C", str(tree), "-j", "1", target],
                          SECONDS_BUILD)
        if status != 0:
            raise Broken("does not build:\n" + out)

    def program(self, name):
        if name not in self.programs:
            self.programs[name] = Program(self, name)
        return self.programs[name]

    def explore(self, program, scenario, bound="3", places=()):
        """What the scenario finds, or None. A fault is known as soon as its
        line is there: the trace that follows is for people."""
        program = self.program(program)
        binary = program.build(places) if places else program.clean
        seconds = SECONDS_KILL if places else SECONDS_CLEAN
        process = subprocess.Popen(
            [str(binary), "--only", scenario, "--bound", bound,
             "--seconds", str(seconds)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            errors="replace")
        try:
            return self.read_verdict(process, scenario, not places)
        finally:
            process.kill()
            process.wait()

    @staticmethod
    def read_verdict(process, scenario, clean):
        words = []
        for line in process.stdout:
            words.append(line)
            found = re.match(r" +found (.*), not nothing wrong", line)
            if found and "limit" in found.group(1):
                raise Broken("only a limit of the explorer:\n" + line)
            if found:
                return found.group(1)
            if re.match(rf"ok +{scenario} ", line):
                return None
            if re.match(rf"OVER +{scenario} ", line):
                if clean:
                    return None
                raise Broken(f"nothing found in {SECONDS_KILL} s")
        raise Broken("the scenario cannot be run:\n" + "".join(words))

    def test(self, name, build):
        """How Meson's test fails, or None."""
        tree = self.tree(build)
        status, out = run(["meson", "introspect", "--tests", str(tree)], 60)
        tests = [t for t in json.loads(out) if t["name"] == name]
        if len(tests) != 1:
            raise Broken(f"there is no test {name}")
        command = tests[0]["cmd"]
        self.ninja(tree, os.path.relpath(command[0], tree))
        status, out = run(command, SECONDS_TEST,
                          os.environ | tests[0]["env"])
        if status is None:
            raise Broken(f"the test takes more than {SECONDS_TEST} s")
        return f"ends with status {status}" if status else None

    def kill(self, killer, places=()):
        if killer[0] == "explore":
            return self.explore(*killer[1:], places=places)
        return self.test(*killer[1:])

    def run_clean(self, killer):
        """Once: what is to kill must pass without. A program of the explorer
        is built from sources without a mutation, too."""
        if killer[0] == "explore":
            self.program(killer[1])
        key = " ".join(killer)
        with self.clean[key] as once:
            if not once.done:
                once.found = self.kill(killer)
                once.done = True
        if once.found:
            raise Broken(f"{key} finds {once.found} without it, too")

    def judge(self, mutation):
        """What was found; None: it survives."""
        changed = mutation.changed()
        if mutation.equivalent:
            return "equivalent: " + mutation.equivalent
        if not mutation.killer:
            raise Broken("neither `killed by:` nor `equivalent:`")
        check_killer(mutation.killer)
        self.run_clean(mutation.killer)
        before = {path: os.stat(self.source / path) for path in changed}
        try:
            for path, text in changed.items():
                self.write(path, text.encode())
            return self.kill(mutation.killer, mutation.places)
        finally:
            for path, stat in before.items():
                self.write(path, (ROOT / path).read_bytes())
                # Objects of the explorer are those of the clean sources.
                if mutation.killer[0] == "explore":
                    os.utime(self.source / path,
                             ns=(stat.st_atime_ns, stat.st_mtime_ns))


class Once:
    """What is found out by the first who asks; the others wait."""

    def __init__(self):
        self.lock = threading.Lock()
        self.done = False
        self.found = None

    def __enter__(self):
        self.lock.acquire()
        return self

    def __exit__(self, *error):
        self.lock.release()


class Gate:
    def __init__(self, mutations, directory, jobs):
        self.waiting = queue.Queue()
        self.lock = threading.Lock()
        self.bad = self.equivalent = 0
        self.killed = 0
        # Killers that were run without a mutation.
        self.clean = {" ".join(m.killer): Once() for m in mutations
                      if m.killer}
        # By killer: each copy builds a program when it first needs it.
        for m in sorted(mutations, key=lambda m: (
                m.killer or [], m.places[0].path if m.places else "")):
            self.waiting.put(m)
        self.threads = [
            threading.Thread(target=self.work, args=(directory / str(i),))
            for i in range(jobs)]

    def say(self, word, mutation, text, seconds):
        results = os.environ.get("SKUA_TEST_RESULTS")
        with self.lock:
            print(f"{word:8} {mutation.name}\n         {text} "
                  f"({seconds:.1f} s)", flush=True)
            if results:
                state = "ok" if word in ("killed", "same") else "fail"
                with open(results, "a") as out:
                    print(state, mutation.name, sep="\t", file=out)

    def one(self, slot, mutation):
        start = time.monotonic()
        killer = " ".join(mutation.killer or [])
        try:
            found = slot.judge(mutation)
        except Broken as broken:
            word, text = "BROKEN", f"{mutation.where}: {broken}"
        else:
            if mutation.equivalent:
                word, text = "same", found
            elif found:
                word, text = "killed", f"{killer}: {found}"
            else:
                word, text = "SURVIVES", f"{mutation.where}: {killer}"
        self.say(word, mutation, text, time.monotonic() - start)
        with self.lock:
            self.killed += word == "killed"
            self.equivalent += word == "same"
            self.bad += word in ("BROKEN", "SURVIVES")

    def work(self, directory):
        slot = None
        while True:
            try:
                mutation = self.waiting.get_nowait()
            except queue.Empty:
                return
            try:
                if not slot:
                    slot = Slot(directory, self.clean)
                self.one(slot, mutation)
            except Exception as error:  # a thread must not end unseen
                with self.lock:
                    self.bad += 1
                print(f"BROKEN   {mutation.name}: {error!r}", flush=True)

    def run(self):
        for thread in self.threads:
            thread.start()
        for thread in self.threads:
            thread.join()
        print(f"{self.killed} killed, {self.equivalent} equivalent, "
              f"{self.bad} not killed")
        return self.bad == 0 and self.killed > 0


def list_all(mutations):
    """False if one does not apply; all of these are said."""
    bad = 0
    for m in mutations:
        what = m.equivalent or " ".join(m.killer or ["nothing"])
        try:
            m.changed()
            if m.killer:
                check_killer(m.killer)
            elif not m.equivalent:
                raise Broken("neither `killed by:` nor `equivalent:`")
        except Broken as broken:
            bad += 1
            what = f"BROKEN: {broken}"
        print(f"{m.where}: {m.name}: {what}")
    print(f"{len(mutations)} mutations, {bad} broken")
    return not bad


def main():
    parser = argparse.ArgumentParser(
        description="Apply mutations to the library; each must be found.")
    parser.add_argument("--build-dir", type=pathlib.Path,
                        default=ROOT / "build" / "mutations")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--only", action="append", metavar="WORD",
                        help="those with this in their name or file's name")
    parser.add_argument("--list", action="store_true",
                        help="say what there is and whether it applies")
    args = parser.parse_args()
    mutations = read_lists(args.only)
    if not mutations:
        sys.exit("no such mutation")
    if args.list:
        if not list_all(mutations):
            sys.exit(1)
        return
    gate = Gate(mutations, args.build_dir.absolute(), args.jobs)
    if not gate.run():
        sys.exit(1)


if __name__ == "__main__":
    main()
