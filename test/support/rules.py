#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks those conventions of docs/conventions.md that text can show.

Prints each breach as file:line: what, and exits with 1 if there is any.
"""

import pathlib
import re
import sys

breaches = 0


def breach(path, offset, text, what):
    global breaches
    breaches += 1
    line = text.count("\n", 0, offset) + 1
    print(f"{path}:{line}: {what}")


def without_comments(text):
    """Blanks out comments, keeping offsets and lines."""
    return re.sub(r"/\*.*?\*/|//[^\n]*",
                  lambda m: re.sub(r"[^\n]", " ", m.group()), text,
                  flags=re.DOTALL)


def find(pattern, path, text, what):
    for match in re.finditer(pattern, text):
        breach(path, match.start(), text, what)


def check_licence(path, text):
    lines = text.split("\n", 2)[:2]
    if not any("SPDX-License-Identifier: MIT" in line for line in lines):
        breach(path, 0, text, "no SPDX-License-Identifier: MIT at its head")


def check_library(path, text):
    """In lib/ and include/: orders are written out, nobody is silenced."""
    code = without_comments(text)
    find(r"\batomic_(?:load|store|exchange|fetch_(?:add|sub|or|xor|and)|"
         r"compare_exchange_(?:strong|weak)|flag_(?:test_and_set|clear))\s*\(",
         path, code, "an atomic without an explicit order")
    find(r"\bno_sanitize", path, code, "a sanitizer is switched off")
    find(r"\b(?:abort|exit|_exit|f?printf|puts|perror)\s*\(", path, code,
         "the library never ends the process and never prints")


def check_limits(path, text):
    """Each Test() has a time limit, its own or that of its suite."""
    code = without_comments(text)
    suites = set(re.findall(r"\bTestSuite\(\s*(\w+)[^;]*\.timeout", code))
    for match in re.finditer(r"^Test\(\s*(\w+)([^{]*)", code, re.MULTILINE):
        if ".timeout" not in match.group(2) and match.group(1) not in suites:
            breach(path, match.start(), code, "a test without .timeout")


def check_names(paths):
    """#include by plain name needs names that are unique across layers."""
    seen = {}
    for path in paths:
        if path.suffix != ".h":
            continue
        if path.name in seen:
            breach(path, 0, "", f"the name of {seen[path.name]} too")
        seen[path.name] = path


def check_links(pages):
    """What a page links to is there, and so is the heading that it names."""
    def anchors(path):
        heads = re.findall(r"^#+ (.*)$", path.read_text(), re.MULTILINE)
        return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-")
                for head in heads}

    linked = set()
    for page in pages:
        text = re.sub(r"^```.*?^```", lambda m: re.sub(r"[^\n]", " ", m.group()),
                      page.read_text(), flags=re.DOTALL | re.MULTILINE)
        for match in re.finditer(r"\]\(([^)\s]+)\)", text):
            if re.match(r"[a-z]+:", match.group(1)):
                continue
            name, _, anchor = match.group(1).partition("#")
            target = (page.parent / name).resolve() if name else page.resolve()
            if not target.exists():
                breach(page, match.start(), text, f"no such file: {name}")
            elif anchor and anchor not in anchors(target):
                breach(page, match.start(), text, f"no heading #{anchor}")
            linked.add(target)
    return linked


def check_reachable(pages):
    """Each public header, page and example is linked from some page."""
    linked = check_links(pages)
    headers = sorted(pathlib.Path("include").rglob("*.h"))
    included = {path: set(re.findall(r"#include <(skua/.*)>", path.read_text()))
                for path in headers}
    umbrella = pathlib.Path("include/skua/skua.h")
    # Not for a reader: what headers have included for themselves.
    inner = set().union(*(names for path, names in included.items()
                          if path != umbrella)) - included[umbrella]
    for path in [*headers, *pages,
                 *sorted(pathlib.Path("docs/examples").glob("*.c"))]:
        if path == umbrella or path.name == "README.md" or \
                str(path).removeprefix("include/") in inner:
            continue
        if path.resolve() not in linked:
            breach(path, 0, "", "no page links to it")


# Functions of others that comments speak of.
FOREIGN = {"__builtin_ia32_stmxcsr", "exec", "main", "pthread_exit", "qsort_r",
           "strtoul"}


def check_mentions(library, pages, others):
    """The functions that comments and pages speak of are there."""
    def names_in(paths):
        return {name for path in paths for name in
                re.findall(r"\w+", without_comments(path.read_text()))}

    code = names_in(library)
    for path in library:
        if path.parts[0] == "include":
            continue
        text = path.read_text()
        for match in re.finditer(r"/\*.*?\*/", text, re.DOTALL):
            for name in re.finditer(r"\b([a-z_]\w+)\(\)", match.group()):
                if name.group(1) not in code | FOREIGN:
                    breach(path, match.start() + name.start(), text,
                           f"no such function: {name.group(1)}()")
    code |= names_in(others)
    for page in [*pages, *library]:
        text = page.read_text()
        for name in re.finditer(r"\b(sk(?:i|ua)_\w+)\(\)", text):
            if name.group(1) not in code:
                breach(page, name.start(), text,
                       f"no such function: {name.group(1)}()")


def check_examples():
    """Each but the whole programs is short enough to be read at once."""
    index = pathlib.Path("docs/examples/README.md").read_text()
    whole = re.findall(r"\((\w+\.c)\)", index.partition("## Whole programs")[2])
    for path in sorted(pathlib.Path("docs/examples").glob("*.c")):
        lines = path.read_text().count("\n")
        if path.name not in whole and lines >= 80:
            breach(path, 0, "", f"an example of {lines} lines, not below 80")


def check_version():
    """What the header says is what Meson calls the library."""
    build = pathlib.Path("meson.build").read_text()
    path = pathlib.Path("include/skua/error.h")
    text = path.read_text()
    version = re.search(r"^  version: '([^']*)'", build, re.MULTILINE).group(1)
    macros = re.findall(r"define SKUA_VERSION_(?:MAJOR|MINOR|PATCH) (\d+)", text)
    if ".".join(macros) != version:
        breach(path, 0, text, f"not the version of meson.build, {version}")


def main():
    code = [path for top in ("bench", "docs", "include", "lib", "test")
            for path in sorted(pathlib.Path(top).rglob("*"))
            if path.suffix in (".c", ".h", ".cpp", ".S")]
    scripts = [path for top in (".", "bench", "docs", "lib", "test", ".ci")
               for path in sorted(pathlib.Path(top).glob(
                   "*" if top == "." else "**/*"))
               if path.name in ("run", "meson.build", "meson_options.txt")
               or path.suffix in (".sh", ".py")]
    if not code or not scripts:
        sys.exit("rules.py: not in the root of the repository")

    for path in code + scripts:
        if path.is_file():
            check_licence(path, path.read_text())
    library = [path for path in code if path.parts[0] in ("lib", "include")]
    for path in library:
        check_library(path, path.read_text())
    for path in code:
        if path.parts[0] == "test" and path.name.startswith("test_"):
            check_limits(path, path.read_text())
    check_names([path for path in library if path.parts[0] == "lib"])
    pages = [path for top in (".", "bench", "docs")
             for path in sorted(pathlib.Path(top).glob(
                 "*.md" if top == "." else "**/*.md"))
             if path.name not in ("CHANGELOG.md", "LICENSE.md")]
    check_reachable(pages)
    check_mentions(library, pages, [path for path in code
                                    if path not in library])
    check_examples()
    check_version()
    return 1 if breaches else 0


sys.exit(main())
