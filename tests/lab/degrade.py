#!/usr/bin/env python3
"""What is left when the kernel's description of itself is not in a vmcore, and what a vmlinux gives
back: takes BTF, or the symbol table, or both out of copies of an ELF vmcore that has every page, and
looks at what culprit says with and without --vmlinux.

Usage: degrade.py CULPRIT VMCORE.ELF [--vmlinux FILE] [--other DIR] [--keep DIR]
Without --vmlinux only the losses are looked at. The vmcore is that of the lab's scenario `content`
(make-vmcore content OUT --how qemu), or the corpus' archive amd64-6.1.tar.xz, which has one, and
whose kernel's vmlinux is in the package linux-image-6.1.0-56-cloud-amd64-dbg. The vmlinux is tried
whole and, for its DWARF, without its own BTF. --other: a folder with debug files of something else,
all of which must be refused.
"""
import argparse
import pathlib
import re
import shutil
import struct
import sys
import tarfile
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))
from culprit import Checks, Run, analyze  # noqa: E402

MEMBER = "amd64-6.1/content-qemu.elf"
CONTENT = "/opt/acme/channel/C-00000291-00000000-00000032.sys"
KERNEL_MAP = 0xffffffff80000000
BTF_HEADER = re.compile(rb"\x9f\xeb\x01\x00\x18\x00\x00\x00\x00\x00\x00\x00", re.S)


class Core:
    """An ELF core of physical memory, little-endian, 64 bits."""

    def __init__(self, path):
        self.path = path
        with open(path, "rb") as file:
            head = file.read(64)
            start, = struct.unpack_from("<Q", head, 32)
            size, count = struct.unpack_from("<HH", head, 54)
            file.seek(start)
            self.segments = [struct.unpack_from("<IIQQQQ", file.read(size)) for _ in range(count)]
            note = next(s for s in self.segments if s[0] == 4)
            file.seek(note[2])
            text = file.read(note[5])
        self.info = dict(line.split(b"=", 1) for line in text[text.index(b"OSRELEASE="):].split(b"\n")
                         if b"=" in line)
        self.phys_base = int(self.info[b"NUMBER(phys_base)"])

    def place(self, address):
        """Where the kernel image's @p address is in the file."""
        physical = address - KERNEL_MAP + self.phys_base
        for _, _, offset, _, start, size in (s for s in self.segments if s[0] == 1):
            if start <= physical < start + size:
                return offset + physical - start
        raise KeyError(hex(address))

    def btf(self):
        """Offset and size of the BTF, which stands behind the text."""
        start = self.place(int(self.info[b"SYMBOL(_stext)"], 16))
        with open(self.path, "rb") as file:
            file.seek(start)
            data = file.read(64 << 20)
        for match in BTF_HEADER.finditer(data):
            types, names, length = struct.unpack_from("<III", data, match.start() + 12)
            if types == names and types > 1 << 18:
                return start + match.start(), 24 + types + length
        raise KeyError("BTF")

    def kallsyms(self):
        names, tokens = (int(self.info[f"SYMBOL(kallsyms_{name})".encode()], 16)
                         for name in ("names", "token_table"))
        return self.place(names), tokens - names


def without(core, ranges, folder, name):
    copy = folder / name
    shutil.copy(core.path, copy)
    copy.chmod(0o600)
    with open(copy, "r+b") as file:
        for offset, size in ranges:
            file.seek(offset)
            file.write(bytes(size))
    return copy


def without_btf(vmlinux, folder):
    """A vmlinux whose .BTF has another name."""
    copy = folder / "vmlinux-dwarf"
    shutil.copy(vmlinux, copy)
    copy.chmod(0o600)
    with open(copy, "r+b") as file:
        head = file.read(64)
        start, = struct.unpack_from("<Q", head, 40)
        size, _, index = struct.unpack_from("<HHH", head, 58)
        file.seek(start + size * index)
        _, _, _, _, offset, length = struct.unpack_from("<IIQQQQ", file.read(size))
        file.seek(offset)
        names = file.read(length)
        file.seek(offset + names.index(b"\0.BTF\0") + 1)
        file.write(b".XXX")
    return copy


def check_loss(checks, name, run, report, codes):
    problems = {p["code"]: p["message"] for p in report["input"]["problems"]}
    for code in codes:
        checks.expect(code in problems, f"{name}: {code} is not among {problems}")
    checks.equal(run.status, 4, f"{name}: exit status")
    checks.equal(report["input"]["status"], "partial", f"{name}: status")
    # the kernel's log is left, and what was printed there
    checks.equal(report["verdict"]["culprit"], "acme_edr", f"{name}: culprit")
    checks.equal(report["stack"][0]["symbol"], "acme_match_template+0x28", f"{name}: function")
    checks.expect("source" not in report["stack"][0], f"{name}: lines out of nothing")
    print(f"{name}: {report['verdict']['summary']}")
    for code in codes:
        print(f"    {problems.get(code)}")


def check_whole(checks, name, run, report, layouts):
    verdict = report["verdict"]
    print(f"{name}: {verdict['summary']}")
    checks.equal(run.status, 0, f"{name}: exit status")
    checks.equal(report["input"]["status"], "complete", f"{name}: status")
    checks.equal(verdict["culprit"], "acme_edr", f"{name}: culprit")
    checks.equal(verdict["content_file"], CONTENT, f"{name}: content file")
    checks.equal(report["content_files"][0]["grade"], "A", f"{name}: grade")
    checks.equal(report["stack"][0]["symbol"], "acme_match_template+0x28", f"{name}: function")
    lines = [f["source"][0]["file"] for f in report["stack"] if f["module"] == "vmlinux"]
    checks.expect("fs/read_write.c" in lines, f"{name}: lines of the kernel: {lines}")
    use = report["input"]["debug_files"]
    checks.equal([u["of"] for u in use], ["vmlinux"], f"{name}: files used")
    checks.equal("layouts" in use[0]["gives"], layouts is not None, f"{name}: {use}")
    if layouts:
        told = " ".join(p["message"] for p in report["input"]["problems"])
        checks.expect(f"the {layouts} of the vmlinux" in told, f"{name}: {told}")


def check_refused(checks, culprit, vmcore, why, *options):
    """A file that does not fit changes nothing but one line."""
    (report,), run = analyze(culprit, *options, vmcore)
    name = " ".join(str(o) for o in options)
    checks.equal(run.status, 0, f"{name}: exit status")
    checks.equal(report["verdict"]["culprit"], "acme_edr", f"{name}: culprit")
    checks.expect("debug_files" not in report["input"], f"{name}: it was used")
    checks.expect(not any("source" in f for f in report["stack"]), f"{name}: lines of another kernel")
    told = [p["message"] for p in report["input"]["problems"]]
    checks.expect(len(told) == 1 and why in told[0], f"{name}: {told}")
    run = Run(culprit, "stack", *options, vmcore)
    checks.expect(why in run.err and run.err.count("\n") == 1, f"{name}: {run.err!r}")
    print(run.err.strip())


def check_others(checks, culprit, vmcore, other, folder):
    garbage = folder / "garbage"
    garbage.write_bytes(b"vmlinux, or so it says " * 1000)
    cases = [(garbage, "it is not an ELF file"), (other / "sample-vmlinux-5", "it is of another kernel"),
             (other / "sample-4.ko", "it is of another kernel")]
    for file, why in cases:
        check_refused(checks, culprit, vmcore, why, "--vmlinux", file)
    shutil.copy(other / "sample-4.ko", folder / "acme_edr.ko")
    check_refused(checks, culprit, vmcore, "file of acme_edr in the debug directory was not used",
                  "--debug-dir", folder)
    (folder / "acme_edr.ko").unlink()
    check_refused(checks, culprit, vmcore, "has no file of the module acme_edr", "--debug-dir", folder)
    for option in ("--vmlinux", "--debug-dir"):
        run = Run(culprit, "analyze", option, str(folder / "not-there"), vmcore)
        checks.equal((run.status, run.out), (2, ""), f"{option} of what is not there")
        checks.expect("No such file" in run.err, f"{option}: {run.err!r}")


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("culprit")
    p.add_argument("vmcore", type=pathlib.Path)
    p.add_argument("--vmlinux", type=pathlib.Path)
    p.add_argument("--other", type=pathlib.Path)
    p.add_argument("--keep", type=pathlib.Path)
    a = p.parse_args()
    checks = Checks()
    with tempfile.TemporaryDirectory() as temporary:
        folder = a.keep or pathlib.Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        if tarfile.is_tarfile(a.vmcore):
            with tarfile.open(a.vmcore) as archive:
                archive.extract(MEMBER, temporary, filter="data")
            a.vmcore = pathlib.Path(temporary) / MEMBER
        core = Core(a.vmcore)
        losses = {"no BTF": ([core.btf()], ["btf-damaged"]),
                  "no symbols": ([core.kallsyms()], ["kallsyms-damaged"]),
                  "neither": ([core.btf(), core.kallsyms()], ["no-btf", "kallsyms-damaged"])}
        if a.other:
            check_others(checks, a.culprit, a.vmcore, a.other, folder)
        vmlinuxes = {"BTF": a.vmlinux, "DWARF": without_btf(a.vmlinux, folder)} if a.vmlinux else {}
        for name, (ranges, codes) in losses.items():
            copy = without(core, ranges, folder, name.replace(" ", "-"))
            (report,), run = analyze(a.culprit, copy)
            check_loss(checks, name, run, report, codes)
            for layouts, vmlinux in vmlinuxes.items():
                (report,), run = analyze(a.culprit, "--vmlinux", vmlinux, copy)
                check_whole(checks, f"{name}, vmlinux with {layouts}", run, report,
                            layouts if name != "no symbols" else None)
            if not a.keep:
                copy.unlink()
    return checks.finish()


sys.exit(main())
