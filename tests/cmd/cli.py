#!/usr/bin/env python3
"""The program from outside: exit codes, inputs, outputs, and children that die.

Usage: cli.py CULPRIT SAMPLES
"""
import gzip
import hashlib
import json
import os
import pathlib
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import zipfile
import zlib

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))
from culprit import ENVIRONMENT, Checks, Run, analyze  # noqa: E402


class Cli:
    def __init__(self, program, samples, folder):
        self.program, self.folder = program, folder
        self.checks = Checks()
        self.good = str(samples / "channel-file-291.dmp")
        self.other = str(samples / "tdr.dmp")
        self.nobody = str(samples / "csagent-impostor.dmp")

    def run(self, *arguments, **options):
        return Run(self.program, *map(str, arguments), **options)

    def expect(self, status, *arguments, err=None, out=None, **options):
        run = self.run(*arguments, **options)
        what = " ".join(map(str, arguments))
        self.checks.equal(run.status, status, f"exit of {what} ({run.err.strip()[:200]})")
        if err is not None:
            self.checks.expect(re.search(err, run.err), f"{what}: stderr is {run.err[:300]!r}")
        if out is not None:
            self.checks.expect(re.search(out, run.out), f"{what}: stdout is {run.out[:300]!r}")
        if status == 2:
            lines = [line for line in run.err.splitlines() if line.startswith("culprit: ")]
            self.checks.equal(len(lines), 1, f"sentences of {what}")
            self.checks.equal(run.out, "", f"stdout of {what}")
        return run

    # ---- usage

    def usage(self):
        self.expect(2, err="usage: culprit")
        self.expect(2, "analize", "x", err="did you mean 'analyze'")
        self.expect(2, self.good, err="did you mean 'culprit analyze")
        self.expect(2, "--frobnicate", err="no option")
        self.expect(2, "analyze", err="needs an argument")
        self.expect(2, "analyze", "--frmat", "json", "x", err="did you mean --format")
        self.expect(2, "analyze", "-x", "x", err="no option -x")
        self.expect(2, "analyze", "--format", err="needs a value")
        self.expect(2, "analyze", "-f", err="-f needs a value")
        self.expect(2, "analyze", "--all=1", "x")
        self.expect(2, "analyze", "--format", "xml", self.good, err="text, json, jsonl, markdown")
        self.expect(2, "analyze", "--color", "red", self.good, err="auto always never")
        self.expect(2, "analyze", "--rules", "/nonexistent", self.good)
        self.expect(2, "analyze", "--vmlinux", "/nonexistent", self.good, err="could not be opened")
        self.expect(2, "stack", "--debug-dir", __file__, self.good, err="Not a directory")
        self.expect(2, "analyze", "--vmlinux", self.folder, self.good, err="is not a file")
        self.expect(2, "info", "a", "b", err="no more than 1 argument")
        self.expect(2, "modules", "--format", "xml", self.good, err="text json")
        self.expect(2, "help", "analize", err="did you mean")
        self.expect(2, "scan", self.good, err="--rules DIR")
        self.expect(2, "runbook", "crowdstrike-2024-07-19-cf29", err="did you mean")
        self.expect(2, "rules", "lst", err="did you mean 'list'")
        self.expect(2, "rules", "show", err="NAME")
        self.expect(2, "rules", "show", "vendor.tsv", err="did you mean 'vendors.tsv'")
        self.expect(2, "analyze", "\x1b[31m\u202e", "--x\x1b[2J", err=r"\\x1b")
        self.expect(0, "--version", out=r"^culprit \d+\.\d+\.\d+\n$")
        self.expect(0, "--help", out="Commands:")
        self.expect(0, "analyze", "--schema", out="json-schema.org")

    # ---- exit codes of evidence

    def exits(self):
        self.expect(0, "analyze", self.good, out=r"^csagent\.sys")
        self.expect(0, "analyze", "--vmlinux", __file__, self.good, out="have no use here")
        self.expect(0, "stack", "--debug-dir", self.folder, self.good, err="have no use here")
        self.expect(3, "analyze", "/nonexistent", out="could not be opened")
        self.expect(3, "analyze", "--format", "json", self.folder, out="is a directory")
        self.expect(3, "analyze", "/dev/null", out="device")
        self.expect(3, "analyze", __file__, out="could not be read as evidence")
        cut = self.folder / "cut.dmp"
        cut.write_bytes(pathlib.Path(self.good).read_bytes()[:100000])
        partial = self.run("analyze", cut)
        self.checks.equal(partial.status, 4, "exit for a dump that is cut")
        self.checks.expect("Incomplete" in partial.out, "a cut dump is called incomplete")
        for files, status in (([self.good, "/nonexistent", cut], 3), ([self.good, cut], 4),
                              ([cut, self.good], 4), ([self.good, self.good], 0)):
            self.expect(status, "analyze", "--format", "jsonl", *files)
        for command in ("info", "modules", "stack", "files", "strings", "timeline"):
            self.expect(0, command, self.good)
            self.expect(3, command, __file__, err="culprit: ")
            self.expect(4, command, "--format", "json", cut, err="culprit: ")
        self.expect(0, "bugcheck", "0x50", out="PAGE_FAULT_IN_NONPAGED_AREA")
        self.expect(0, "bugcheck", "page_fault_in_nonpaged_area", "-f", "json", out='"0x00000050"')
        self.expect(1, "bugcheck", "MEMORY_MANGEMENT", err="did you mean MEMORY_MANAGEMENT")
        self.expect(0, "runbook", out="crowdstrike-2024-07-19-cf291")
        for form in ("text", "markdown", "json"):
            self.expect(0, "runbook", "-f", form, "crowdstrike-2024-07-19-cf291", out="BitLocker")
        self.expect(0, "rules", "list", out="sha256:[0-9a-f]{64}")
        self.expect(0, "rules", "show", "vendors.tsv", out="^driver\tvendor")
        self.expect(3, "rules", "check", "/nonexistent")

    # ---- inputs

    def archives(self):
        archive, good = self.folder / "evidence.zip", pathlib.Path(self.good).read_bytes()
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as z:
            z.writestr("readme.txt", "nothing")
            z.writestr("Minidump/one.dmp", good)
            z.writestr("Minidump/tw\x1b[31mo.dmp", good)
        reports, run = analyze(self.program, str(archive))
        self.checks.equal([r["input"]["path"] for r in reports],
                          [f"{archive}!Minidump/one.dmp", f"{archive}!Minidump/tw\\x1b[31mo.dmp"],
                          "members")
        self.checks.equal(run.status, 0, "exit for an archive")
        self.checks.equal({tuple(r["input"]["containers"]) for r in reports}, {("zip",)}, "containers")
        one = f"{archive}!Minidump/one.dmp"
        picked = self.run("analyze", "--format", "json", one).report()
        self.checks.equal(picked, reports[0], "one member")
        self.checks.equal(len(self.run("analyze", "--format", "json", archive).report()), 2,
                          "an array for two members")
        self.expect(3, "analyze", f"{archive}!absent.dmp")
        text = self.run("analyze", archive).out
        self.checks.equal(len(re.findall(r"(?m)^== ", text)), 2, "headings of members")
        parts = self.run("stack", "--format", "json", archive).report()
        self.checks.equal([sorted(p) for p in parts], [["path", "stack"]] * 2, "parts of members")
        packed = self.folder / "good.dmp.gz"
        packed.write_bytes(gzip.compress(good))
        report = self.run("analyze", "--format", "json", packed).report()
        self.checks.equal(report["input"]["containers"], ["gzip"], "containers of a .gz")
        self.checks.equal(report["input"]["bytes"], len(good), "bytes after unpacking")

    def standard_input(self):
        expected = self.run("analyze", "--format", "json", self.good).report()
        with open(self.good, "rb") as stream:
            run = self.run("analyze", "--format", "json", "-", stdin=stream)
        got = run.report()
        self.checks.equal(got["input"]["path"], "-", "path of standard input")
        got["input"]["path"] = expected["input"]["path"]
        self.checks.equal(got, expected, "report from standard input")
        with subprocess.Popen(["cat", self.good], stdout=subprocess.PIPE) as cat:
            run = self.run("analyze", "--format", "json", "-", stdin=cat.stdout)
        self.checks.equal(run.report()["verdict"], expected["verdict"], "verdict from a pipe")
        self.checks.equal(self.run("analyze", "-").status, 3, "exit for empty input")

    def order(self):
        files = [self.good, "/nonexistent", self.other, self.good, __file__, self.other] * 3
        reports, _ = analyze(self.program, *files)
        self.checks.equal([r["input"]["path"] for r in reports], files, "order of the reports")
        again, _ = analyze(self.program, *files)
        self.checks.equal(again, reports, "the same again")
        array = self.run("analyze", "--format", "json", *files).report()
        self.checks.equal(array, reports, "json and jsonl")

    # ---- outputs

    def outputs(self):
        answer = self.folder / "answer.json"
        self.expect(0, "analyze", "--format", "json", "-o", answer, self.good, out="^$")
        before = answer.read_text(encoding="utf-8")
        self.checks.equal(json.loads(before)["input"]["path"], self.good, "the answer in a file")
        self.expect(2, "analyze", "-o", answer, self.good, err="--force")
        self.checks.equal(answer.read_text(encoding="utf-8"), before, "the file was left alone")
        self.expect(0, "analyze", "--force", "-o", answer, self.good)
        self.checks.expect(answer.read_text(encoding="utf-8").startswith("csagent.sys"), "--force")
        copy = self.folder / "evidence.dmp"
        shutil.copy(self.good, copy)
        self.expect(2, "analyze", "--force", "-o", copy, copy, err="never overwritten")
        link = self.folder / "link.dmp"
        link.symlink_to(copy)
        self.expect(2, "analyze", "--force", "-o", link, copy, err="never overwritten")
        self.checks.equal(copy.read_bytes(), pathlib.Path(self.good).read_bytes(), "evidence")
        self.expect(2, "analyze", "-o", self.folder / "no/such/folder", self.good)
        self.expect(2, "analyze", "--force", "-o", self.folder, self.good)
        with open("/dev/full", "wb") as full:
            done = subprocess.run([self.program, "analyze", self.good], stdout=full, env=ENVIRONMENT,
                                  stderr=subprocess.PIPE, check=False)
        self.checks.equal(done.returncode, 2, "exit when the answer cannot be written")
        self.checks.equal([p.name for p in self.folder.iterdir() if p.name.startswith(".")], [],
                          "files left behind")

    def color(self):
        for arguments, colored in (([], False), (["--color", "always"], True),
                                   (["--color=never"], False)):
            out = self.run("analyze", *arguments, self.good).out
            self.checks.equal("\x1b[" in out, colored, f"colour with {arguments}")

    # ---- rules of a person

    def rules(self):
        folder = self.folder / "rules"
        folder.mkdir()
        for name in re.findall(r"(?m)^ *\d+  (\S+)$", self.run("rules", "list").out):
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(self.run("rules", "show", name).out, encoding="utf-8")
        built_in = self.run("rules", "check")
        self.checks.equal(built_in.status, 0, f"the built-in rules ({built_in.out[:300]})")
        self.expect(0, "rules", "check", folder, out="are sound")
        same = self.run("rules", "list", "--rules", folder).out.splitlines()[-1]
        self.checks.equal(same, self.run("rules", "list").out.splitlines()[-1], "hash of a copy")
        (folder / "vendors.tsv").write_text("driver\tvendor\n\x1b[31m\n", encoding="utf-8")
        self.expect(1, "rules", "check", folder, out=r"^vendors\.tsv:\d+: ")
        run = self.run("analyze", "--rules", folder, self.good)
        self.checks.expect("vendors.tsv:" in run.err, f"a bad rule file is loud: {run.err[:200]!r}")
        self.checks.expect(run.status in (0, 1), "a bad rule file does not stop the others")

    def scan(self):
        folder = self.folder / "yara"
        folder.mkdir()
        (folder / "a.yar").write_text(
            'rule mine { strings: $a = "C-00000291" wide ascii nocase condition: $a }')
        (folder / "b.yar").write_text('rule mine { condition: false }\nrule broken {')
        (folder / "c.yar").write_text('include "/etc/passwd"')
        run = self.run("scan", "--rules", folder, self.good)
        self.checks.equal(run.status, 0, f"exit of scan ({run.err[:200]})")
        self.checks.expect(re.search(r"(?m)^0x[0-9a-f]{16} +mine +\$a", run.out), run.out[:200])
        self.checks.expect(re.search(r"b\.yar:\d+: ", run.err), run.err[:300])
        self.checks.expect(re.search(r"c\.yar:\d+: ", run.err), run.err[:300])
        hits = self.run("scan", "--rules", folder / "a.yar", "-f", "json", self.good).report()
        self.checks.expect(hits and all(h["rule"] == "mine" for h in hits), f"hits: {hits}")
        (folder / "none.yar").write_text('rule nowhere { strings: $a = "no such text" condition: $a }')
        run = self.expect(0, "scan", "--rules", folder / "none.yar", "-f", "json", self.good)
        self.checks.equal(run.report(), [], "no hits")
        (folder / "all.yar").write_text('rule zeros { strings: $a = { 00 00 } condition: $a }')
        run = self.expect(4, "scan", "--rules", folder / "all.yar", "-f", "json", self.good,
                          err="the rest is not listed")
        self.checks.equal(len(run.report()), 4096, "hits listed")
        self.expect(2, "scan", "--rules", folder / "b.yar", self.good)
        self.expect(2, "scan", "--rules", "/nonexistent", self.good)

    # ---- parts of one dump

    def part(self, name, first, end, split=1, release=b"6.1.0-test", second=b"1795319332"):
        """A kdump file of 100 page frames that are zeros, or one part of such a file."""
        info, page = b"OSRELEASE=" + release + b"\nPAGESIZE=4096\nCRASHTIME=" + second + b"\n", 4096
        data = bytearray(4 * page)

        def put(at, value, size=4):
            data[at:at + size] = value if isinstance(value, bytes) else value.to_bytes(size, "little")

        for at, value, size in ((0, b"KDUMP   ", 8), (8, 6, 4), (12 + 65, b"host", 4),
                                (12 + 2 * 65, release, len(release)), (12 + 4 * 65, b"x86_64", 6),
                                (424, 1, 4), (428, page, 4), (432, 1, 4), (436, 2, 4), (440, 100, 4),
                                (460, 1, 4), (page + 8, 31, 4), (page + 12, split, 4),
                                (page + 32, page + 512, 8), (page + 40, len(info), 8),
                                (page + 80, first, 8), (page + 88, end, 8), (page + 96, 100, 8),
                                (page + 512, info, len(info)),
                                (2 * page, (1 << 100) - 1, 13), (3 * page, (1 << 100) - 1, 13)):
            put(at, value, size)
        packed, saved = zlib.compress(bytes(page)), end - first
        for _ in range(saved):
            data += struct.pack("<QIIQ", 4 * page + 24 * saved, len(packed), 1, 0)
        file = self.folder / name
        file.write_bytes(data + packed)
        return file

    def split(self):
        a, b, c = (self.part(f"vmcore.{i}", *frames)
                   for i, frames in enumerate(((0, 30), (30, 60), (60, 100)), 1))
        for order in ((a, b, c), (c, a, b)):
            reports, run = analyze(self.program, "--split", *map(str, order))
            self.checks.equal(len(reports), 1, f"reports of three parts ({run.err})")
            got, problems = reports[0]["input"], str(reports[0]["input"]["problems"])
            self.checks.equal((got["path"], got["sha256"], got["format"], got["bytes"]),
                              (str(order[0]), None, "linux-vmcore-kdump-split",
                               sum(p.stat().st_size for p in order)), "input of three parts")
            self.checks.equal(got["parts"], [
                {"path": str(p), "sha256": hashlib.sha256(p.read_bytes()).hexdigest(),
                 "bytes": p.stat().st_size} for p in order], "parts")
            self.checks.expect("split" not in problems and "elsewhere" not in problems, problems)
        run = self.run("analyze", "--split", b, a)
        self.checks.equal(run.status, 4, "exit when a part is not among them")
        self.checks.expect("page frames 0x3c to 0x64 are in none of the 2" in re.sub(
            r"\s+", " ", run.out), f"what is missing: {run.out[:500]}")
        alone = re.sub(r"\s+", " ", self.run("analyze", b).out)
        self.checks.expect("give all its parts together with --split" in alone, alone[:500])
        self.checks.equal(self.run("analyze", "--split", b).out, self.run("analyze", b).out,
                          "a set of one part")
        self.expect(4, "info", "--split", c, b, a, out=r"(?s)Part +\S*vmcore.3.*Part +\S*vmcore.2")
        for command in ("modules", "stack", "files", "timeline"):
            self.expect(4, command, "--split", a, b, c, err="culprit: ")
        with gzip.open(self.folder / "vmcore.2.gz", "wb") as packed:
            packed.write(b.read_bytes())
        with zipfile.ZipFile(self.folder / "parts.zip", "w") as packed:
            for p in (c, a):
                packed.write(p, p.name)
        reports, _ = analyze(self.program, "--split", str(self.folder / "parts.zip"),
                             str(self.folder / "vmcore.2.gz"))
        self.checks.equal([(p["path"].rpartition("/")[2], p["bytes"])
                           for p in reports[0]["input"]["parts"]],
                          [("parts.zip!vmcore.3", c.stat().st_size),
                           ("parts.zip!vmcore.1", a.stat().st_size),
                           ("vmcore.2.gz", b.stat().st_size)], "packed parts")
        self.checks.expect("split" not in str(reports[0]["input"]["problems"]), "packed parts")

    def wrong_mix(self):
        a, b = self.part("one", 0, 50), self.part("two", 50, 100)
        cut = self.folder / "cut"
        cut.write_bytes(b.read_bytes()[:5000])
        for others, code, sentence in (
                ([a], "usage", "one and .*one are the same part: page frames 0x0 to 0x32"),
                ([self.part("more", 40, 100)], "usage", "overlap: both have page frame 0x28"),
                ([self.part("whole", 0, 100, split=0), b], "usage", "whole is a whole vmcore"),
                ([self.part("kernel", 50, 100, release=b"6.12.0-test")], "usage",
                 "not parts of the same vmcore: the release of the kernel differs"),
                ([self.part("again", 50, 100, second=b"1795319333")], "usage",
                 "not parts of the same vmcore: the VMCOREINFO .* differs"),
                ([b, self.good], "usage", "channel-file-291.dmp: it is of kind windows-kernel-triage"),
                ([b, __file__], "not-evidence", "cli.py: text, not a dump"),
                ([cut], "truncated", "cut: the file ends before the end of the page bitmaps"),
                ([b, "/nonexistent"], "io", "nonexistent: it could not be opened")):
            reports, run = analyze(self.program, "--split", str(a), *map(str, others))
            self.checks.equal((run.status, len(reports)), (3, 1), f"exit: {sentence}")
            got = reports[0]["input"]
            self.checks.equal([p["path"] for p in got["parts"]], [str(a), *map(str, others)],
                              f"parts: {sentence}")
            self.checks.equal((got["status"], got["problems"][0]["code"]), ("unreadable", code),
                              sentence)
            self.checks.expect(re.search(sentence, got["problems"][0]["message"]),
                               f"{got['problems'][0]['message']} says {sentence}")
        self.expect(3, "analyze", "--split", a, a, out=r"These 2 files could not be read as one")
        self.expect(2, "analyze", "--split", *[a] * 33, err="no more than 32 files")
        self.expect(2, "info", "--split", err="needs an argument")

    # ---- children that die

    def start_blocked(self):
        """culprit with a child that waits for the rest of standard input."""
        run = subprocess.Popen([self.program, "analyze", "--format", "jsonl", "-", self.good],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, env=ENVIRONMENT)
        run.stdin.write(pathlib.Path(self.good).read_bytes()[:5000])
        run.stdin.flush()
        return run

    def children(self, pid):
        path = pathlib.Path(f"/proc/{pid}/task/{pid}/children")
        return [int(child) for child in path.read_text().split()] if path.exists() else []

    def wait_for(self, find):
        for _ in range(200):
            found = find()
            if found:
                return found
            time.sleep(0.02)
        raise AssertionError("a process that should be there is not")

    def deaths(self):
        if not pathlib.Path("/proc/self/task").exists():
            return
        for victim in ("reader", "lane"):
            run = self.start_blocked()
            # the lane of the first input is the one whose child stays
            lane, child = self.wait_for(lambda run=run: [
                (a, b) for a in self.children(run.pid) for b in self.children(a)])[0]
            time.sleep(0.3)
            alive = [(a, b) for a in self.children(run.pid) for b in self.children(a)]
            lane, child = alive[0] if alive else (lane, child)
            os.kill(child if victim == "reader" else lane, signal.SIGKILL)
            out, _ = run.communicate(timeout=60)
            reports = [json.loads(line) for line in out.splitlines()]
            self.checks.equal(run.returncode, 3, f"exit when the {victim} is killed")
            self.checks.equal(len(reports), 2, f"reports when the {victim} is killed")
            problem = reports[0]["input"]["problems"][0]
            self.checks.equal(problem["code"], "reader-died", f"code when the {victim} is killed")
            self.checks.expect(re.search("killed" if victim == "reader" else "ended early",
                                         problem["message"]), problem["message"])
            self.checks.equal(reports[1]["verdict"]["culprit"], "csagent.sys", "the next input")

    def interrupted(self):
        answer = self.folder / "interrupted.json"
        run = subprocess.Popen([self.program, "analyze", "-o", str(answer), "-"], env=ENVIRONMENT,
                               stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        self.wait_for(lambda: self.children(run.pid))
        time.sleep(0.2)
        lanes = self.children(run.pid)
        run.send_signal(signal.SIGTERM)
        run.communicate(timeout=60)
        self.checks.equal(run.returncode, -signal.SIGTERM, "exit when it is terminated")
        self.checks.equal([p.name for p in self.folder.iterdir() if "interrupted" in p.name], [],
                          "files left behind by SIGTERM")
        time.sleep(0.2)
        self.checks.equal([p for p in lanes if pathlib.Path(f"/proc/{p}/exe").exists()], [],
                          "processes left behind by SIGTERM")


def main():
    with tempfile.TemporaryDirectory() as name:
        cli = Cli(sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(name))
        for test in (cli.usage, cli.exits, cli.archives, cli.standard_input, cli.order, cli.outputs,
                     cli.color, cli.rules, cli.scan, cli.split, cli.wrong_mix, cli.deaths, cli.interrupted):
            test()
    return cli.checks.finish()


if __name__ == "__main__":
    sys.exit(main())
