#!/usr/bin/env python3
"""Every sample's report against the one that a person has read: samples/expected/NAME.json.

Usage: golden.py CULPRIT SAMPLES EXPECTED [--update] [NAME...]
SAMPLES is the folder of built dumps. --update writes the reports anew: read the difference before
you commit it.
"""
import difflib
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))
from culprit import Checks, analyze  # noqa: E402


def normal(report):
    """Without what differs from build to build and says nothing about the sample."""
    report["tool"]["version"] = report["tool"]["rules"] = "-"
    report["input"]["path"] = pathlib.Path(report["input"]["path"]).name
    # Windows' own drivers fill pages and are the same everywhere.
    report["modules"] = [m for m in report["modules"] if m["origin"] != "os"]
    return json.dumps(report, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def main():
    arguments = [a for a in sys.argv[1:] if a != "--update"]
    update = len(arguments) < len(sys.argv) - 1
    program, samples, expected = arguments[0], pathlib.Path(arguments[1]), pathlib.Path(arguments[2])
    names = arguments[3:] or sorted(p.stem for p in samples.glob("*.dmp"))
    checks = Checks()
    for name in names:
        got, _ = analyze(program, str(samples / f"{name}.dmp"))
        text = normal(got[0])
        golden = expected / f"{name}.json"
        if update:
            golden.parent.mkdir(exist_ok=True)
            golden.write_text(text, encoding="utf-8")
            continue
        if not checks.expect(golden.exists(), f"{name}: {golden} is missing"):
            continue
        wanted = golden.read_text(encoding="utf-8")
        if not checks.expect(text == wanted, f"{name}: the report differs from {golden}"):
            sys.stdout.writelines(list(difflib.unified_diff(
                wanted.splitlines(True), text.splitlines(True), "expected", "got", n=1))[:60])
    if update:
        return 0
    stale = {p.stem for p in expected.glob("*.json")} - {p.stem for p in samples.glob("*.dmp")}
    checks.equal(sorted(stale), [], "expected reports without a sample")
    return checks.finish()


if __name__ == "__main__":
    sys.exit(main())
