#!/usr/bin/env python3
"""The README shows what the program prints today.

Usage: readme.py CULPRIT SAMPLES README [CORPUS] [--update]
Compares (or writes) the example, and with CORPUS the table of real dumps.
"""
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from culprit import Checks, Run  # noqa: E402

COMMAND = "$ culprit analyze channel-file-291.dmp\n"


def example(program, samples):
    run = subprocess.run([program, "analyze", "channel-file-291.dmp"], cwd=samples, check=True,
                         capture_output=True, text=True, env={"LC_ALL": "C.UTF-8"})
    return run.stdout


def table(program, corpus):
    script = pathlib.Path(__file__).parent / "corpus/windows.py"
    run = subprocess.run([sys.executable, script, program, corpus, "--table"], check=True,
                         capture_output=True, text=True)
    lines = run.stdout.splitlines()
    # The 22 dumps of one driver and the two zero-filled files are told in a sentence.
    return "\n".join(line for line in lines if "kd-cr-zero" not in line
                     and (not line.startswith("| kd-cr-a0000001") or "111217-27671" in line)) + "\n"


def blocks(text):
    """The example and the table as they stand in the README, with their positions."""
    start = text.index(COMMAND) + len(COMMAND)
    end = text.index("```", start)
    first = text.index("| dump | stop code |") if "| dump | stop code |" in text else None
    last = re.search(r"\n\n", text[first:]).start() + first + 1 if first else None
    return (start, end), (first, last)


def main():
    arguments = [a for a in sys.argv[1:] if a != "--update"]
    program = str(pathlib.Path(arguments[0]).resolve())
    samples, readme = arguments[1], pathlib.Path(arguments[2])
    corpus = arguments[3] if len(arguments) > 3 else None
    text = readme.read_text(encoding="utf-8")
    (start, end), (first, last) = blocks(text)
    if "--update" in sys.argv:
        if corpus:
            text = text[:first] + table(program, corpus) + text[last:]
        readme.write_text(text[:start] + example(program, samples) + text[end:], encoding="utf-8")
        return 0
    checks = Checks()
    checks.equal(text[start:end], example(program, samples), "the README's example")
    if corpus:
        checks.equal(text[first:last], table(program, corpus), "the README's table of real dumps")
    listed = set(re.findall(r"^([a-z/_]+/) ", text, re.MULTILINE))
    for folder in listed:
        checks.expect((readme.parent / folder).is_dir(), f"the README lists {folder}")
    for verb in re.findall(r"`culprit ([a-z]+)", text):
        checks.equal(Run(program, verb, "--help").status, 0, f"the README's culprit {verb}")
    return checks.finish()


if __name__ == "__main__":
    sys.exit(main())
