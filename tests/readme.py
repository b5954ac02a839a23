#!/usr/bin/env python3
"""The README shows what the program prints today.

Usage: readme.py CULPRIT SAMPLES README [CORPUS] [--update]
Compares (or writes) the example, and with CORPUS that of a vmcore and the table of real dumps.
"""
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from culprit import Checks, Run  # noqa: E402

EXAMPLE, LINUX = "channel-file-291.dmp", "content-6.1-zstd.kdump"


def example(program, folder, name):
    run = subprocess.run([program, "analyze", name], cwd=folder, check=True,
                         capture_output=True, text=True, env={"LC_ALL": "C.UTF-8"})
    return run.stdout


def shown(text, name):
    """Where the README shows the report of that file."""
    command = f"$ culprit analyze {name}\n"
    start = text.index(command) + len(command)
    return start, text.index("```", start)


def table(program, corpus):
    script = pathlib.Path(__file__).parent / "corpus/windows.py"
    run = subprocess.run([sys.executable, script, program, corpus, "--table"], check=True,
                         capture_output=True, text=True)
    lines = [line for line in run.stdout.splitlines() if line.startswith("|")]
    # The 22 dumps of one driver and the two zero-filled files are told in a sentence.
    return "\n".join(line for line in lines if "kd-cr-zero" not in line
                     and (not line.startswith("| kd-cr-a0000001") or "111217-27671" in line)) + "\n"


def table_place(text):
    first = text.index("| dump | stop code |")
    return first, re.search(r"\n\n", text[first:]).start() + first + 1


def parts(text, program, samples, corpus):
    """What it is, where it stands, and what the program prints today: last place first."""
    found = [("example", shown(text, EXAMPLE), example(program, samples, EXAMPLE))]
    if corpus:
        found += [("Linux example", shown(text, LINUX),
                   example(program, pathlib.Path(corpus) / "linux", LINUX)),
                  ("table of real dumps", table_place(text), table(program, corpus))]
    return sorted(found, key=lambda part: -part[1][0])


def main():
    arguments = [a for a in sys.argv[1:] if a != "--update"]
    program = str(pathlib.Path(arguments[0]).resolve())
    samples, readme = arguments[1], pathlib.Path(arguments[2])
    corpus = arguments[3] if len(arguments) > 3 else None
    text = readme.read_text(encoding="utf-8")
    found = parts(text, program, samples, corpus)
    if "--update" in sys.argv:
        for _, (start, end), today in found:
            text = text[:start] + today + text[end:]
        readme.write_text(text, encoding="utf-8")
        return 0
    checks = Checks()
    for what, (start, end), today in found:
        checks.equal(text[start:end], today, f"the README's {what}")
    listed = set(re.findall(r"^([a-z/_]+/) ", text, re.MULTILINE))
    for folder in listed:
        checks.expect((readme.parent / folder).is_dir(), f"the README lists {folder}")
    for verb in re.findall(r"`culprit ([a-z]+)", text):
        checks.equal(Run(program, verb, "--help").status, 0, f"the README's culprit {verb}")
    return checks.finish()


if __name__ == "__main__":
    sys.exit(main())
