#!/usr/bin/env python3
"""What a person sees, against what a person has read: tests/cmd/expected/.

The renderers get reports from files, so that no dump and no analyzer is needed.
Usage: screens.py RENDER_REPORT CULPRIT [--update]
"""
import difflib
import json
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
from culprit import ENVIRONMENT, Checks, Run  # noqa: E402

EVIL = ["<script>alert(1)</script>", "![x](http://e.vil/p.png)", "[click](javascript:alert(1))",
        "@everyone", "#1", "| a | b |", "`x`", "*b* _i_ ~~s~~", "- item", "1. item", "# head",
        "<!-- c", "&lt;b&gt;", "https://e.vil", "www.e.vil", "$x$", "</td></table>", "\\<b>",
        "a" * 300, "日本語\\テスト.sys", "<img src=x onerror=alert(1)>"]


def render(program, *arguments):
    done = subprocess.run([program, *arguments], capture_output=True, env=ENVIRONMENT, check=False,
                          timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout.decode("utf-8")


def golden(checks, name, text, update):
    path = HERE / "expected" / name
    if update:
        path.write_text(text, encoding="utf-8")
        return
    wanted = path.read_text(encoding="utf-8") if path.exists() else ""
    if not checks.expect(text == wanted, f"{name} differs from what was read"):
        sys.stdout.writelines(list(difflib.unified_diff(
            wanted.splitlines(True), text.splitlines(True), "expected", "got", n=1))[:80])


def undecided(report):
    """The same crash with nobody to blame, from a dump that is cut short."""
    report["input"].update(status="partial", problems=[
        {"code": "truncated", "message": "the file ends inside the driver list", "offset": "0x2480"}])
    report["verdict"].update(decided=False, culprit=None, vendor=None, product=None, confidence=None,
                             content_file=None, incident=None, **{"class": "unknown"},
                             summary="No driver is blamed: the stack of the crash is not in the dump.",
                             because=["the stack is not in the dump"])
    report["incident"] = None
    for frame in report["stack"]:
        frame["blame"] = "rejected"
    return report


def unreadable(report):
    return {"schema": report["schema"], "tool": report["tool"],
            "input": {"path": "evidence.zip!x.dmp", "sha256": None, "bytes": None, "format": None,
                      "containers": [], "status": "unreadable",
                      "problems": [{"code": "reader-died", "offset": None, "message":
                                    "the reader was killed by signal 11 (Segmentation fault)"}]},
            "verdict": {"decided": False, "class": "unknown", "summary": "x", "because": []}}


def joined(report):
    """The same crash from a dump of two files, with a doubt."""
    doubt = "only the trace in the log names it"
    report["input"].update(path="vmcore.2", sha256=None, format="linux-vmcore-kdump-split", parts=[
        {"path": f"vmcore.{n}", "sha256": f"{n}" * 64, "bytes": 1000} for n in (2, 1)])
    del report["verdict"]["because"][-1]
    report["suspects"][0]["evidence"].append(
        {"for": False, "kind": "log-alone", "text": doubt, "weight": 0.08, "at": None})
    report["stack"][0].update(address=None, offset=None, symbol="acme_match+0x28")
    return report


def poison(value, evil):
    """@value with every string but the stable words replaced."""
    if isinstance(value, dict):
        keep = {"schema", "status", "decided", "trust", "blame", "severity", "origin", "grade"}
        return {k: v if k in keep else poison(v, evil) for k, v in value.items()}
    if isinstance(value, list):
        return [poison(v, evil) for v in value]
    return evil if isinstance(value, str) else value


# What would act in a ticket if it were not escaped.
ACTS = [r"<(?!-)[a-zA-Z/!]", r"(?<!\\)\]\(", r"(?<!\\)!\[", r"@", r"https?://", r"www\.",
        r"(?m)^\s*(?:\d+\.\s+|- (?:\*\*\w+:\*\* )?)(?:- |\d+\. |&gt;|# )"]


def without_code(markdown):
    """Code blocks show everything as it is."""
    return re.sub(r"(?ms)^ *(`{3,})\n.*?^ *\1\n", "", markdown)


def hostile(checks, program, report, folder):
    for i, evil in enumerate(EVIL):
        path = folder / f"evil{i}.json"
        path.write_text(json.dumps(poison(report, evil)), encoding="utf-8")
        markdown = without_code(render(program, "markdown", str(path)))
        for acts in ACTS:
            found = re.search(acts, markdown)
            checks.expect(not found, f"markdown of {evil[:30]!r} has {acts}: "
                          f"{markdown[max(0, found.start() - 30):found.end() + 30] if found else ''!r}")
        if "|" not in evil:
            rows = [line for line in markdown.splitlines() if line.startswith("| ")]
            checks.expect(rows, "there are tables")
        for line in render(program, "text", "--all", str(path)).splitlines():
            checks.expect("\x1b" not in line, f"text of {evil[:30]!r} has an escape sequence")


def tables_are_whole(checks, program, report, folder):
    """Every row of a Markdown table has as many cells as its heading, whatever is in them."""
    path = folder / "pipes.json"
    path.write_text(json.dumps(poison(report, "| a \\| b |\\")), encoding="utf-8")
    width = None
    for line in without_code(render(program, "markdown", str(path))).splitlines():
        if not line.startswith("|"):
            width = None
            continue
        cells = len(re.findall(r"(?<!\\)\|", line.replace("\\\\", "")))
        checks.equal(cells, width or cells, f"cells of {line[:60]!r}")
        width = cells


def screen_fits(checks, program, paths):
    for path in paths:
        for width in (60, 80, 100):
            lines = render(program, "text", "--width", str(width), str(path)).splitlines()
            copied = [line for line in lines if re.search(r"^ {11} {5}\S|\\Device|  hash ", line)]
            wide = [line for line in lines if len(line) > width and line not in copied]
            checks.equal(wide, [], f"lines of {path.name} wider than {width}")
        checks.expect(len(lines) <= 40, f"{path.name} takes {len(lines)} lines")


def main():
    update = "--update" in sys.argv
    program, culprit = sys.argv[1:3]
    checks = Checks()
    report = json.loads((HERE / "csagent.json").read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        paths = {"csagent": HERE / "csagent.json", "undecided": folder / "undecided.json",
                 "unreadable": folder / "unreadable.json", "joined": folder / "joined.json"}
        paths["undecided"].write_text(json.dumps(undecided(json.loads(json.dumps(report)))))
        paths["unreadable"].write_text(json.dumps(unreadable(report)))
        paths["joined"].write_text(json.dumps(joined(json.loads(json.dumps(report)))))
        for case, path in paths.items():
            golden(checks, f"{case}.txt", render(program, "text", str(path)), update)
        golden(checks, "csagent-all.txt", render(program, "text", "--all", str(paths["csagent"])),
               update)
        golden(checks, "joined.md", render(program, "markdown", str(paths["joined"])), update)
        golden(checks, "csagent.md", render(program, "markdown", str(paths["csagent"])), update)
        golden(checks, "color.txt", render(program, "text", "--color", str(paths["csagent"])), update)
        golden(checks, "help.txt", Run(culprit, "--help").out, update)
        for command in re.findall(r"(?m)^  ([a-z]+) ", Run(culprit, "--help").out):
            golden(checks, f"help-{command}.txt", Run(culprit, command, "--help").out, update)
        if update:
            return 0
        screen_fits(checks, program, paths.values())
        hostile(checks, program, report, folder)
        tables_are_whole(checks, program, report, folder)
    return checks.finish()


if __name__ == "__main__":
    sys.exit(main())
