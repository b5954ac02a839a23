#!/bin/sh
# What one verdict costs: time and peak memory of `culprit analyze`, start to end, on real dumps.
# Prints figures; fails only if culprit does. "processor" is what all its processes together used.
# Usage: analyze.sh CULPRIT CORPUS
set -eu
culprit=$1
dumps=$2/windows
runs=20

# measure LABEL FILE...: wall milliseconds (mean of the runs) and peak MiB of the larger process
measure() {
	label=$1
	shift
	python3 - "$label" "$runs" "$culprit" analyze --format jsonl "$@" <<'PY'
import os, sys, time
label, runs, command = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
null = os.open("/dev/null", os.O_RDWR)
actions = [(os.POSIX_SPAWN_DUP2, null, fd) for fd in (0, 1, 2)]
times, cpu, peak = [], [], 0
for _ in range(runs + 2):
    start = time.monotonic()
    _, status, usage = os.wait4(os.posix_spawn(command[0], command, {}, file_actions=actions), 0)
    times.append((time.monotonic() - start) * 1000)
    cpu.append((usage.ru_utime + usage.ru_stime) * 1000)
    peak = max(peak, usage.ru_maxrss)
    assert os.WIFEXITED(status) and os.WEXITSTATUS(status) in (0, 1, 3, 4), status
times, cpu = sorted(times[2:]), sorted(cpu[2:])
print(f"{label:30} best {times[0]:6.1f} ms  median {times[len(times) // 2]:6.1f} ms  "
      f"processor {cpu[len(cpu) // 2]:6.1f} ms  peak {peak / 1024:5.1f} MiB")
PY
}

cd "$dumps"
for dump in kd-*.dmp.zst; do
	measure "${dump%.dmp.zst}" "$dump"
done
set -- kd-cr-1a kd-cr-50-win32k kd-cr-7e-rtkvhd64 kd-cr-ea-a kd-cr-ea-b kd-cr-a0000001-111217-27671 \
	kd-cr-a0000001-111317-40796 kd-daimuvg-101 kd-ojusha-1a kd-rizin-arm64-1c8
files=
for dump in "$@"; do
	files="$files $dump.dmp.zst"
done
# shellcheck disable=SC2086  # a list of names without spaces
measure "ten dumps in one call" $files
