#!/usr/bin/env python3
"""Help, manual and registry say the same.

Usage: help.py CULPRIT TREE
"""
import pathlib
import re
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))
from culprit import Checks, Run  # noqa: E402

VIEWS = {"info", "modules", "stack", "strings", "timeline"}


def page_of(man, command):
    return man / f"culprit-{'info' if command in VIEWS else command}.1"


def options_of_help(text):
    options = set()
    for line in text.splitlines():
        found = re.match(r"  (?:-(\w), |    )--([a-z-]+)", line)
        if found:
            options.update(x for x in found.groups() if x)
    return options


def options_of_page(text):
    options = set()
    for line in text.splitlines():
        if line.startswith(".It Fl "):
            options.update(re.findall(r"Fl Fl ([a-z-]+)", line))
            options.update(re.findall(r"(?<!Fl )Fl (\w)\b", line))
    return options


def main():
    program, tree = sys.argv[1], pathlib.Path(sys.argv[2])
    checks = Checks()
    registry = re.findall(r"(?m)^COMMAND\((\w+)\)", (tree / "cmd/commands.def").read_text())
    usage = Run(program, "--help").out
    checks.equal(re.findall(r"(?m)^  ([a-z]+) ", usage), registry, "commands of culprit --help")
    top = (tree / "man/culprit.1").read_text()
    for command in registry:
        page = page_of(tree / "man", command)
        if not checks.expect(page.exists(), f"{command} has no manual page"):
            continue
        text = page.read_text()
        run = Run(program, command, "--help")
        checks.equal((run.status, run.err), (0, ""), f"{command} --help")
        checks.equal(run.out, Run(program, "help", command).out, f"help {command}")
        checks.equal(options_of_page(text), options_of_help(run.out),
                     f"options of {page.name} and of {command} --help")
        checks.expect(command in text.split(".Sh DESCRIPTION")[0], f"{page.name} names {command}")
        checks.expect(re.search(rf"\b{command}\b", top), f"culprit.1 names {command}")
    pages = sorted((tree / "man").glob("*.[0-9]"))
    for page in pages:
        if page.name != "culprit.1":
            section = page.suffix[1:]
            checks.expect(f".Xr {page.stem} {section}" in top, f"culprit.1 refers to {page.name}")
        for name, section in re.findall(r"\.Xr (culprit\S*) (\d)", page.read_text()):
            checks.expect((tree / f"man/{name}.{section}").exists(),
                          f"{page.name} refers to {name}({section})")
    if shutil.which("mandoc"):
        lint = subprocess.run(["mandoc", "-Tlint", "-Wwarning", *map(str, pages)], check=False,
                              capture_output=True, text=True)
        checks.equal(lint.stdout + lint.stderr, "", "mandoc -Tlint -Wwarning")
    rows = re.findall(r'(?m)^"(\w+)": |^  "(\w+)": \{', (tree / "cmd/render/report.schema.json").read_text())
    report5 = (tree / "man/culprit-report.5").read_text()
    for name in {a or b for a, b in rows} - {"properties", "required"}:
        if name in ("text", "word", "address", "code", "offset", "size", "share", "time", "origin"):
            continue
        checks.expect(re.search(rf"\b{name}\b", report5), f"culprit-report.5 explains {name}")
    return checks.finish()


if __name__ == "__main__":
    sys.exit(main())
