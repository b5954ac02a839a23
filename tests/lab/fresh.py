#!/usr/bin/env python3
"""culprit against vmcores that did not exist a minute ago: crashes real Debian kernels in QEMU, then
compares the report with what the lab knows to have happened. culprit runs sealed (sealed.sh): no
network, no vmlinux, no debug information.

Usage: fresh.py CULPRIT MAKE-VMCORE [--all] [--scenarios LIST] [--kernels LIST] [--keep DIR]
By default: content, heap and sysrq on the newest 6.1 and 6.12 that apt knows, about 40 s each.
--all: every scenario on both, other ways of dumping, kernels of other flavours and, where an arm64
compiler is installed, arm64: about half an hour. --kernels takes releases too (6.1.0-47-rt-amd64),
and SUITE/SERIES for another Debian suite's. Runs only with CULPRIT_LAB=1 (it downloads kernels).
"""
import argparse
import datetime
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))
from culprit import Checks, Run  # noqa: E402

EXPECTED = pathlib.Path(__file__).parent.parent.parent / "samples/lab-linux/expected"
SEALED = str(pathlib.Path(__file__).parent / "sealed.sh")
SKIPPED = 77
ALL = "content leaf nullcall heap lockup hung bpf sysrq".split()
TOOLS = "qemu-system-x86_64 makedumpfile busybox cpio debugfs gcc-12 clang pahole apt-get".split()
TRIES = 2        # at making one vmcore
BLAMED = 0.6     # the score from which a suspect is named
CHANNEL_TEXT = b"ACMEHEAP"      # what channel.py writes for the overrun,
HEAP_BYTES = "18266"            # and the size of that file


def time_of(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "")[:26]) if text else None


def check_place(checks, name, truth, report):
    """The printed RIP against the first frame; sysrq has its function further out."""
    symbols = [f["symbol"] or "" for f in report["stack"]]
    rip = re.sub(r"^0010:|/0x[0-9a-f]+$|/0x[0-9a-f]+ \[.*$", "", truth["rip"])
    if truth["scenario"] == "sysrq":
        checks.expect(any(s.startswith("sysrq_handle_crash") for s in symbols), f"{name}: {symbols}")
    elif truth["scenario"] == "nullcall":
        checks.equal(int(report["stack"][0]["address"], 16), 0, f"{name}: RIP")
        checks.expect(symbols[1].startswith("acme_dispatch"), f"{name}: caller {symbols[1]}")
    elif truth["scenario"] == "hung":
        checks.expect(any(s.startswith("acme_wait_event") for s in symbols), f"{name}: {symbols}")
    elif truth["scenario"] == "lockup":
        checks.expect(any(s.startswith("acme_") for s in symbols[:3]), f"{name}: {symbols}")
    elif rip.startswith("0x"):      # it jumped to where no code is
        checks.equal(int(report["stack"][0]["address"], 16), int(rip, 16), f"{name}: RIP")
    # PREEMPT_RT may not get to print it, and some traces have that of user space only.
    elif truth["scenario"] != "bpf" and rip and not rip.startswith("0033:"):
        checks.equal(symbols[0], rip, f"{name}: RIP")


def lost_pages(report):
    return any(p["code"] == "pages-excluded" for p in report["input"]["problems"])


def same_path(report, path, wanted):
    """Where pages were left out, the beginning of a path may be lost: culprit writes /?/ for it."""
    if path and path.startswith("/?/") and lost_pages(report):
        return wanted.endswith(path[2:]) and path.endswith(wanted.rpartition("/")[2])
    return path == (wanted or None)


def leads_to_module(folder):
    """Whether what the kernel printed, the console's own copy of it, leads to the module: a call of it
    in the trace, or text of the channel file in a register while the module still keeps that file."""
    text = (folder / "console.log").read_text(encoding="utf-8")
    oops = text[text.find("LAB: scenario"):]
    oops = oops[:oops.find("Linux version")] if "Linux version" in oops else oops
    if re.search(r"\]\s+acme_\w+\+0x", oops):
        return True
    kept = re.findall(r"loaded a channel, (\d+) bytes", oops)
    texts = {(CHANNEL_TEXT * 2)[i:i + 4] for i in range(len(CHANNEL_TEXT))}
    registers = [bytes.fromhex(r)[::-1] for r in re.findall(r"\b(?:0x)?([0-9a-f]{16})\b", oops)]
    return kept[-1:] == [HEAP_BYTES] and any(t in r for r in registers for t in texts)


def check_content(checks, name, truth, report, window):
    cited = {f["path"]: f for f in report["content_files"] if f["cited"]}
    # Without its task_struct a waiting task's stack is found by the trace; arm64 keeps there alone
    # where it stands.
    if truth["arch"] == "arm64" and not cited and "task-lost" in [p["code"] for p in
                                                                  report["input"]["problems"]]:
        return
    named = report["verdict"]["content_file"]
    checks.expect(same_path(report, named, truth["content"]),
                  f"{name}: content file: got {named!r}, expected {truth['content']!r}")
    checks.expect(not any(same_path(report, path, truth["good"]) for path in cited),
                  f"{name}: the good file is cited")
    file = cited.get(named)
    if not file:
        return
    checks.expect(file["grade"] in "ABC", f"{name}: grade {file['grade']}")
    # Debian 12's makedumpfile takes some heap pages of newer kernels for user memory and leaves them
    # out: then the path is all there is.
    if file["size"]:
        checks.expect(17000 < file["size"] < 19000, f"{name}: size {file['size']}")
        written = time_of(file["mtime"])
        checks.expect(written and window[0] <= written <= window[1],
                      f"{name}: written {written}, the guest ran {window}")
    else:
        checks.expect(any(not e["for"] for e in file["evidence"]), f"{name}: no word on what is missing")


def is_wreck(truth, report):
    """The overrun hit the kernel's own log or list of modules before the dump was made: nobody has to
    be named then, and what was printed may be gone."""
    codes = {p["code"] for p in report["input"]["problems"]}
    return truth["scenario"] == "heap" and codes & {"log-cut", "modules-cut"}


def check(checks, name, folder, truth, report, run, window):
    verdict, system, crash = report["verdict"], report["system"], report["crash"]
    if is_wreck(truth, report):
        checks.expect(verdict["culprit"] in (None, truth["at_fault"]), f"{name}: culprit {verdict['culprit']}")
        checks.expect(verdict["content_file"] in (None, truth["content"]),
                      f"{name}: content file {verdict['content_file']}")
        checks.equal(run.status, 4, f"{name}: exit status")
        return
    wanted = truth["at_fault"]
    unlinked = truth["scenario"] == "heap" and verdict["culprit"] is None
    if unlinked:    # nothing in this dump leads from the damage to who did it
        linked = leads_to_module(folder)
        checks.expect(lost_pages(report) or not linked, f"{name}: nobody is named")
        checks.expect(verdict["class"] in ("memory-corruption", "" if linked else "unknown"),
                      f"{name}: class {verdict['class']}")
        checks.equal(verdict["content_file"], None, f"{name}: content file")
    else:
        checks.equal(verdict["culprit"], wanted, f"{name}: culprit")
        checks.equal(verdict["class"], "third-party-driver" if wanted else "user-initiated",
                     f"{name}: class")
        check_content(checks, name, truth, report, window)
    whole = report["input"]["status"] == "complete"
    checks.expect(whole or all(p["code"].startswith("pages-") for p in report["input"]["problems"]),
                  f"{name}: {report['input']['problems']}")
    checks.equal(run.status, (0 if verdict["culprit"] else 1) if whole else 4, f"{name}: exit status")
    checks.equal(system["version"], truth["release"], f"{name}: release")
    said = truth["oops"] or truth["panic"]
    told = [crash["message"] or "", crash.get("panic") or ""] + [l["text"] for l in report["log"]]
    checks.expect(any(said in t for t in told), f"{name}: {said!r} in {told[:2]}")
    blamed = {s["module"] for s in report["suspects"] if s["score"] >= BLAMED}
    checks.equal(blamed & set(truth["innocent"]), set(), f"{name}: innocents")
    check_place(checks, name, truth, report)
    for what in ("boot_time", "crash_time"):
        when = time_of(system[what])
        checks.expect(when and window[0] <= when <= window[1],
                      f"{name}: {what} {when}, the guest ran {window}")
    modules = {m["name"]: m for m in report["modules"]}
    for module, version in (("acme_edr", "7.15.0-1802"), ("nimbus_vfs", "3.2.1")):
        m = modules.get(module, {})
        checks.equal(m.get("origin"), "third-party", f"{name}: {module}: origin")
        checks.expect(m.get("version") == version or (m.get("version") is None and lost_pages(report)),
                      f"{name}: {module}: version {m.get('version')}")


def check_lines(checks, name, report):
    """With the modules' debug files: the lines that their functions are at."""
    own = [f for f in report["stack"] if f["module"] == "acme_edr"]
    used = {u["of"]: u["matched_by"] for u in report["input"].get("debug_files", [])}
    checks.equal(used, {"acme_edr": "build-id"} if own else {}, f"{name}: debug files used")
    for frame in own:
        source = frame.get("source")
        checks.expect(source and source[-1]["file"].endswith("/acme_edr.c") and
                      frame["symbol"].startswith(source[-1]["function"]), f"{name}: line of {frame}")


def essence(report):
    """What does not differ from one kernel, and one crash, to the next."""
    verdict, fix, signature = report["verdict"], report["fix"], report["signature"]
    function = verdict.get("function")
    return {"class": verdict["class"], "culprit": verdict["culprit"],
            "function": function and function.partition("+")[0],
            "content_file": verdict["content_file"], "summary": verdict["summary"],
            "fix": {"id": fix["id"], "title": fix["title"], "steps": [s["do"] for s in fix["steps"]]},
            "bucket": signature["bucket"], "failure_hash": signature["failure_hash"]}


def check_expected(checks, name, scenario, report):
    """Against the sample's expected report, unless the dump has lost part of the path in it."""
    file = EXPECTED / f"{scenario}.json"
    if file.exists() and "/?/" not in (report["verdict"]["content_file"] or ""):
        checks.equal(essence(report), json.loads(file.read_text(encoding="utf-8")), f"{name}: {file.name}")


def one(checks, arguments, folder, scenario, kernel, *options):
    """Makes one crash, in every format asked for, and looks at each."""
    name = " ".join([kernel, scenario, *options])
    suite, _, series = kernel.rpartition("/")
    margin = datetime.timedelta(seconds=2)
    for _ in range(TRIES):    # an emulated machine on a busy one may run out of time
        shutil.rmtree(folder, ignore_errors=True)
        start = datetime.datetime.utcnow() - margin
        made = subprocess.run([sys.executable, arguments.make_vmcore, scenario, str(folder), "--kernel",
                               series, *(["--suite", suite] if suite else []), *options],
                              capture_output=True, text=True, check=False)
        window = (start, datetime.datetime.utcnow() + margin)
        if made.returncode == 0:
            break
    else:
        print(f"NOT MADE: {name}: {made.stderr[-800:]}", flush=True)
        arguments.not_made.append(name)
        return
    truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    for file in sorted(folder.glob("vmcore.*")):
        run = Run("sh", SEALED, arguments.program, "analyze", "--format", "json", str(file))
        if not checks.expect(run.out, f"{name}: {file.name}: no report: {run.err.strip()}"):
            continue
        report = run.report()
        if not checks.expect(report["crash"], f"{name}: {file.name}: {report['verdict']['summary']}"):
            continue
        before = checks.failed
        check(checks, f"{name}: {file.name}", folder, truth, report, run, window)
        check_expected(checks, f"{name}: {file.name}", scenario, report)
        run = Run("sh", SEALED, arguments.program, "analyze", "--format", "json", "--debug-dir",
                  str(folder / "debug"), str(file))
        check_lines(checks, f"{name}: {file.name}", run.report())
        v = report["verdict"]
        grades = [f["grade"] for f in report["content_files"] if f["path"] == v["content_file"]]
        print(f"| {truth['release']} | {scenario} | {file.name} | {v['culprit'] or 'nobody'} | "
              f"{v.get('function') or '-'} | {v['content_file'] or '-'} {''.join(grades[:1])} | "
              f"{v['class']}, {v['confidence']} | {'ok' if checks.failed == before else 'WRONG'} |",
              flush=True)


def plan(arguments):
    """What to make: scenario, kernel and make-vmcore's further options."""
    if not arguments.all:
        return [(s, k) for k in arguments.kernels for s in arguments.scenarios]
    runs = [(s, k) for k in arguments.kernels for s in ALL]
    for kernel in arguments.kernels:
        runs += [("content", kernel, "--how", "qemu", "--formats", "elf,zlib"),
                 ("content", kernel, "--formats", "lzo,elf,flat,none")]
    runs += [("content", "6.1.0-47-rt-amd64"), ("content", "6.1.0-47-amd64"), ("content", "bullseye/5.10")]
    if shutil.which("aarch64-linux-gnu-gcc-12") and shutil.which("qemu-system-aarch64"):
        runs += [(s, "6.12", "--arch", "arm64") for s in ("content", "sysrq")]
    return runs


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("make_vmcore")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--scenarios", type=lambda t: t.split(","), default=["content", "heap", "sysrq"])
    parser.add_argument("--kernels", type=lambda t: t.split(","), default=["6.1", "6.12"])
    parser.add_argument("--keep", type=pathlib.Path, help="leave the vmcores and their truth there")
    arguments = parser.parse_args()
    arguments.not_made = []
    arguments.program = str(pathlib.Path(arguments.program).resolve())
    if os.environ.get("CULPRIT_LAB") != "1":
        print("[SKIP] CULPRIT_LAB is not 1: crashing kernels takes minutes and downloads them")
        return SKIPPED
    missing = [tool for tool in TOOLS if not shutil.which(tool)]
    if missing:
        print(f"FAILED: the lab needs {', '.join(missing)}: sh scripts/packages lab")
        return 1
    checks = Checks()
    print("| kernel | scenario | file | culprit | function | content file, grade | verdict | truth |\n"
          "|---|---|---|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory(prefix="culprit-lab-") as scratch:
        for scenario, kernel, *options in plan(arguments):
            label = "-".join([scenario, kernel.replace("/", "-"), *options]).replace(",", "+")
            folder = (arguments.keep or pathlib.Path(scratch)) / label
            one(checks, arguments, folder, scenario, kernel, *options)
            if not arguments.keep:
                shutil.rmtree(folder, ignore_errors=True)
    if not checks.passed and not checks.failed:
        print("[SKIP] no vmcore could be made here")
        return SKIPPED
    checks.equal(arguments.not_made, [], "vmcores that could not be made")
    return checks.finish()


if __name__ == "__main__":
    sys.exit(main())
