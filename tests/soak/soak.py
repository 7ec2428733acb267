"""Tries a command: writes its files, runs it under its limits, and asks all invariants."""
import collections
import dataclasses
import os
import shutil
import subprocess
import time

import inputs
import invariants
import process
from process import Limits

SHRINKING_SECONDS = 40


class Soak:
    """Runs cases of one program, in folders below `base`."""

    def __init__(self, limpid, base):
        self.base = base
        self.limpid = os.path.join(base, "limpid")
        shutil.copy2(limpid, self.limpid)  # where other users may run it
        os.chmod(self.limpid, 0o755)
        os.chmod(base, 0o755)
        self.runner = process.Runner()
        self.notes = collections.Counter()  # what could not be tried here, and why
        self.temporary = os.path.join(base, "tmp")
        os.mkdir(self.temporary)
        os.chmod(self.temporary, 0o1777)

    def environment(self, case, folder):
        home = os.path.join(folder, "home")
        values = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "HOME": home, "TMPDIR": self.temporary}
        values.update(case.environment)
        return {name: value for name, value in values.items() if value}

    def folder(self, name):
        path = os.path.join(self.base, name)
        os.mkdir(path)
        return path

    def run(self, case, folder, limits, words=None):
        user = self.runner.user() if limits.other_user and self.runner.root else None
        return self.runner([self.limpid, *(words or case.words)], folder, self.environment(case, folder), limits, user)

    def try_case(self, case):
        """The violations of all invariants, as (kind, sentence), and the run that was looked at."""
        with Disk(self, case.limits.disk) as disk:
            folder = disk.folder("case")
            try:
                return self.try_in(case, folder, disk)
            finally:
                disk.remove(folder)

    def try_in(self, case, folder, disk):
        user = self.runner.user() if case.limits.other_user and self.runner.root else None
        self.write(case, folder, user)
        before = inputs.snapshot(folder)
        disk.fill()
        run = self.runner([self.limpid, *case.words], folder, self.environment(case, folder), case.limits, user)
        disk.empty()
        after = inputs.snapshot(folder)
        if run.status == 127 and b"error while loading shared libraries" in run.err:
            self.notes["limits under which the program cannot even be loaded"] += 1
            return [], run
        found = invariants.statuses(case, run) + invariants.messages(case, run)
        found += invariants.usage(case, run, before, after) + invariants.left_behind(case, folder, before, after)
        found += invariants.inputs_kept(case, before, after) + invariants.damaged_refused(case, run) + invariants.memory(case, run)
        found += [("temporary", f"{name!r} is left in $TMPDIR") for name in self.clear_temporary()]
        if not found:
            found = self.compare(case, run, folder, before, after, user)
        return found, run

    def write(self, case, folder, user=None):
        inputs.write_all(case.files, folder, user)
        os.makedirs(os.path.join(folder, "home"), exist_ok=True)
        if user:
            os.chown(folder, user, user)
            os.chown(os.path.join(folder, "home"), user, user)

    def compare(self, case, run, folder, before, after, user):
        """With an undisturbed run of the same command in a folder of its own, with other threads."""
        if run.status == 2 or case.has("--trace") or case.has("--plan") or case.command in ("devices", "fetch"):
            return []
        if case.endless:
            return []
        other = self.folder("again")
        try:
            self.write(case, other, user)
            there = inputs.snapshot(other)
            undisturbed = self.runner([self.limpid, *with_other_threads(case)], other, self.environment(case, other),
                                      Limits(other_user=case.limits.other_user), user)
            expected = invariants.results(other, there, inputs.snapshot(other))
            found = invariants.said_to_nobody(case, run, not undisturbed.out)
            limited = case.limits != Limits(other_user=case.limits.other_user)
            if not limited and run.status != undisturbed.status:
                return [("twice", f"{run.ended()} the first time, {undisturbed.ended()} the second")]
            if run.status == undisturbed.status == 0 or not limited:
                differ = invariants.differences(invariants.results(folder, before, after), expected)
                if differ:
                    found.append(("twice", f"two runs with the same words: {differ}"))
                if run.out != undisturbed.out and not (case.limits.streams.startswith("stdout") and case.limits.streams != "stdout slow"):
                    found.append(("twice", "two runs say different things on stdout"))
            elif undisturbed.status == 0:
                again = self.runner([self.limpid, *resumed(case)], folder, self.environment(case, folder),
                                    Limits(other_user=case.limits.other_user), user)
                if again.status != 0:
                    found.append(("again", f"after {run.ended()} under limits it fails without them: {again.err[-300:]!r}"))
                else:
                    differ = invariants.differences(invariants.results(folder, before, inputs.snapshot(folder)), expected)
                    if differ:
                        found.append(("again", f"after {run.ended()} under limits, done again: {differ}"))
            return found
        finally:
            shutil.rmtree(other, ignore_errors=True)

    def clear_temporary(self):
        names = os.listdir(self.temporary)
        for name in names:
            path = os.path.join(self.temporary, name)
            shutil.rmtree(path) if os.path.isdir(path) else os.remove(path)
        return names

    def shrink(self, case, kinds):
        """The same fault with fewer words, as far as that is found within reasonable time; None where it does not come back."""
        end = time.monotonic() + SHRINKING_SECONDS
        if not same_kind(self.try_case(case)[0], kinds):
            return None
        for smaller in [lambda c: dataclasses.replace(c, environment=()), lambda c: dataclasses.replace(c, limits=Limits()),
                        *[lambda c, part=part: without(c, part) for part in reversed(case.parts) if not part.kept]]:
            candidate = smaller(case)
            if candidate != case and time.monotonic() < end and same_kind(self.try_case(candidate)[0], kinds):
                case = candidate
        return case


def without(case, part):
    parts = list(case.parts)
    parts.remove(part)
    return dataclasses.replace(case, parts=tuple(parts))


class Disk:
    """Where a command works: a folder, or a small file system that is filled up to `free` bytes."""

    def __init__(self, soak, free):
        self.soak, self.free, self.mounted = soak, free, None

    def __enter__(self):
        if self.free is not None:
            path = self.soak.folder("disk")
            done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m,mode=755", "soak", path], capture_output=True)
            if done.returncode == 0:
                self.mounted = path
            else:
                os.rmdir(path)
                self.soak.notes["a full disk: no tmpfs can be mounted here (" + done.stderr.decode(errors="replace").strip()[-60:] + ")"] += 1
        return self

    def __exit__(self, *_):
        if self.mounted:
            subprocess.run(["umount", "-l", self.mounted], check=True)
            os.rmdir(self.mounted)

    def folder(self, name):
        path = os.path.join(self.mounted or self.soak.base, name)
        os.mkdir(path)
        return path

    def remove(self, folder):
        shutil.rmtree(folder, ignore_errors=True)

    def fill(self):
        if not self.mounted:
            return
        at = os.statvfs(self.mounted)
        left = at.f_bavail * at.f_bsize - self.free
        with open(os.path.join(self.mounted, "filler"), "wb", buffering=0) as file:
            while left > 0:
                left -= file.write(bytes(min(left, 1 << 20)))

    def empty(self):
        """With room for all that a command writes when nothing hinders it."""
        if self.mounted:
            os.remove(os.path.join(self.mounted, "filler"))
            subprocess.run(["mount", "-o", "remount,size=4g", self.mounted], check=True)


def same_kind(found, kinds):
    return bool({kind for kind, _ in found} & kinds)


def with_other_threads(case):
    words = case.words
    if "--threads" in words[:-1]:
        at = words.index("--threads") + 1
        if words[at] in ("0", "1", "2", "3", "8", "64"):
            words[at] = "2" if words[at] == "1" else "1"
    return words


def resumed(case):
    return case.words + (["--resume"] if case.command in ("batch", "appendix", "train") and not case.has("--resume") else [])
