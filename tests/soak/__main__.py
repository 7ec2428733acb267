"""tools/dev soak: random commands with random options on random files, under limits and signals, against invariants."""
import argparse
import collections
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True

import commands
import inputs
import process
from case import make_case
from manual import read_manual
from soak import Soak

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))


def arguments():
    parser = argparse.ArgumentParser(prog="tools/dev soak", description=__doc__)
    parser.add_argument("minutes", nargs="?", type=float, default=1, metavar="MINUTES")
    parser.add_argument("--seed", type=int, help="of everything; otherwise a new one, which is printed")
    parser.add_argument("--only", type=int, metavar="N", help="only case N of the seed, with all that it printed")
    parser.add_argument("--command", help="only cases of this command")
    parser.add_argument("--limpid", default=os.path.join(TOP, "build/dev/tools/limpid"), help="the program; default: that of build/dev")
    parser.add_argument("--keep", default=os.path.join(TOP, "build/soak"), metavar="DIR", help="where cases that fail are kept")
    parser.add_argument("--verbose", action="store_true", help="a line for each case")
    parser.add_argument("--check", action="store_true", help="only ask whether every command and option has a row")
    return parser.parse_args()


def printed_by(limpid, *words):
    return subprocess.run([limpid, *words], capture_output=True, text=True, check=True).stdout


def make_fixtures(limpid, base):
    """Weights of a network that has learned nothing much, as bytes."""
    fixtures = {}
    for name, storage in (("float32", "float32"), ("float16", "float16")):
        path = os.path.join(base, name + ".h5")
        subprocess.run([limpid, "train", "world", "--steps", "1", "--batch", "1", "--size", "16", "--evaluate", "1", "--seed", "1",
                        "--storage", storage, "--quiet", "-o", path], check=True, capture_output=True, cwd=base)
        with open(path, "rb") as file:
            fixtures[name] = file.read()
    return fixtures


def keep(case, folder, seed, number):
    """The files as they were, and the command as a script."""
    path = os.path.join(folder, f"{seed}-{number}")
    shutil.rmtree(path, ignore_errors=True)
    os.makedirs(path)
    inputs.write_all(case.files, path)
    return path


def tell(case, number, seed, found, run, path):
    print(f"\n-- case {number} of seed {seed}: {', '.join(sorted({kind for kind, _ in found}))}")
    for kind, sentence in found:
        print(f"   {kind}: {sentence}")
    variables = "".join(f"{name}={process.shell_word(value)} " for name, value in case.environment)
    print(f"   command: cd {path} && {variables}{process.shell_line(['limpid', *case.words], case.limits)}")
    print(f"   limits:  {case.limits}")
    print(f"   ended:   {run.ended()}, {run.cpu:.1f} s of processor time, {run.peak_bytes >> 20} MiB")
    if run.err:
        print("   stderr:  " + run.err[-600:].decode(errors="backslashreplace").rstrip().replace("\n", "\n            "))
    print(f"   again:   tools/dev soak 1 --seed {seed} --only {number}", flush=True)


def main():
    a = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what was started and mounted is cleared away
    seed = random.randrange(1 << 32) if a.seed is None else a.seed
    a.limpid = os.path.abspath(a.limpid)  # commands run in folders of their own
    if not os.access(a.limpid, os.X_OK):
        sys.exit(f"soak: there is no program {a.limpid}; build limpid_program, or name one with --limpid")
    program = read_manual(printed_by(a.limpid, "manual"), printed_by(a.limpid, "manual", "--as", "fish"))
    lacks = commands.missing(program)
    for sentence in lacks:
        print(f"soak: {sentence}")
    if a.check or lacks:
        return 1 if lacks else 0
    base = tempfile.mkdtemp(prefix="limpid-soak-")
    try:
        return soak(a, seed, program, base)
    finally:
        shutil.rmtree(base, ignore_errors=True)


def soak(a, seed, program, base):
    soak = Soak(a.limpid, base)
    fixtures = make_fixtures(a.limpid, base)
    print(f"soak: seed {seed}, {len(program)} commands, {a.minutes:g} minutes", flush=True)
    end = time.monotonic() + 60 * a.minutes
    ended, faults, told = collections.defaultdict(collections.Counter), collections.Counter(), collections.Counter()
    work = []  # processor time of each command, and its name
    number = -1 if a.only is None else a.only - 1
    while True:
        number += 1
        case = make_case(seed, number, program, fixtures)
        if a.command and case.command != a.command:
            continue
        if a.verbose:
            print(f"{time.strftime('%H:%M:%S')} {number}: {process.shell_line(['limpid', *case.words], case.limits)}", flush=True)
        found, run = soak.try_case(case)
        ended[case.command][run.ended()] += 1
        work.append((run.cpu, f"{case.command} {run.cpu:.1f} s (case {number})"))
        if found:
            kinds = {kind for kind, _ in found}
            faults.update(kinds)
            told[case.command, *sorted(kinds)] += 1
            path = keep(case, a.keep, seed, number)
            tell(case, number, seed, found, run, path)
            if told[case.command, *sorted(kinds)] <= 2 or a.only is not None:
                smaller = soak.shrink(case, kinds)
                if smaller is None:
                    print("   it did not happen a second time")
                elif smaller != case:
                    print("   shorter: " + process.shell_line(["limpid", *smaller.words], smaller.limits), flush=True)
        if a.only is not None or time.monotonic() > end:
            break
    print()
    for name in sorted(ended):
        print(f"   {name:12} " + ", ".join(f"{count} {how}" for how, count in sorted(ended[name].items())))
    print("   most work: " + ", ".join(name for _, name in sorted(work, reverse=True)[:5]))
    for note, count in soak.notes.items():
        print(f"   not tried {count} times: {note}")
    total = sum(sum(counts.values()) for counts in ended.values())
    print(f"soak: {total} commands, {sum(faults.values())} violations" +
          "".join(f", {kind} {count}" for kind, count in faults.most_common()) + f"; seed {seed}")
    return 1 if faults else 0


sys.exit(main())
