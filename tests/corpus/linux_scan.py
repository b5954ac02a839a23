"""What YARA finds in the real vmcores: where it is, whose it is, and what it may not do."""
import csv
import pathlib
import re
import shutil
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))
from culprit import Run, analyze  # noqa: E402

RULES = pathlib.Path(__file__).parent.parent.parent / "rules"
PAGE, MARK = 4096, 16
# A kind of file that no path tells: only its bytes can.
KIND = "acme-channel\tAcme\tEDR\tlinux\t/nowhere/\t*.acme\tacme_edr\t\tsourced\n"
META = 'meta: type = "acme-channel" owner = "acme_edr"'


def rule(name, data, meta=""):
    return f"rule {name} {{ {meta} strings: $a = {{ {data.hex(' ')} }} condition: $a }}\n"


def scan(checks, program, file, name, text, folder):
    rules = folder / "own.yar"
    rules.write_text(text, encoding="utf-8")
    run = Run(program, "scan", "--rules", str(rules), "-f", "json", str(file))
    checks.equal(run.status, 0, f"{name}: scan: exit status ({run.err.strip()})")
    hits = {}
    for h in run.report() or []:
        hits.setdefault(h["rule"], {})[int(h["address"] or "0", 16)] = h["near"] or ""
    return hits


def cited(report):
    return next((f for f in report["content_files"] if f["cited"]), None)


def check_places(checks, program, file, name, report, folder):
    """The content, the code, the stack, the heap and the log, each at the address that it has."""
    process = report["crash"]["process"]
    # arm64: the caller of a leaf function is in the link register, not on the stack
    frame = next(f for f in report["stack"][1:] if f["slot"])
    content = cited(report)
    text = rule("task", process.encode() + b"\0") + \
        rule("frame", struct.pack("<Q", int(frame["address"], 16))) + \
        rule("banner", f"Linux version {report['system']['version']} ".encode())
    code = next((re.search(r"Code: ((?:[0-9a-f]{2} )+)<([0-9a-f]{2})>((?: [0-9a-f]{2})+)", line["text"])
                 for line in report["log"] if "Code: " in line["text"]), None)
    if code:
        text += rule("code", bytes.fromhex(code[1] + code[2] + code[3]))
    if content and content.get("beginning"):
        text += rule("content", bytes.fromhex(content["beginning"]))
    hits = scan(checks, program, file, name, text, folder)
    slot = int(frame["slot"], 16)
    checks.expect("the stack of the task that crashed" in hits["frame"].get(slot, ""),
                  f"{name}: scan: return address at {frame['slot']}: {hits['frame']}")
    checks.expect(any("an object of task_struct" in near for near in hits["task"].values()),
                  f"{name}: scan: {process}: {hits['task']}")
    checks.expect("linux_banner+0x0" in hits["banner"].values(), f"{name}: scan: {hits['banner']}")
    if code:
        start = int(report["stack"][0]["address"], 16) - len(bytes.fromhex(code[1]))
        checks.expect(report["stack"][0]["symbol"].split("+")[0] in hits["code"].get(start, "") or
                      start in hits["code"], f"{name}: scan: code at {start:#x}: {hits['code']}")
    if not content or not content.get("beginning"):
        return
    copies = {int(e["at"], 16) for e in content["evidence"] if e["kind"] == "content-bytes"}
    for copy in copies:
        near = hits["content"].get(copy, "")
        checks.expect(f"a copy of the content of {content['path']}, at offset 0" in near,
                      f"{name}: scan: content at {copy:#x}: {hits['content']}")
    checks.expect(copies, f"{name}: scan: no copy of the content")
    if file.suffix == ".elf":
        near = f"page cache of {content['path']}, at offset 0"
        checks.expect(near in hits["content"].values(), f"{name}: scan: {hits['content']}")


def memory_of(file):
    """The loaded segments of an ELF core."""
    data = file.read_bytes()
    at, size, count = struct.unpack_from("<Q14xHH", data, 32)
    for i in range(count):
        kind, _, offset, _, _, stored = struct.unpack_from("<IIQQQQ", data, at + i * size)
        if kind == 1:
            yield data[offset:offset + stored]


def check_complete(checks, program, file, name, folder):
    """As many hits as the bytes of the file have, and all of what lies across two pages."""
    segments = list(memory_of(file))
    word, text, wanted = b"nimbus_vfs", "", set()
    segment = max(segments, key=len)
    for at in range(1 << 20, len(segment), 61 * PAGE):
        mark = segment[at - MARK // 2:at + MARK // 2]
        if len(set(mark)) > MARK // 2:
            wanted.add(f"at_{at:x}")
            text += rule(f"at_{at:x}", mark)
    hits = scan(checks, program, file, name, rule("word", word) + text, folder)
    checks.equal(len(hits["word"]), sum(s.count(word) for s in segments), f"{name}: scan: {word}")
    checks.expect(len(wanted) > 20, f"{name}: only {len(wanted)} places to look for")
    checks.equal(wanted - hits.keys(), set(), f"{name}: scan: across pages")


def own_rules(folder, text):
    shutil.rmtree(folder / "rules", ignore_errors=True)
    shutil.copytree(RULES, folder / "rules")
    with open(folder / "rules/content_files.tsv", "a", encoding="utf-8") as table:
        table.write(KIND)
    (folder / "rules/content/acme.yar").write_text(text, encoding="utf-8")
    return "--rules", str(folder / "rules")


def check_recognition(checks, program, file, name, report, folder):
    """A rule for the bytes says what the file is, and changes nothing else."""
    was = cited(report)
    option = own_rules(folder, rule("acme_channel", bytes.fromhex(was["beginning"]), META))
    reports, run = analyze(program, *option, str(file))
    if not checks.equal(len(reports), 1, f"{name}: own rules: {run.err.strip()}"):
        return
    now = cited(reports[0])
    checks.equal((now["path"], now["grade"], now["type"], now["owner"], now["recognised_by"]),
                 (was["path"], was["grade"], "acme-channel", "acme_edr", "acme_channel"),
                 f"{name}: own rules: content file")
    for key in ("culprit", "class", "confidence", "content_file", "function", "summary"):
        checks.equal(reports[0]["verdict"][key], report["verdict"][key], f"{name}: own rules: {key}")
    why = [e for e in now["evidence"] if "(rule acme_channel)" in e["text"]]
    checks.equal([e["kind"] for e in why], ["content-bytes"], f"{name}: own rules: evidence")
    hits = [h for h in reports[0]["scan_hits"] if h["rule"] == "acme_channel"]
    checks.expect(hits and hits[0]["address"] == why[0]["at"] and now["path"] in hits[0]["near"],
                  f"{name}: own rules: hits {hits}")
    out = folder / "recognised"
    Run(program, "files", *option, "--carve", str(out), str(file))
    rows = list(csv.DictReader(open(out / "MANIFEST.tsv", encoding="utf-8"), delimiter="\t"))
    checks.equal([(r["type"], r["recognised_by"]) for r in rows if r["path"] == was["path"]],
                 [("acme-channel", "acme_channel")], f"{name}: own rules: manifest")
    shutil.rmtree(out)


def check_unrelated(checks, program, file, name, report, folder):
    """Bytes that the fault does not lead to are grade D, whatever a rule makes of them."""
    option = own_rules(folder, rule("acme_hook", b"acme_exec_hook", META))
    now = analyze(program, *option, str(file))[0][0]
    checks.equal({k: v for k, v in now["verdict"].items()}, report["verdict"],
                 f"{name}: unrelated bytes: verdict")
    checks.equal(now["suspects"], report["suspects"], f"{name}: unrelated bytes: suspects")
    files = [f for f in now["content_files"] if f["type"] == "acme-channel"]
    checks.equal([(f["path"], f["grade"], f["cited"]) for f in files], [(None, "D", False)],
                 f"{name}: unrelated bytes: content file")


def check(checks, program, file, name, report, folder):
    if report["crash"]["kind"] == "panic" and name.endswith(("content.kdump", "leaf.kdump", ".elf")):
        check_places(checks, program, file, name, report, folder)
        check_recognition(checks, program, file, name, report, folder)
    if file.suffix == ".elf":
        check_complete(checks, program, file, name, folder)
    if name.endswith("6.1/bpf.kdump"):
        check_unrelated(checks, program, file, name, report, folder)
