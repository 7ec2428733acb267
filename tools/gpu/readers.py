"""What the output of a step says: a line for people, numbers for report.json, and what is wrong with it."""

import csv
import json
import os
import re
import statistics
from typing import NamedTuple


class Reading(NamedTuple):
    summary: str
    result: dict = {}
    problem: str = ""  # the step has failed, whatever its exit status
    refused: str = ""  # the machine does not let a tool of NVIDIA's work: no failure of ours


def last_line(text):
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip() and not line.startswith("$ ")), "")


# Checks -----------------------------------------------------------------------------------------------------------------------------

def unpacked(text, programs):
    files = sorted(programs.iterdir()) if programs.is_dir() else []
    for file in files:
        if not os.access(file, os.X_OK):
            return Reading("", {}, f"{file} may not be run there; set TMPDIR to a folder that programs may be run from")
    return Reading(f"{len(files)} programs", {"programs": [file.name for file in files]}, "" if files else "no programs: " + last_line(text))


def devices(text):
    try:
        entries = json.loads(text[text.index("["):text.rindex("]") + 1])
        gpus = [entry for entry in entries if entry["name"].startswith("cuda")]
    except (ValueError, KeyError, TypeError):
        return Reading("", {}, "limpid devices did not answer: " + last_line(text))
    usable = [f"{entry['name']} {entry['note']}" for entry in gpus if entry["available"]]
    if usable:
        return Reading("; ".join(usable), {"gpus": usable})
    return Reading("", {}, gpus[0]["note"] if gpus else "limpid was built without CUDA")


def driver(text):
    wanted = {}
    for line in text.splitlines():
        name, _, value = (part.strip() for part in line.partition(":"))
        if name in ("Driver Version", "CUDA Version", "Product Name", "Total", "Compute Mode") and not wanted.get(name):
            wanted[name] = value
    known = {name: value for name, value in wanted.items() if value}
    return Reading(", ".join(f"{name} {value}" for name, value in known.items()), known)


def tests(text):
    """GoogleTest, in one process or several."""
    passed = len(re.findall(r"^\[       OK \]", text, re.M))
    skipped = len(set(re.findall(r"^\[  SKIPPED \] (\S+) \(", text, re.M)))
    failed = sorted(set(re.findall(r"^\[  FAILED  \] ([^\s,]+).* \(\d+ ms\)", text, re.M)))
    summary = f"{passed} passed, {len(failed)} failed, {skipped} skipped"
    # Each process says at its end that all its tests ran.
    begun, ended = text.count("[==========] Running"), len(re.findall(r"^\[==========\] \d+ tests? from .* ran", text, re.M))
    if failed:
        summary += ": " + ", ".join(failed[:8])
    problem = "" if begun == ended and not failed else summary
    if begun == 0 or passed + len(failed) == 0:
        problem = "no test ran: " + last_line(text)
    elif begun != ended:
        problem = f"{begun - ended} of {begun} processes did not finish; {summary}"
    return Reading(summary, {"passed": passed, "failed": failed, "skipped": skipped}, problem)


def sanitizer(text):
    errors = [int(count) for count in re.findall(r"ERROR SUMMARY: (\d+) error", text)]
    errors += [int(count) for count in re.findall(r"RACECHECK SUMMARY: (\d+) hazard", text)]
    found = tests(text)
    first = re.search(r"^=+ (?:ERROR: )?((?:Invalid|Error|Race|Uninitialized|Barrier|Device not|Unable|Internal|Failed).*)$", text, re.M)
    if first and re.search("not supported|[Ff]ailed to init|Unable to|LibraryNotLoaded", first[1]):
        return Reading("", {}, "", first[1])
    summary = f"{sum(errors)} errors; {found.summary}" + (f"; first: {first[1]}" if first else "")
    return Reading(summary, {"errors": sum(errors), **found.result}, found.problem and summary or ("" if sum(errors) == 0 else summary))


# Of the largest value of a node: the order of sums, and what a tensor core does to a split number.
ALLOWED_SHADOW = {"fp32": 1e-4, "tf32x3": 3e-4}


def shadows(text):
    result, problem = [], ""
    for run in text.split("$ env ")[1:]:
        precision = re.search(r"--precision (\w+)", run)[1]
        network = "GoogLeNet" if "--weights" in run else "tiny"
        found = re.search(r"worst difference (\S+) of the largest value, in (.*)", run)
        if not found:
            problem = f"{network} {precision}: no comparison: {last_line(run)}"
            continue
        error = float(found[1])
        result.append({"network": network, "precision": precision, "worst": error, "in": found[2]})
        if not error <= ALLOWED_SHADOW[precision]:
            problem = f"{network} {precision}: {error:g} in {found[2]}"
    summary = ", ".join(f"{one['network']} {one['precision']} {one['worst']:.2g}" for one in result)
    return Reading(summary, {"shadows": result}, problem or ("" if result else "nothing was compared"))


# Of the first update's score, before small differences have moved the picture; the last ones are only shown.
ALLOWED_SCORE = {"fp32": 1e-4, "tf32x3": 1e-3, "tf32": 2e-2}


def scores(text, folder, precisions):
    """Updates on the GPU against the CPU's."""
    try:
        expected = json.loads((folder / "cpu.json").read_text())["scores"]
    except (OSError, ValueError, KeyError):
        return Reading("", {}, "no scores of the CPU: " + last_line(text))
    result, problem = {}, ""
    for precision in precisions:
        try:
            actual = json.loads((folder / f"{precision}.json").read_text())["scores"]
        except (OSError, ValueError, KeyError):
            problem = f"{precision}: no scores: {last_line(text)}"
            continue
        apart = [abs(a - e) / max(abs(e), 1e-30) for a, e in zip(actual, expected)]
        result[precision] = {"first": apart[0], "worst": max(apart), "last": apart[-1], "scores": actual}
        if not expected[0]:
            problem = "the first score is 0 on the CPU: it tells nothing"
        elif not apart[0] <= ALLOWED_SCORE[precision] or len(actual) != len(expected):
            problem = f"{precision}: the first scores differ by {apart[0]:.2g}"
    summary = "; ".join(f"{name}: first update differs by {one['first']:.1e}, worst of {len(one['scores'])} by {one['worst']:.1e}"
                        for name, one in result.items())
    return Reading(summary, {"cpu": expected, **result}, problem)


def same_pictures(text, one, other):
    names = sorted(file.name for file in one.glob("*.png")) if one.is_dir() else []
    different = [name for name in names if not (other / name).is_file() or (one / name).read_bytes() != (other / name).read_bytes()]
    summary = f"{len(names) - len(different)} of {len(names)} pictures have the same bytes on one stream and on two"
    return Reading(summary, {"pictures": len(names), "different": different}, "" if names and not different else summary)


# Measurements -----------------------------------------------------------------------------------------------------------------------

def row(run):
    """Our name of a benchmark, without what Google Benchmark appends to it."""
    return re.sub(r"/(min_time:|iterations:|threads:|manual_time|real_time).*", "", run["name"])


def of_a_library(run):
    return row(run).endswith(("/cudnn", "/cublas"))


def benchmarks(text):
    """Google Benchmark's JSON, also when it breaks off."""
    runs, failures = [], []
    begin = text.find('"benchmarks": [')
    decoder, at = json.JSONDecoder(), text.find("{", begin) if begin >= 0 else -1
    while at >= 0:
        try:
            run, end = decoder.raw_decode(text, at)
        except ValueError:
            break
        if run.get("error_occurred"):
            failures.append({"name": run["name"], "error": run.get("error_message", "")})
        else:
            runs.append(run)
        at = text.find("{", end)
    # What another library cannot do is no failure of ours.
    wrong = [one for one in failures if not of_a_library(one)]
    summary = f"{len(runs)} measured" + (f", {len(failures)} not: {row(failures[0])}: {failures[0]['error']}" if failures else "")
    problem = f"{row(wrong[0])}: {wrong[0]['error']}" if wrong else "" if runs else "nothing was measured: " + last_line(text)
    return Reading(summary, {"runs": runs, "failures": failures} if runs or failures else {}, problem)


def model(text):
    rows = len(re.findall(r"^\S+/\S+ +\d+ ", text, re.M))
    return Reading(f"{rows} kernels modelled", {"rows": rows}, "" if rows else "nothing was modelled: " + last_line(text))


# What an installation of PyTorch cannot do: one that lacks libraries, one for processors alone; to compile, it needs Triton and a C compiler.
LACKING_PYTORCH = re.compile(r"^.*(Torch not compiled with CUDA|No CUDA GPUs are available|[Nn]o kernel image|driver on your system is too old|"
                             r"[Ff]ailed to find C compiler|TritonMissing|ImportError: |ModuleNotFoundError: |has no attribute 'compile').*$", re.M)


def pytorch(text):
    runs = []
    for line in text.splitlines():
        try:
            run = json.loads(line)
        except ValueError:
            continue
        if isinstance(run, dict) and "ms" in run:
            runs.append(run)
    summary = ", ".join(f"batch {run['batch']}: {run['ms']:.3g} ms" for run in runs)
    lacks = [match[0].strip() for match in LACKING_PYTORCH.finditer(text)]
    if not runs and lacks:
        return Reading("", {}, "", lacks[-1])
    return Reading(summary, {"runs": runs} if runs else {}, "" if runs else last_line(text))


# Of Nsight Compute's raw page: the names that it gives, as far as this version has them.
COUNTERS = ("gpu__time_duration.sum", "sm__throughput.avg.pct_of_peak_sustained_elapsed", "dram__throughput.avg.pct_of_peak_sustained_elapsed",
            "gpu__compute_memory_throughput.avg.pct_of_peak_sustained_elapsed", "sm__inst_issued.avg.pct_of_peak_sustained_active",
            "sm__inst_executed.avg.per_cycle_active", "sm__warps_active.avg.pct_of_peak_sustained_active",
            "launch__registers_per_thread")
TENSOR = re.compile(r"sm__(inst_executed_pipe|pipe)_tensor\S*pct_of_peak_sustained_active")


def profiles(text):
    refused = re.search(r"^==ERROR== (.*)$", text, re.M)
    kernels = []
    for part in re.split(r"^\$ \S*ncu ", text, flags=re.M)[1:]:
        lines = [line for line in part.splitlines() if line.startswith('"')]
        table = list(csv.DictReader(lines))
        for row in table[1:]:  # the first row is units
            units = table[0]
            wanted = [name for name in row if name and (name in COUNTERS or TENSOR.match(name))]
            kernels.append({"kernel": row.get("Kernel Name", "?"), **{name: f"{row[name]} {units[name]}".strip() for name in wanted}})
    summary = f"{len(kernels)} kernels profiled" + (f"; refused: {refused[1]}" if refused else "")
    if refused and not kernels:
        return Reading("", {}, "", refused[1])
    return Reading(summary, {"kernels": kernels} if kernels else {}, "" if kernels else last_line(text))


def model_error(runs):
    """Measured time over the model's, for each kernel that has both."""
    ratios = sorted((run["best_us"] / run["model_us"], row(run)) for run in runs if run.get("model_us", 0) > 0 and run.get("best_us", 0) > 0)
    if not ratios:
        return None
    values = [ratio for ratio, _ in ratios]
    return {"kernels": len(values), "median": statistics.median(values), "least": ratios[0], "most": ratios[-1]}
