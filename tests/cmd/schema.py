#!/usr/bin/env python3
"""Real reports against the JSON Schema, and its limits against what it must refuse.

Usage: schema.py CULPRIT SAMPLES
"""
import copy
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))
from culprit import Checks, Run, analyze  # noqa: E402

try:
    import jsonschema
except ImportError:
    print("[SKIP] python3-jsonschema is not there")
    sys.exit(77)

BREAKS = [
    (("schema",), "culprit.report/2"),
    (("input", "status"), "fine"),
    (("input", "sha256"), "5b"),
    (("crash", "code"), "0x50"),
    (("crash", "address"), 80),
    (("system", "crash_time"), "yesterday"),
    (("system", "host"), "a\u001bb"),
    (("verdict", "decided"), None),
    (("verdict", "confidence"), "certain"),
    (("stack", 0, "trust"), "Very Good"),
    (("content_files", 0, "grade"), "E"),
]


def main():
    program, samples = sys.argv[1], pathlib.Path(sys.argv[2])
    checks = Checks()
    schema = json.loads(Run(program, "analyze", "--schema").out)
    kind = getattr(jsonschema, "Draft202012Validator")
    kind.check_schema(schema)
    validator = kind(schema)
    dumps = sorted(samples.glob("*.dmp"))
    checks.expect(dumps, f"there are samples in {samples}")
    files = [str(dump) for dump in dumps] + [__file__, "/nonexistent", str(samples)]
    reports, _ = analyze(program, *files)
    checks.equal(len(reports), len(files), "reports")
    golden = json.loads((pathlib.Path(__file__).parent / "csagent.json").read_text())
    reports.append(golden)
    reports += analyze(program, "--split", *map(str, dumps[:2]))[0]
    checks.equal(len(reports[-1]["input"]["parts"]), 2, "parts of an input")
    for report in reports:
        for error in validator.iter_errors(report):
            checks.expect(False, f"{report['input']['path']}: {list(error.absolute_path)}: "
                          f"{error.message[:200]}")
        checks.expect(True, "looked at")
    for path, value in BREAKS:
        broken = copy.deepcopy(golden)
        at = broken
        for step in path[:-1]:
            at = at[step]
        at[path[-1]] = value
        checks.expect(not validator.is_valid(broken), f"{path} may not be {value!r}")
    for dump in dumps[:3]:
        for command, key in (("modules", "modules"), ("strings", "strings"), ("stack", "stack")):
            part = Run(program, command, "--format", "json", str(dump)).report()
            whole = dict(golden, **{key: part})
            checks.expect(validator.is_valid(whole), f"{command} of {dump.name}")
    return checks.finish()


if __name__ == "__main__":
    sys.exit(main())
