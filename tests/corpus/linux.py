#!/usr/bin/env python3
"""culprit against the real vmcores: every fact the manifest states about them, in every format.

Usage: linux.py CULPRIT CORPUS [--unpacked DIR] [--makedumpfile PROGRAM] [--table]
CORPUS is the folder with linux/MANIFEST.tsv. Its packs are unpacked below DIR, or a temporary
folder (800 MB). With makedumpfile the same crashes are also saved in other formats; some are split
into parts.
"""
import argparse
import csv
import hashlib
import itertools
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tarfile
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))
import linux_scan  # noqa: E402
from culprit import Checks, Run, analyze  # noqa: E402

INNOCENT = {"nimbus_vfs", "vmlinux", "khungtaskd"}
GOOD_FILE = "/opt/acme/channel/C-00000290-00000000-00000011.sys"
# The sizes of the files that channel.py wrote; their hashes are those of the bytes in memory.
FORMATS = {"linux-vmcore-kdump", "linux-vmcore-elf"}


def unpack(corpus, folder):
    for pack in sorted((corpus / "linux").glob("*.tar.xz")):
        if not (folder / pack.name[:-7]).is_dir():
            with tarfile.open(pack) as tar:
                tar.extractall(folder, filter="data") if hasattr(tarfile, "data_filter") \
                    else tar.extractall(folder)


def culprit_of(row):
    """Name of the module or BPF program that the manifest holds responsible."""
    if row["at fault"].startswith("nobody"):
        return None
    bpf = re.match(r"BPF program (\w+)", row["at fault"])
    return bpf[1] if bpf else re.match(r"\w+", row["at fault"])[0]


def symbol_fits(got, wanted):
    """wanted may have no offset."""
    name = (got or "").split("+")[0].split(".constprop")[0]
    return got == wanted or ("+" not in wanted and name == wanted)


def check_place(checks, name, row, report):
    frames = report["stack"]
    where = re.sub(r" \(.*", "", row["function+offset"])
    where, _, caller = where.partition(", called from ")
    symbols = [f["symbol"] for f in frames]
    if where == "0x0":
        checks.equal(int(frames[0]["address"], 16), 0, f"{name}: RIP")
    elif row["panic or oops"].endswith("blocked tasks") or where == "sysrq_handle_crash":
        checks.expect(any(symbol_fits(s, where) for s in symbols), f"{name}: {where} in {symbols}")
    else:
        checks.expect(symbol_fits(symbols[0], where), f"{name}: {symbols[0]} is {where}")
    if caller == "the program":
        checks.equal(frames[1]["module"], culprit_of(row), f"{name}: caller")
    elif caller:
        checks.expect(symbol_fits(symbols[1], caller), f"{name}: {symbols[1]} is {caller}")
    if culprit_of(row) and "overrun" not in row["at fault"]:
        first = next(f for f in frames if f["blame"] == "chosen")
        checks.equal(first["symbol"], report["verdict"]["function"], f"{name}: function")
    trusted = [f for f in frames if f["trust"] == "scan"]
    checks.equal(trusted, [], f"{name}: frames that are only scanned")


def check_content(checks, name, row, report):
    verdict, path = report["verdict"], row["content file"]
    cited = {f["path"]: f for f in report["content_files"] if f["cited"]}
    if path == "-":
        checks.equal(verdict["content_file"], None, f"{name}: content file")
        checks.equal(cited, {}, f"{name}: cited")
        return
    checks.equal(verdict["content_file"], path, f"{name}: content file")
    checks.equal(set(cited), {path}, f"{name}: cited")
    if path not in cited:
        return
    file = cited[path]
    checks.expect(file["grade"] in "AB", f"{name}: grade {file['grade']}")
    checks.expect(file["mtime"] and file["inode"] and 17000 < file["size"] < 19000,
                  f"{name}: {path}: mtime {file['mtime']} inode {file['inode']} size {file['size']}")
    checks.expect(any(path in e["event"] and "written" in e["event"] for e in report["timeline"]),
                  f"{name}: content file's time on the timeline")


def check_index(checks, name, row, report):
    """Said where registers, code and memory show it, and nowhere else."""
    wanted = re.search(r"acme_match_(template|length)", row["function+offset"])
    said = [e["text"] for s in report["suspects"] for e in s["evidence"] if e["kind"] == "array-index"]
    if wanted:
        checks.expect(len(said) == 1 and "index 20 of an array of 20" in said[0] and
                      "beyond its end" in said[0] and "acme_parse_channel" in said[0],
                      f"{name}: index: {said}")
        checks.expect(said and said[0] in report["verdict"]["because"], f"{name}: index is a reason")
    else:
        checks.equal(said, [], f"{name}: index")


def check_report(checks, name, row, report, run):
    crash, system, verdict = report["crash"], report["system"], report["verdict"]
    wanted = culprit_of(row)
    checks.equal(verdict["culprit"], wanted, f"{name}: culprit")
    checks.equal(verdict["class"], "third-party-driver" if wanted else "user-initiated",
                 f"{name}: class")
    checks.equal(run.status, 0 if wanted else 1, f"{name}: exit status")
    checks.equal(system["version"], row["kernel"], f"{name}: release")
    text = [crash["message"] or "", crash.get("panic") or ""] + [l["text"] for l in report["log"]]
    checks.expect(row["panic or oops"] == "as above" or
                  any(row["panic or oops"] in t for t in text[:2]),
                  f"{name}: {row['panic or oops']!r} in {text[:2]}")
    blamed = {s["module"] for s in report["suspects"] if s["score"] >= 0.6}
    checks.equal(blamed & (INNOCENT - {wanted}), set(), f"{name}: innocents")
    checks.expect(GOOD_FILE not in [f["path"] for f in report["content_files"] if f["cited"]],
                  f"{name}: the good file is cited")
    for letter in "POE":
        checks.expect(letter in (system.get("taints") or ""), f"{name}: kernel taint {letter}")
    modules = {m["name"]: m for m in report["modules"]}
    for module, version in (("acme_edr", "7.15.0-1802"), ("nimbus_vfs", "3.2.1")):
        m = modules[module]
        checks.equal((m["version"], m["taints"], m["origin"], m["state"]),
                     (version, "POE", "third-party", "live"), f"{name}: {module}")
        checks.expect(m["source_version"], f"{name}: {module}: srcversion")
    if "of process" in row["at fault"]:
        loader = re.search(r"of process (\S+)", row["at fault"])[1]
        checks.equal(modules[wanted]["loader"], loader, f"{name}: loader of the BPF program")
    times = [system["boot_time"], crash and system["crash_time"]]
    checks.expect(all(t and t.startswith("2026-11-22T0") for t in times), f"{name}: times {times}")
    checks.expect(report["fix"] and "C:\\" not in str(report["fix"]), f"{name}: fix")


def check_row(checks, program, file, name, row):
    reports, run = analyze(program, str(file))
    if not checks.equal(len(reports), 1, f"{name}: reports ({run.err.strip()})"):
        return None
    report = reports[0]
    if not checks.expect(report["crash"], f"{name}: {report['verdict']['summary']}"):
        return None
    checks.equal(report["input"]["sha256"], row["sha256"], f"{name}: sha256")
    checks.equal(report["input"]["status"], "complete", f"{name}: {report['input']['problems']}")
    checks.expect(report["input"]["format"] in FORMATS, f"{name}: {report['input']['format']}")
    check_report(checks, name, row, report, run)
    check_index(checks, name, row, report)
    check_place(checks, name, row, report)
    check_content(checks, name, row, report)
    return report


def same_verdict(checks, name, was, now):
    if not checks.expect(now["crash"], f"{name}: {now['verdict']['summary']}"):
        return
    # Writing a vmcore anew can lose a page (makedumpfile 1.7.2 on 6.12): the lost part of a path is "?".
    got, wanted = (r["verdict"]["content_file"] or "" for r in (now, was))
    checks.expect(got == wanted or (got.startswith("/?/") and wanted.endswith(got[2:])),
                  f"{name}: content file {got}")
    for key in ("culprit", "class", "function", "confidence"):
        checks.equal(now["verdict"].get(key), was["verdict"].get(key), f"{name}: {key}")
    checks.equal(now["signature"]["stack_hash"], was["signature"]["stack_hash"], f"{name}: stack hash")


def check_formats(checks, program, file, name, report, makedumpfile, folder):
    """The same crash as zlib, lzo, flattened, packed and cut."""
    for label, options in (("zlib", ["-c"]), ("lzo", ["-l"])):
        out = folder / f"{label}.kdump"
        out.unlink(missing_ok=True)
        subprocess.run([makedumpfile, *options, "-d", "31", file, out], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        same_verdict(checks, f"{name}: {label}", report, analyze(program, str(out))[0][0])
    # Debian's makedumpfile is built without snappy.
    kdump = Kdump(file)
    if struct.unpack_from("<I", kdump.data, kdump.descriptors + 12)[0] == 0:    # pages as they are
        out = kdump.write(folder / "snappy.kdump", range(kdump.frames), pack=snappy)
        checks.expect(out.stat().st_size < len(kdump.data), f"{name}: snappy: nothing was packed")
        now = analyze(program, str(out))[0][0]
        same_verdict(checks, f"{name}: snappy", report, now)
        checks.expect("snappy" in now["system"]["writer"], f"{name}: {now['system']['writer']}")
    flat = folder / "flat"
    with open(flat, "wb") as f:
        subprocess.run([makedumpfile, "-F", "-c", "-d", "31", file], check=True, stdout=f,
                       stderr=subprocess.DEVNULL)
    now = analyze(program, str(flat))[0][0]
    same_verdict(checks, f"{name}: flattened", report, now)
    checks.equal(now["input"]["format"], "linux-vmcore-kdump-flattened", f"{name}: flattened")
    zlib = folder / "zlib.kdump"
    cut = folder / "cut.kdump"
    data = zlib.read_bytes()
    for share in (0.9, 0.5, 0.1):
        cut.write_bytes(data[:int(len(data) * share)])
        reports, run = analyze(program, str(cut))
        checks.expect(reports and reports[0]["input"]["status"] != "complete",
                      f"{name}: cut to {share}: status")
        culprit = reports[0]["verdict"]["culprit"] if reports else None
        checks.expect(culprit in (None, report["verdict"]["culprit"]), f"{name}: cut: {culprit}")
    for what in (zlib, file):
        with open(folder / "packed.gz", "wb") as f:
            subprocess.run(["gzip", "-1", "-c", what], check=True, stdout=f)
        now = analyze(program, str(folder / "packed.gz"))[0][0]
        same_verdict(checks, f"{name}: gzip", report, now)
        checks.equal(now["input"]["containers"], ["gzip"], f"{name}: containers")
        checks.equal(now["input"]["status"], "complete", f"{name}: gzip: status")


SNAPPY = 4   # flag of a page in a kdump file


def snappy(page):
    """The page as snappy has it: what comes before its last zeros, and copies of a zero. None: it
    would not become smaller."""
    literal = page[:len(page.rstrip(b"\0")) + 1]
    zeros, packed = len(page) - len(literal), b"\x80\x20" + b"\xf4" + \
        struct.pack("<H", len(literal) - 1) + literal
    while zeros > 0:
        length = min(zeros, 64)
        packed += struct.pack("<BH", (length - 1) << 2 | 2, 1)
        zeros -= length
    return packed if len(packed) < len(page) else None


class Kdump:
    """A kdump file, to be written again with some of its page frames."""

    def __init__(self, file):
        self.data = file.read_bytes()
        self.block, sub, bitmaps, self.frames = struct.unpack_from("<4I", self.data, 428)
        self.descriptors = (1 + sub + bitmaps) * self.block
        self.bitmap = self.descriptors - bitmaps // 2 * self.block  # of the frames in the file
        dumped = self.data[self.bitmap:self.descriptors]
        self.saved = [pfn for pfn in range(self.frames) if dumped[pfn // 8] >> pfn % 8 & 1]

    def vmcoreinfo(self, pattern):
        at, size = struct.unpack_from("<2Q", self.data, self.block + 32)
        found = re.search(pattern, self.data[at:at + size].decode())
        return found and found[1]

    def frame_of(self, symbol):
        """Page frame of a symbol in the kernel's image (x86-64 and arm64)."""
        address = int(self.vmcoreinfo(rf"SYMBOL\({symbol}\)=([0-9a-f]+)"), 16)
        offset = self.vmcoreinfo(r"NUMBER\(kimage_voffset\)=0x([0-9a-f]+)")
        if offset:
            return (address - int(offset, 16)) // self.block
        base = int(self.vmcoreinfo(r"NUMBER\(phys_base\)=(-?[0-9]+)"))
        return (address - 0xffffffff80000000 + base) // self.block

    def write(self, file, keep, split=None, pack=None):
        """Only the frames in @keep; @split: as one part of several, from and to these frames; @pack
        makes of a page its packed bytes (or None), for which the flag is snappy's."""
        head, start = bytearray(self.data[:self.descriptors]), self.descriptors
        if pack:
            struct.pack_into("<I", head, 424, SNAPPY)
        chosen = [(i, pfn) for i, pfn in enumerate(self.saved) if pfn in keep]
        if split:
            struct.pack_into("<I", head, self.block + 12, 1)
            struct.pack_into("<2Q", head, self.block + 80, *split)
        else:
            for pfn in set(self.saved) - set(keep):
                head[self.bitmap + pfn // 8] &= ~(1 << pfn % 8)
        pages, descriptors, start = [], [], start + 24 * len(chosen)
        for i, _ in chosen:
            offset, size, flags, page_flags = struct.unpack_from("<QIIQ", self.data,
                                                                 self.descriptors + 24 * i)
            page = self.data[offset:offset + size]
            packed = pack(page) if pack and not flags else None
            pages.append(packed or page)
            descriptors.append(struct.pack("<QIIQ", start, len(pages[-1]),
                                           SNAPPY if packed else flags, page_flags))
            start += len(pages[-1])
        file.write_bytes(bytes(head) + b"".join(descriptors + pages))
        return file


def split_by_hand(file, count, folder):
    """What makedumpfile --split would write of a kdump file, for machines it does not know."""
    kdump = Kdump(file)
    ends = [kdump.saved[len(kdump.saved) * i // count] for i in range(1, count)] + [kdump.frames]
    return [kdump.write(folder / f"hand.{i}", range(first, end), (first, end))
            for i, (first, end) in enumerate(zip([0] + ends, ends))]


def split_by_makedumpfile(makedumpfile, file, count, folder):
    parts = [folder / f"vmcore.{i}" for i in range(count)]
    for part in parts:
        part.unlink(missing_ok=True)
    subprocess.run([makedumpfile, "--split", "--splitblock-size", "1024", "-l", "-d", "31", file,
                    *parts], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return parts


def check_split(checks, program, name, report, parts):
    """All parts are the whole, in any order; without one of them nobody else is blamed."""
    for order in itertools.permutations(parts):
        reports, run = analyze(program, "--split", *map(str, order))
        if not checks.equal(len(reports), 1, f"{name}: split: reports ({run.err.strip()})"):
            return
        now = reports[0]
        same_verdict(checks, f"{name}: split", report, now)
        checks.equal((now["input"]["status"], now["input"]["format"]),
                     ("complete", "linux-vmcore-kdump-split"), f"{name}: {now['input']['problems']}")
        checks.equal([p["bytes"] for p in now["input"]["parts"]],
                     [p.stat().st_size for p in order], f"{name}: split: bytes")
    for lost in parts:
        rest = [str(p) for p in parts if p != lost]
        now, run = analyze(program, "--split", *rest)
        verdict, codes = now[0]["verdict"], {p["code"] for p in now[0]["input"]["problems"]}
        checks.expect("split-missing" in codes, f"{name}: without {lost.name}: {codes}")
        checks.equal(run.status, 4, f"{name}: without {lost.name}: exit status")
        checks.expect(verdict["culprit"] in (None, report["verdict"]["culprit"]),
                      f"{name}: without {lost.name}: {verdict['culprit']}")
        checks.expect(verdict["content_file"] in (None, report["verdict"]["content_file"]),
                      f"{name}: without {lost.name}: {verdict['content_file']}")
        alone = analyze(program, str(lost))[0][0]
        checks.expect("split" in {p["code"] for p in alone["input"]["problems"]},
                      f"{name}: {lost.name} alone")
        checks.expect(alone["verdict"]["culprit"] in (None, report["verdict"]["culprit"]),
                      f"{name}: {lost.name} alone: {alone['verdict']['culprit']}")


def needs_memory(row):
    """Whether the log alone cannot name who did it."""
    return "overrun" in row["at fault"] or "__kmalloc" in row["function+offset"] or \
        "BPF" in row["at fault"]


def check_without_symbols(checks, program, file, name, row, report, folder):
    """Without its symbol table the kernel's log still names the module, and is believed less."""
    kdump = Kdump(file)
    lost = kdump.frame_of("kallsyms_token_index")
    cut = kdump.write(folder / "no-kallsyms", set(kdump.saved) - {lost})
    reports, run = analyze(program, str(cut))
    now, name = reports[0], f"{name}: without kallsyms"
    verdict, was = now["verdict"], report["verdict"]
    checks.equal(run.status, 4, f"{name}: exit status")
    checks.expect("kallsyms-damaged" in {p["code"] for p in now["input"]["problems"]}, name)
    if needs_memory(row) or not was["culprit"]:
        checks.expect(verdict["culprit"] in (None, was["culprit"]), f"{name}: {verdict['culprit']}")
        return
    checks.equal(verdict["culprit"], was["culprit"], f"{name}: culprit")
    checks.equal(verdict["function"], was["function"], f"{name}: function")
    checks.expect(verdict["confidence"] in ("low", "medium"), f"{name}: {verdict['confidence']}")
    checks.expect(verdict["content_file"] in (None, was["content_file"]),
                  f"{name}: {verdict['content_file']}")
    doubts = [e["kind"] for e in now["suspects"][0]["evidence"] if not e["for"]]
    checks.expect("log-alone" in doubts, f"{name}: doubts {doubts}")
    checks.expect(now["suspects"][0]["score"] < report["suspects"][0]["score"], f"{name}: score")


def check_log(checks, program, name, row, report, folder):
    """The log alone names the module, and says what it cannot know."""
    file = folder / "vmcore-dmesg.txt"
    file.write_text("".join(f"[{l['seconds']:12.6f}] {l['text']}\n" for l in report["log"]))
    now = analyze(program, str(file))[0][0]
    checks.equal(now["input"]["format"], "linux-dmesg", f"{name}: log: format")
    checks.equal(now["input"]["status"], "partial", f"{name}: log: status")
    checks.equal(now["verdict"]["content_file"], None, f"{name}: log: content file")
    if needs_memory(row):
        checks.expect(now["verdict"]["culprit"] in (None, culprit_of(row)), f"{name}: log: culprit")
    else:
        checks.equal(now["verdict"]["culprit"], culprit_of(row), f"{name}: log: culprit")


def check_lost_task(checks, program, file, name, report, folder):
    """The same where the task that blocks cannot be found: its stack can, by the trace in the log."""
    data, pid = file.read_bytes(), report["crash"]["pid"]
    identity = struct.pack("<II", pid, pid)     # task_struct.pid and .tgid; the pages are not packed
    checks.equal(data.count(identity), 1, f"{name}: one task of pid {pid}")
    lost = folder / "lost.kdump"
    lost.write_bytes(data.replace(identity, bytes(8)))
    now = analyze(program, str(lost))[0][0]
    lost.unlink()
    checks.expect("task-lost" in [p["code"] for p in now["input"]["problems"]], f"{name}: task-lost")
    for key in ("culprit", "class", "function", "content_file", "confidence"):
        checks.equal(now["verdict"][key], report["verdict"][key], f"{name}: task-lost: {key}")
    checks.equal([(f["address"], f["slot"]) for f in now["stack"]],
                 [(f["address"], f["slot"]) for f in report["stack"]], f"{name}: task-lost: stack")
    checks.equal((now["crash"]["process"], now["crash"]["pid"]), (report["crash"]["process"], pid),
                 f"{name}: task-lost: process")
    # The descriptors of a process are in its task_struct; what its stack leads to is the same file.
    checks.equal([f["grade"] for f in now["content_files"] if f["cited"]], ["A"], f"{name}: grade")


def check_carving(checks, program, file, name, report, folder):
    """The bytes of the content file, as they were in memory."""
    out = folder / "carved"
    run = Run(program, "files", "--carve", str(out), str(file))
    checks.equal(run.status, 0, f"{name}: carve: exit status")
    rows = list(csv.DictReader(open(out / "MANIFEST.tsv", encoding="utf-8"), delimiter="\t"))
    wanted = [f for f in report["content_files"] if f["cited"] and f["sha256"]]
    for f in wanted:
        row = next((r for r in rows if r["path"] == f["path"]), None)
        data = (out / f["sha256"]).read_bytes() if row else b""
        checks.equal((hashlib.sha256(data).hexdigest(), len(data)), (f["sha256"], f["size"]),
                     f"{name}: carved {f['path']}")
        checks.equal(data[:4], b"\xaa" * 4, f"{name}: carved {f['path']}: magic")
    checks.expect(wanted, f"{name}: nothing carved")
    shutil.rmtree(out)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program")
    parser.add_argument("corpus", type=pathlib.Path)
    parser.add_argument("--unpacked", type=pathlib.Path)
    parser.add_argument("--makedumpfile", default=shutil.which("makedumpfile"))
    parser.add_argument("--table", action="store_true")
    arguments = parser.parse_args()
    checks = Checks()
    with open(arguments.corpus / "linux/MANIFEST.tsv", encoding="utf-8") as f:
        rows = list(csv.DictReader(f, delimiter="\t"))
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        folder = arguments.unpacked or scratch
        unpack(arguments.corpus, folder)
        for row in rows:
            name = row["file"].split("!")[-1]
            bare = "!" not in row["file"]
            file = arguments.corpus / "linux" / name if bare else folder / name
            report = check_row(checks, arguments.program, file, name, row)
            if not report:
                continue
            check_log(checks, arguments.program, name, row, report, scratch)
            if name.endswith(("content.kdump", "leaf.kdump", "hung.kdump", ".elf")):
                check_carving(checks, arguments.program, file, name, report, scratch)
            linux_scan.check(checks, arguments.program, file, name, report, scratch)
            if name.endswith("hung.kdump"):
                check_lost_task(checks, arguments.program, file, name, report, scratch)
            if arguments.table:
                v = report["verdict"]
                print(f"| {name} | {v['culprit'] or 'nobody'} | {v.get('function') or '-'} | "
                      f"{v['content_file'] or '-'} | {v['class']}, {v['confidence']} |")
            if file.suffix == ".kdump" and not bare:
                check_without_symbols(checks, arguments.program, file, name, row, report, scratch)
            if arguments.makedumpfile and name in ("amd64-6.1/content.kdump",
                                                   "amd64-6.12/lockup.kdump"):
                check_formats(checks, arguments.program, file, name, report,
                              arguments.makedumpfile, scratch)
            if arguments.makedumpfile and name in ("amd64-6.1/content.kdump",
                                                   "amd64-6.12/content.kdump"):
                check_split(checks, arguments.program, name, report,
                            split_by_makedumpfile(arguments.makedumpfile, file, 3, scratch))
            if name in ("amd64-6.1/heap.kdump", "amd64-6.12/nullcall.kdump",
                        "arm64-6.12/content.kdump"):
                check_split(checks, arguments.program, name, report,
                            split_by_hand(file, 4, scratch))
    return checks.finish()


if __name__ == "__main__":
    sys.exit(main())
