#!/usr/bin/env python3
"""The program from outside: exit codes, inputs, outputs, and children that die.

Usage: cli.py CULPRIT SAMPLES
"""
import gzip
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zipfile

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
        self.expect(2, "scan", "--rules", folder / "b.yar", self.good)
        self.expect(2, "scan", "--rules", "/nonexistent", self.good)

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
                     cli.color, cli.rules, cli.scan, cli.deaths, cli.interrupted):
            test()
    return cli.checks.finish()


if __name__ == "__main__":
    sys.exit(main())
