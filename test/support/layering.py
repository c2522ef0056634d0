#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Shows that no layer of lib/ can include a header of a layer above it.

Takes the path of a compile_commands.json. For a source of each layer, compiles
with that source's own command a unit that has one #include and nothing else:
of each header of its own layer, which must work, so that a broken command is
not taken for success; and of each header of a layer above, which must not be
found. Of a layer that is written against the public headers alone, those of
the layers below must not be found either.
"""

import json
import pathlib
import re
import shlex
import subprocess
import sys

ON_PUBLIC_HEADERS = ["algo", "compat"]


def layers():
    """From the bottom up, as lib/meson.build has them."""
    text = pathlib.Path("lib/meson.build").read_text()
    return re.findall(r"^subdir\('(\w+)'\)", text, re.MULTILINE)


def command_of(layer, entries):
    """The command that compiles some C file of @layer, less file and output."""
    folder = (pathlib.Path("lib") / layer).resolve()
    for entry in entries:
        directory = pathlib.Path(entry["directory"])
        file = (directory / entry["file"]).resolve()
        if folder in file.parents and file.suffix == ".c":
            words = shlex.split(entry["command"])
            for option in ("-o", "-MF", "-MQ"):
                at = words.index(option)
                del words[at:at + 2]
            words.remove("-MD")
            words.remove("-c")
            return [w for w in words if w != entry["file"]], directory
    sys.exit(f"layering: no source of lib/{layer} is compiled")


def includes(command, directory, header):
    """Whether @header is what its plain name finds; a header of the system may
    have the same name. An error within a header ends the script."""
    name = header.name
    result = subprocess.run(
        command + ["-M", "-fdiagnostics-color=never", "-x", "c", "-"], cwd=directory, check=False,
        input=f'#include "{name}"\n', text=True, capture_output=True)
    if result.returncode == 0:
        files = result.stdout.replace("\\\n", " ").split()[1:]
        return any((directory / f).resolve() == header.resolve()
                   for f in files)
    if re.search(rf"{re.escape(name)}(: No such file|' file not found)",
                 result.stderr):
        return False
    sys.exit(f"layering: {header}: {result.stderr}")


def main():
    entries = json.loads(pathlib.Path(sys.argv[1]).read_text())
    names = layers()
    failed = 0
    for level, layer in enumerate(names):
        command, directory = command_of(layer, entries)
        below = 0 if layer in ON_PUBLIC_HEADERS else level
        for other in names[below:]:
            for path in sorted(pathlib.Path("lib", other).glob("*.h")):
                found = includes(command, directory, path)
                if found != (other == layer):
                    failed += 1
                    print(f"lib/{layer}: {path} is",
                          "found" if found else "not found")
    return 1 if failed else 0


sys.exit(main())
