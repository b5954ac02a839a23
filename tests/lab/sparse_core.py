#!/usr/bin/env python3
"""Makes of a small ELF vmcore one of a machine with much more memory: the same crash, and GIB more
memory whose pages are all zero, as holes of the file. The file takes no more room than before.

Usage: sparse_core.py CORE.elf OUT GIB
"""
import os
import shutil
import struct
import sys

EHDR = struct.Struct("<16sHHIQQQIHHHHHH")
PHDR = struct.Struct("<IIQQQQQQ")
PT_LOAD, ROOM, GIB = 1, 0x10000, 1 << 30
PIECES = 8      # as many ranges of memory as a machine with several nodes has


def main():
    source, target, more = sys.argv[1], sys.argv[2], int(sys.argv[3]) * GIB
    with open(source, "rb") as core, open(target, "wb") as out:
        header = list(EHDR.unpack(core.read(EHDR.size)))
        offset, count = header[5], header[10]
        core.seek(offset)
        segments = [list(PHDR.unpack(core.read(PHDR.size))) for _ in range(count)]
        # Everything moves up to make room for the longer table.
        for segment in segments:
            segment[2] += ROOM
        top = max(s[4] + s[6] for s in segments if s[0] == PT_LOAD)
        physical = (top + GIB - 1) // GIB * GIB
        at = (os.fstat(core.fileno()).st_size + ROOM + 4095) // 4096 * 4096
        for _ in range(PIECES):
            size = more // PIECES
            segments.append([PT_LOAD, 7, at, 0, physical, size, size, 0])
            at, physical = at + size, physical + size + GIB
        header[5], header[6], header[10], header[11:] = EHDR.size, 0, len(segments), [0, 0, 0]
        out.write(EHDR.pack(*header))
        for segment in segments:
            out.write(PHDR.pack(*segment))
        core.seek(0)
        out.seek(ROOM)
        shutil.copyfileobj(core, out, 1 << 20)
        out.truncate(at)


if __name__ == "__main__":
    main()
