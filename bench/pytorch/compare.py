#!/usr/bin/env python3
"""Limpid and PyTorch in turns on one machine, and the ratio of their times.

    /usr/bin/python3 bench/pytorch/compare.py build/release/bench/render_bench [--rounds 5] [--seconds 4] [--csv FILE]

In each round every contender runs once for some seconds; a number is the median over rounds, a ratio the median of the ratios of each
round. PyTorch comes in three forms, so that nobody need believe in one: as it is installed, beside a fast BLAS; at its best settings (as many
threads as Limpid, channels last, AVX-512 or AVX2, an allocator that keeps its memory); and the same with the model rewritten by an
expert (see step.py). Refuses where the operations of the two programs differ."""

import argparse
import csv
import datetime
import json
import os
import pathlib
import statistics
import subprocess
import sys

STEP = pathlib.Path(__file__).with_name("step.py")
BENCHMARKS = {"network": "network_step/mixed4d", "update": "render_update/mixed4d_100"}
KEEP_MEMORY = {"MALLOC_MMAP_THRESHOLD_": "4294967296", "MALLOC_TRIM_THRESHOLD_": "8589934592", "MALLOC_TOP_PAD_": "268435456"}


def cpu_line(name):
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith(name):
            return line.split(":", 1)[1].strip()
    return ""


def processor():
    """The name that the processor gives itself and, as a virtual machine may hide it, its family."""
    return f"{cpu_line('model name')} family {cpu_line('cpu family')} model {cpu_line('model')}".replace("\t", "")


def limpid(program, what, size, batch, threads, seconds):
    """Milliseconds of a step, and its operations (network only)."""
    name = f"{BENCHMARKS[what]}/px:{size}/batch:{batch}/threads:{threads}/"
    output = subprocess.run([program, f"--benchmark_filter=^{name}", "--benchmark_format=json", f"--benchmark_min_time={seconds}"],
                            check=True, capture_output=True, text=True).stdout
    runs = json.loads(output)["benchmarks"]
    if len(runs) != 1:
        sys.exit(f"{program}: {len(runs)} benchmarks match {name}, expected one")
    return runs[0]["real_time"], runs[0]["GFLOP/s"] * runs[0]["real_time"] / 1e3


def pytorch(form, what, size, batch, threads, seconds):
    """The same of PyTorch. Variables that steer its libraries are not inherited."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("OMP_", "MKL_", "OPENBLAS_", "ATEN_"))}
    command = [sys.executable, STEP, f"--what={what}", f"--size={size}", f"--batch={batch}", f"--seconds={seconds}"]
    if form != "installed":
        environment |= KEEP_MEMORY
        environment["ATEN_CPU_CAPABILITY"] = "avx512" if "avx512f" in cpu_line("flags") else "avx2"
        command += [f"--threads={threads}", "--channels-last"]
    if form == "expert":
        command.append("--style=expert")
    line = json.loads(subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout)
    if line["blas"] == "reference":
        sys.exit("PyTorch found only the reference BLAS, with which it is several times slower; "
                 "install a fast one (Debian: libopenblas0-openmp)")
    return line["ms"], line["direct_operations"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("render_bench")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--what", nargs="+", choices=BENCHMARKS, default=list(BENCHMARKS))
    parser.add_argument("--sizes", nargs="+", type=int, default=[128, 224])
    parser.add_argument("--batches", nargs="+", type=int, default=[1, 16])
    parser.add_argument("--csv", help="add the measurements to this file")
    options = parser.parse_args()
    forms = ("installed", "best", "expert")
    print(f"{processor()}, {options.threads} threads, {options.rounds} rounds of {options.seconds:g} s; milliseconds per image")
    print(f"{'':28s}{'Limpid':>9s}" + "".join(f"{'PyTorch ' + form:>20s}{'ratio':>7s}" for form in forms), flush=True)
    for what in options.what:
        for size in options.sizes:
            for batch in options.batches:
                times = {name: [] for name in ("limpid", *forms)}
                for _ in range(options.rounds):
                    ms, ours = limpid(options.render_bench, what, size, batch, options.threads, options.seconds)
                    times["limpid"].append(ms / batch)
                    for form in forms:
                        ms, theirs = pytorch(form, what, size, batch, options.threads, options.seconds)
                        if what == "network" and abs(theirs / (ours * 1e9) - 1) > 0.01:
                            sys.exit(f"{what} at {size} px: Limpid does {ours:.4f} GFLOP, PyTorch {theirs / 1e9:.4f}: not the same work")
                        times[form].append(ms / batch)
                middle = {name: statistics.median(values) for name, values in times.items()}
                ratio = {form: statistics.median(t / l for t, l in zip(times[form], times["limpid"])) for form in forms}
                label = f"{what} {size} px, batch {batch}"
                print(f"{label:28s}{middle['limpid']:9.2f}" + "".join(f"{middle[form]:20.2f}{ratio[form]:7.1f}" for form in forms),
                      flush=True)
                if options.csv:
                    with open(options.csv, "a", newline="") as file:
                        csv.writer(file).writerow([datetime.date.today(), processor(), options.threads, what, size, batch]
                                                  + [f"{middle[name]:.3f}" for name in ("limpid", *forms)])


if __name__ == "__main__":
    main()
