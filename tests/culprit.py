"""What the end-to-end tests share: running culprit and reading its answer."""
import json
import os
import resource
import subprocess

# Nothing a person has set up may change what the tests see.
ENVIRONMENT = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"}


class Run:
    """One call of culprit: exit status, output, seconds and peak memory of its children."""

    def __init__(self, program, *arguments, timeout=120, stdin=None):
        done = subprocess.run([program, *arguments], capture_output=True, timeout=timeout,
                              env=ENVIRONMENT, stdin=stdin or subprocess.DEVNULL, check=False)
        self.status = done.returncode
        self.out = done.stdout.decode("utf-8")
        self.err = done.stderr.decode("utf-8")

    def report(self):
        return json.loads(self.out)


def analyze(program, *files, **options):
    """Reports of culprit analyze, one for each piece of evidence, and the run itself."""
    run = Run(program, "analyze", "--format", "jsonl", *files, **options)
    return [json.loads(line) for line in run.out.splitlines()], run


def children_peak_kib():
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss


class Checks:
    """Counts expectations; every failure says what was expected of which file."""

    def __init__(self):
        self.passed = 0
        self.failed = 0

    def expect(self, condition, what):
        if condition:
            self.passed += 1
        else:
            self.failed += 1
            print(f"FAILED: {what}")
        return condition

    def equal(self, got, wanted, what):
        return self.expect(got == wanted, f"{what}: got {got!r}, expected {wanted!r}")

    def finish(self):
        print(f"{self.passed} passed, {self.failed} failed")
        return 1 if self.failed or not self.passed else 0
