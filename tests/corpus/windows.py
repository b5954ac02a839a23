#!/usr/bin/env python3
"""culprit against the real Windows small dumps: every fact the manifest states about them.

Usage: windows.py CULPRIT CORPUS [--table]
CORPUS is the folder with windows/MANIFEST.tsv; --table prints the README's table.
"""
import csv
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))
from culprit import Checks, analyze  # noqa: E402

# What the manifest says in words, as this test understands it: the driver at fault, or None where
# nobody may be named.
CULPRITS = [
    (r"kd-cr-7e-rtkvhd64", "RTKVHD64.sys"),
    (r"kd-cr-a0000001-", "atikmdag.sys"),
    (r"kd-cr-ea-", "atikmdag.sys"),
    (r"kd-", None),
]
USER_INITIATED = {"kd-rizin-arm64-1c8.dmp.zst"}
# The manifest's build is the header's; these machines' real builds are in the event trace.
BARE_NAMES = {"kd-dell-1c7.dmp.zst"}


def expected_culprit(name):
    return next(culprit for pattern, culprit in CULPRITS if re.match(pattern, name))


def facts(known):
    """code, parameters, build, cpus, drivers and time out of the manifest's sentence."""
    m = re.match(r"bugcheck (0x[0-9a-f]+) params (\S+) build (\d+) cpus (\d+) drivers (\d+) "
                 r"SystemTime (\S+);", known)
    return {"code": int(m[1], 16), "parameters": [int(p, 16) for p in m[2].split(",")],
            "build": int(m[3]), "cpus": int(m[4]), "drivers": int(m[5]), "time": m[6]}


def check_dump(checks, name, row, report, run):
    wanted = facts(row["known"])
    crash, system, verdict = report["crash"], report["system"], report["verdict"]
    checks.equal(report["input"]["format"], "windows-kernel-triage", f"{name}: format")
    checks.equal(report["input"]["sha256"], row["sha256"], f"{name}: sha256 of the dump")
    checks.equal(report["input"]["bytes"], int(row["bytes"]), f"{name}: bytes")
    checks.equal(report["input"]["containers"], ["zstd"], f"{name}: containers")
    checks.equal(report["input"]["status"], "complete", f"{name}: status")
    checks.equal(report["input"]["problems"], [], f"{name}: problems")
    checks.equal(int(crash["code"], 16), wanted["code"], f"{name}: stop code")
    checks.equal([int(p["value"], 16) for p in crash["parameters"]], wanted["parameters"],
                 f"{name}: parameters")
    checks.equal(system["base_build"], wanted["build"], f"{name}: build in the header")
    checks.equal(system["cpus"], wanted["cpus"], f"{name}: processors")
    checks.equal(sum(m["loaded"] for m in report["modules"]), wanted["drivers"], f"{name}: drivers")
    checks.equal(system["crash_time"][:19] + "Z", wanted["time"], f"{name}: crash time")
    documented = wanted["code"] != 0xA0000001
    checks.equal(crash["name"] is not None, documented, f"{name}: has a name ({crash['name']})")
    paths = [m["path"] for m in report["modules"] if m["loaded"]]
    checks.equal(not any(paths), name in BARE_NAMES, f"{name}: bare driver names")

    culprit = expected_culprit(name)
    checks.equal(verdict["culprit"], culprit, f"{name}: culprit")
    checks.equal(run.status, 0 if culprit else 1, f"{name}: exit status")
    if culprit:
        checks.equal(verdict["class"], "third-party-driver", f"{name}: class")
    else:
        checks.expect(verdict["class"] != "third-party-driver", f"{name}: class {verdict['class']}")
    if name in USER_INITIATED:
        checks.equal(verdict["class"], "user-initiated", f"{name}: class")
    # No dump of the corpus is of a content incident: a file may be listed, none may be cited.
    checks.equal(verdict["content_file"], None, f"{name}: content file")
    checks.equal([f["path"] for f in report["content_files"] if f["cited"]], [], f"{name}: cited")
    checks.expect(verdict["summary"], f"{name}: summary")
    checks.expect(report["fix"] and report["fix"]["steps"], f"{name}: fix")
    delete = [s for s in (report["fix"] or {"steps": []})["steps"]
              if re.search(r"\b(del|rm|remove-item)\b", (s["command"] or "").lower())]
    checks.equal(delete, [], f"{name}: proposes to delete something")


def check_particulars(checks, reports):
    """Facts about single dumps that the manifest or the fact sheet gives."""
    reports = {name: report for name, report in reports.items() if report["crash"]}
    rtk = reports["kd-cr-7e-rtkvhd64.dmp.zst"]
    checks.equal((rtk["stack"][0]["module"], rtk["stack"][0]["offset"]), ("RTKVHD64.sys", "0x5d28"),
                 "rtkvhd64: faulting frame")
    win32k = reports["kd-cr-50-win32k.dmp.zst"]
    checks.equal((win32k["stack"][0]["module"], win32k["stack"][0]["offset"]),
                 ("win32k.sys", "0x57780"), "win32k: faulting frame")
    checks.equal(win32k["crash"]["access"], "execute", "win32k: access")
    for name, report in reports.items():
        if name.startswith("kd-cr-a0000001-"):
            first = report["stack"][1]
            checks.expect(first["module"] == "atikmdag.sys" and first["offset"] in ("0x2783e", "0x28ece"),
                          f"{name}: the driver called the crash routine itself ({first['offset']})")
        if name.startswith("kd-cr-"):
            checks.equal(report["system"]["version"], "6.3.9600", f"{name}: Windows version")
    for name, build in {"kd-daimuvg-101": 19043, "kd-daimuvg-1e": 19043, "kd-dell-133": 19045,
                        "kd-dell-1c7": 19045, "kd-ojusha-1a": 19045}.items():
        system = reports[f"{name}.dmp.zst"]["system"]
        # Kernel-generated dumps have no event trace that knows the real build.
        if name != "kd-dell-1c7":
            checks.equal(system["build"], build, f"{name}: real build")


def check_events(checks, corpus, reports):
    """The event log of the same machine: codes without the 0x10000000 bit, same parameters."""
    with open(corpus / "windows/tx-cr-bugcheck-events.tsv", encoding="utf-8") as f:
        for row in csv.DictReader(f, delimiter="\t"):
            crash = reports[row["dump_file_here"]]["crash"]
            code = int(crash["code"], 16)
            if code >> 28 == 1:
                code &= 0x0FFFFFFF
            checks.equal(code, int(row["bugcheck"], 16), f"{row['dump_file_here']}: event log code")
            checks.equal([int(p["value"], 16) for p in crash["parameters"]],
                         [int(p, 16) for p in row["params"].split(",")],
                         f"{row['dump_file_here']}: event log parameters")


def table(rows, reports):
    print("| dump | stop code | verdict | confidence |")
    print("|---|---|---|---|")
    for name in rows:
        report = reports.get(name)
        if not report or not report["crash"]:
            print(f"| {name[:-8]} | - | refused: zero-filled | - |")
            continue
        verdict, crash = report["verdict"], report["crash"]
        what = verdict["culprit"] or f"nobody ({verdict['class']})"
        print(f"| {name[:-8]} | {crash['code']} {crash['name'] or 'made up by the driver'} | {what} "
              f"| {verdict['confidence'] or '-'} |")


def main():
    program, corpus = sys.argv[1], pathlib.Path(sys.argv[2])
    checks, reports = Checks(), {}
    with open(corpus / "windows/MANIFEST.tsv", encoding="utf-8") as f:
        rows = {row["file"]: row for row in csv.DictReader(f, delimiter="\t")
                if row["file"].startswith("kd-")}
    for name, row in rows.items():
        got, run = analyze(program, str(corpus / "windows" / name))
        if not checks.equal(len(got), 1, f"{name}: reports"):
            continue
        reports[name] = got[0]
        if row["kind"] == "kernel-corrupt":
            checks.equal(run.status, 3, f"{name}: exit status")
            checks.equal(got[0]["input"]["status"], "unreadable", f"{name}: status")
            checks.expect("zero-filled" in got[0]["input"]["problems"][0]["message"],
                          f"{name}: is refused as zero-filled")
            checks.equal(got[0]["verdict"]["culprit"], None, f"{name}: culprit")
        else:
            check_dump(checks, name, row, got[0], run)
    if "--table" in sys.argv:
        table(rows, reports)
        return 0
    check_particulars(checks, reports)
    check_events(checks, corpus, reports)
    return checks.finish()


if __name__ == "__main__":
    sys.exit(main())
