#!/bin/sh
# What a verdict on a Linux vmcore costs, start to end, sandbox and rules included; side by side with
# crash and drgn on the same file, and on a 64 GiB sparse file made of the same crash.
# Prints figures; fails only if culprit does.
# Usage: linux.sh CULPRIT CORPUS [--peers]
# --peers   installs crash, python3-drgn and the kernel's debug package (283 MB, kept below LAB_CACHE)
set -eu
here=$(cd "$(dirname "$0")" && pwd)
culprit=$1
corpus=$2/linux
peers=${3:-}
cache=${LAB_CACHE:-$HOME/.cache/culprit-lab}
sample=$corpus/content-6.1-zstd.kdump
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# measure LABEL RUNS COMMAND...: wall seconds (best, median), processor seconds (least; what a busy
# machine does not distort) and peak MiB of the largest process
measure() {
	python3 - "$@" <<'PY'
import os, sys, time
label, runs, command = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
null = os.open("/dev/null", os.O_RDWR)
actions = [(os.POSIX_SPAWN_DUP2, null, fd) for fd in (0, 1, 2)]
times, busy, peak = [], [], 0
for _ in range(runs + 1):
    start = time.monotonic()
    pid = os.posix_spawnp(command[0], command, {"PATH": os.environ["PATH"], "TERM": "dumb"}, file_actions=actions)
    _, status, usage = os.wait4(pid, 0)
    times.append(time.monotonic() - start)
    busy.append(usage.ru_utime + usage.ru_stime)
    peak = max(peak, usage.ru_maxrss)
    assert os.WIFEXITED(status) and os.WEXITSTATUS(status) in (0, 1, 3, 4), status
times = sorted(times[1:])
print(f"{label:40} best {times[0]:6.3f} s  median {times[len(times) // 2]:6.3f} s  "
      f"processor {min(busy):6.3f} s  peak {peak / 1024:6.1f} MiB")
PY
}

verdict() {
	measure "$1" 20 "$culprit" analyze --format jsonl "$2"
}

verdict "culprit: content-6.1-zstd.kdump" "$sample"
for pack in "$corpus"/*.tar.xz; do
	tar -xf "$pack" -C "$scratch"
done
for file in amd64-6.1/content.kdump amd64-6.1/content-qemu.elf amd64-6.1/heap.kdump amd64-6.1/hung.kdump \
	amd64-6.12/content.kdump amd64-6.12/bpf.kdump arm64-6.12/content.kdump; do
	verdict "culprit: $file" "$scratch/$file"
done
elf=$scratch/amd64-6.1/content-qemu.elf
for gib in 1 64; do
	python3 "$here/../lab/sparse_core.py" "$elf" "$scratch/sparse.elf" "$gib"
	verdict "culprit: the same, sparse, $gib GiB" "$scratch/sparse.elf"
done
[ "$peers" = --peers ] || exit 0

# The peers need the kernel's debug information; culprit does not know where this is.
release=6.1.0-56-cloud-amd64
vmlinux=$cache/dbg/usr/lib/debug/boot/vmlinux-$release
seen() {
	echo "$1: not measured here; seen elsewhere: $2"
}
export DEBIAN_FRONTEND=noninteractive
command -v crash >/dev/null && [ -e /usr/lib/python3/dist-packages/drgn ] ||
	apt-get install -y -qq --no-install-recommends crash python3-drgn >/dev/null || true
if [ ! -e "$vmlinux" ]; then
	mkdir -p "$cache/dbg"
	(cd "$cache/dbg" && apt-get -o APT::Sandbox::User=root -qq download "linux-image-$release-dbg" &&
		dpkg-deb --fsys-tarfile ./*.deb | tar -x ./usr/lib/debug/boot && rm ./*.deb) ||
		echo "apt has linux-image-$release-dbg no more"
fi
if [ -e "$vmlinux" ] && command -v crash >/dev/null; then
	printf 'log\nbt\nmod -t\nfiles\nquit\n' >"$scratch/commands"
	measure "crash: log; bt; mod -t; files" 3 crash -s -i "$scratch/commands" "$vmlinux" "$sample"
else
	seen "crash 8.0.2, log; bt; mod -t; files" "5.0 s, 389 MiB"
fi
if [ -e "$vmlinux" ] && [ -e /usr/lib/python3/dist-packages/drgn ]; then
	measure "drgn: the same facts, one frame" 5 /usr/bin/python3 "$here/linux_drgn.py" "$sample" "$vmlinux"
else
	seen "drgn 0.0.22, the same facts, one frame" "0.20 s, 220 MiB"
fi
