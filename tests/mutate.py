#!/usr/bin/env python3
"""Damages dumps at random, from a seed, and looks how culprit takes it.

Always a report or a clear refusal (exit status 0, 1, 3 or 4, valid JSON), never a signal, never more
than 2 seconds or 256 MiB.

Usage: mutate.py CULPRIT COUNT SEED FILE...      (FILE may be compressed: culprit unpacks it too)
"""
import json
import os
import pathlib
import random
import resource
import subprocess
import sys
import tempfile
import time

LIMIT_SECONDS, LIMIT_KIB = 2.0, 256 * 1024
INTERESTING = [0, 1, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF,
               0x7FFFFFFFFFFFFFFF, 0xFFFFFFFFFFFFFFFF]


def unpack(path):
    if path.suffix == ".zst":
        return subprocess.run(["zstd", "-dc", str(path)], capture_output=True, check=True).stdout
    return path.read_bytes()


def flip_bytes(rng, data):
    for _ in range(rng.randint(1, 64)):
        data[rng.randrange(len(data))] = rng.randrange(256)


def flip_header_bytes(rng, data):
    """Where the offsets and counts are."""
    for _ in range(rng.randint(1, 8)):
        data[rng.randrange(min(len(data), 0x2100))] = rng.randrange(256)


def truncate(rng, data):
    del data[rng.randrange(len(data)):]


def inflate(rng, data):
    """A number somewhere becomes one that parsers trip over; mostly among the triage offsets."""
    for _ in range(rng.randint(1, 6)):
        width = rng.choice([2, 4, 8])
        start, end = rng.choice([(0x2000, 0x2080), (0x2000, 0x2080), (0, 0x1100), (0, len(data))])
        end = min(end, len(data) - width)
        if end <= start:
            continue
        at = rng.randrange(start, end) & ~(width - 1)
        value = rng.choice(INTERESTING) & ((1 << 8 * width) - 1)
        data[at:at + width] = value.to_bytes(width, "little")


def transplant(rng, data):
    """A piece of the dump over another."""
    size = rng.randint(8, 4096)
    a, b = rng.randrange(len(data)), rng.randrange(len(data))
    piece = data[a:a + size]
    data[b:b + len(piece)] = piece


MUTATIONS = [flip_bytes, flip_header_bytes, truncate, inflate, inflate, transplant]


def call(program, path, command):
    with tempfile.TemporaryFile() as out:
        start = time.monotonic()
        pid = os.posix_spawn(program, [program, *command, path],
                             {"PATH": os.environ["PATH"]},
                             file_actions=[(os.POSIX_SPAWN_DUP2, out.fileno(), 1),
                                           (os.POSIX_SPAWN_OPEN, 2, "/dev/null", os.O_WRONLY, 0)])
        _, status, usage = os.wait4(pid, 0)
        seconds = time.monotonic() - start
        out.seek(0)
        # The reading process is culprit's child; what wait4() reports is the larger of both.
        return status, seconds, usage.ru_maxrss, out.read()


def run(program, path, seconds, command=("analyze", "--format", "jsonl")):
    """Exit status, seconds, KiB and output of one call. One that took more than @seconds is made
    again: is it culprit, or a machine that is busy with something else?"""
    result = call(program, path, command)
    return result if result[1] <= seconds else call(program, path, command)


def judge(result, limit_seconds, limit_kib, deaths_count=True):
    """What is wrong with it, None if nothing is."""
    status, seconds, kib, output = result
    if os.WIFSIGNALED(status):
        return f"killed by signal {os.WTERMSIG(status)}"
    if os.WEXITSTATUS(status) not in (0, 1, 3, 4):
        return f"exit status {os.WEXITSTATUS(status)}"
    try:
        reports = [json.loads(line) for line in output.splitlines()]
    except ValueError as error:
        return f"no valid JSON: {error}"
    if not reports:
        return "no report"
    codes = {p["code"]: p["message"] for r in reports for p in r["input"]["problems"]}
    if deaths_count and "reader-died" in codes:
        return f"the reader died: {codes['reader-died']}"
    if seconds > limit_seconds:
        return f"{seconds:.2f} s"
    if kib > limit_kib:
        return f"{kib} KiB"
    return None


def main():
    program, count, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    sources = [unpack(pathlib.Path(p)) for p in sys.argv[4:]]
    bad, slowest, largest = 0, 0.0, 0
    with tempfile.TemporaryDirectory() as folder:
        for i in range(count):
            rng = random.Random(f"{seed}/{i}")
            data = bytearray(sources[i % len(sources)])
            mutation = rng.choice(MUTATIONS)
            mutation(rng, data)
            path = f"{folder}/{i}.dmp"
            pathlib.Path(path).write_bytes(data)
            result = run(program, path, LIMIT_SECONDS)
            slowest, largest = max(slowest, result[1]), max(largest, result[2])
            reason = judge(result, LIMIT_SECONDS, LIMIT_KIB)
            if reason:
                bad += 1
                print(f"FAILED: seed {seed} number {i} ({mutation.__name__} of file "
                      f"{i % len(sources)}): {reason}")
            os.unlink(path)
    print(f"slowest {slowest:.2f} s, largest {largest / 1024:.0f} MiB "
          f"(both processes; children {resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024:.0f} MiB)")
    print(f"{count - bad} passed, {bad} failed")
    return 1 if bad or not count else 0


if __name__ == "__main__":
    sys.exit(main())
