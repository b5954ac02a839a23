#!/usr/bin/env python3
"""Damages vmcores at random, from a seed, and looks how culprit takes it.

Always a report or a clear refusal, never a hang of 5 seconds, never more than 512 MiB. libkdumpfile
crashes on some damage: then its process dies behind the wall, which is a clear refusal; with
--no-deaths that is a failure too. Damage within pages (but for those packed by lzo) must not make anything
die.

Every fourth is also searched as a whole (culprit scan), which may take longer.

Usage: mutate_vmcore.py CULPRIT COUNT SEED FILE... [--no-deaths]
"""
import json
import os
import pathlib
import random
import sys
import tempfile

import mutate

LIMIT_SECONDS, SCAN_SECONDS, LIMIT_KIB = 5.0, 20.0, 512 * 1024


def headers(rng, data):
    """The headers, the notes and the bitmaps."""
    span = min(len(data), rng.choice([0x200, 0x2000, 0x10000]))
    for _ in range(rng.randint(1, 16)):
        data[rng.randrange(span)] = rng.randrange(256)


def descriptors(rng, data):
    """Numbers among the page descriptors, behind the bitmaps."""
    start = min(len(data) - 1, 0x6000)
    end = min(len(data) - 8, start + 0x60000)
    for _ in range(rng.randint(1, 32)):
        at = rng.randrange(start, end) & ~7 if end > start else 0
        value = rng.choice(mutate.INTERESTING + [rng.getrandbits(64)])
        data[at:at + 8] = value.to_bytes(8, "little")


def pages(rng, data):
    """Bytes all over the memory: pointers, lengths, names."""
    for _ in range(rng.choice([1000, 20000, 200000])):
        data[rng.randrange(min(0x100000, len(data) - 1), len(data))] = rng.randrange(256)


def swap_pages(rng, data):
    count = len(data) // 4096
    for _ in range(rng.randint(1, 200)):
        a, b = rng.randrange(256, count) * 4096, rng.randrange(256, count) * 4096
        data[b:b + 4096] = data[a:a + 4096]


def cut(rng, data):
    del data[rng.randrange(len(data)):]


MUTATIONS = [headers, headers, descriptors, pages, pages, swap_pages, cut]


# Text, and bytes of which there are too many to list.
RULE = 'rule own { strings: $a = "acme" $b = { 00 01 } condition: any of them }'


def search(program, path, rules, must_live):
    """What is wrong with a search of all memory, None if nothing is."""
    command = ("scan", "--format", "json", "--rules", rules)
    status, seconds, kib, output = mutate.run(program, path, SCAN_SECONDS, command)
    if os.WIFSIGNALED(status):
        return f"scan: killed by signal {os.WTERMSIG(status)}"
    if os.WEXITSTATUS(status) not in ((0, 4) if must_live else (0, 3, 4)):
        return f"scan: exit status {os.WEXITSTATUS(status)}"
    try:
        json.loads(output)
    except ValueError as error:
        return f"scan: no valid JSON: {error}"
    if seconds > SCAN_SECONDS or kib > LIMIT_KIB:
        return f"scan: {seconds:.2f} s, {kib} KiB"
    return None


def is_safe(data):
    """Whether damage among the pages is none that libkdumpfile dies of. In a flattened file any byte
    may be of a header; and a page that lzo unpacks to too much overruns its buffer (0.5.1)."""
    lzo = data[:5] == b"KDUMP" and int.from_bytes(data[424:428], "little") & 2
    return data[:5] in (b"KDUMP", b"\x7fELF\2") and not lzo


def main():
    deaths_count = "--no-deaths" in sys.argv
    arguments = [a for a in sys.argv[1:] if a != "--no-deaths"]
    program, count, seed = arguments[0], int(arguments[1]), int(arguments[2])
    sources = [pathlib.Path(p).read_bytes() for p in arguments[3:]]
    bad, died, slowest, largest = 0, 0, 0.0, 0
    with tempfile.TemporaryDirectory() as folder:
        rules = f"{folder}/own.yar"
        pathlib.Path(rules).write_text(RULE, encoding="utf-8")
        for i in range(count):
            rng = random.Random(f"{seed}/{i}")
            data = bytearray(sources[i % len(sources)])
            mutation = rng.choice(MUTATIONS)
            mutation(rng, data)
            path = f"{folder}/vmcore"
            pathlib.Path(path).write_bytes(data)
            result = mutate.run(program, path, LIMIT_SECONDS)
            slowest, largest = max(slowest, result[1]), max(largest, result[2])
            died += b'"reader-died"' in result[3]
            inside = mutation in (pages, swap_pages) and is_safe(data)
            reason = mutate.judge(result, LIMIT_SECONDS, LIMIT_KIB, deaths_count or inside)
            if not reason and i % 4 == 0:
                reason = search(program, path, rules, deaths_count or inside)
            if reason:
                bad += 1
                print(f"FAILED: seed {seed} number {i} ({mutation.__name__} of file "
                      f"{i % len(sources)}): {reason}", flush=True)
    print(f"slowest {slowest:.2f} s, largest {largest / 1024:.0f} MiB, readers that died: {died}")
    print(f"{count - bad} passed, {bad} failed")
    return 1 if bad or not count else 0


if __name__ == "__main__":
    sys.exit(main())
