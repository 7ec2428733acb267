"""The page of results, written again before and after each step: report.json for programs, report.md for people, output.txt with everything."""

import datetime
import json
import os
import pathlib
import platform
import statistics

import readers


FINISHED = ("passed", "failed", "timed out", "cut short")  # the others are tried again when a run goes on


class Report:
    """earlier: the report of a run that goes on with this one, or None."""

    def __init__(self, out, about, steps, earlier):
        self.out, self.about, self.machine = out, about, machine()
        self.runs = [*(earlier["runs"] if earlier else []), now()]
        if earlier and (earlier["pack"], earlier["machine"]) != (about, self.machine):
            raise SystemExit(f"run: {out} has results of another pack or another machine: --out DIR names another folder")
        known = {step["name"]: step for step in earlier["steps"]} if earlier else {}
        self.steps = [known.get(step.name) or entry(step, "missing", "not begun") for step in steps]
        if not earlier:
            (out / "output.txt").write_text("")
        self._write()

    def finished(self, step):
        return self.step(step.name)["status"] in FINISHED

    def skip(self, step, reason):
        self._keep(entry(step, "skipped", reason))

    def leave_out(self, step, reason):
        self._keep(entry(step, "missing", reason))

    def add(self, step, finished):
        """What is wrong with an output is a failure, also when the program did not notice."""
        try:
            reading = step.read(finished.output)
        except Exception as error:  # an output that nobody thought of must not end the run
            reading = readers.Reading("", {}, f"its output was not understood: {type(error).__name__}: {error}")
        status = finished.status
        if status == "passed" and reading.problem:
            status = "failed"
        if status == "timed out" and step.partly and reading.result:
            status = "cut short"
        summary = reading.problem or reading.summary
        if reading.refused:
            status, summary = "skipped", "refused: " + reading.refused
        elif finished.why:
            summary = f"{finished.why}; {summary}" if summary else finished.why
        with open(self.out / "output.txt", "a") as file:
            file.write(f"\n===== {step.name}: {status} after {finished.seconds:.1f} s =====\n{finished.output}\n")
        return self._keep(entry(step, status, summary[:2000], finished.seconds, reading.result))

    def count(self, status):
        return sum(step["status"] == status or (status == "failed" and step["status"] == "timed out") for step in self.steps)

    def counts(self):
        missing = f", {self.count('missing')} missing" if self.count("missing") else ""
        return (f"{self.count('passed')} passed, {self.count('failed')} failed, {self.count('skipped')} skipped, "
                f"{self.count('cut short')} cut short{missing}")

    def result(self, name):
        return self.step(name)["result"]

    def step(self, name):
        return next(step for step in self.steps if step["name"] == name)

    def _keep(self, result):
        self.steps[self.steps.index(self.step(result["name"]))] = result
        self._write()
        return result

    def _write(self):
        everything = {"runs": self.runs, "pack": self.about, "machine": self.machine, "counts": self.counts(), "steps": self.steps,
                      "model_error": {name: readers.model_error(self.result(name).get("runs", [])) for name in ("kernels-fp32", "kernels-tf32")}}
        _replace(self.out / "report.json", json.dumps(everything, indent=1))
        _replace(self.out / "report.md", "\n".join(page(self)) + "\n")


def entry(step, status, summary, seconds=0.0, result=None):
    return {"name": step.name, "status": status, "seconds": round(seconds, 2), "limit_s": step.limit_s, "summary": summary, "result": result or {}}


def now():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")


def _replace(path, text):
    """Whole or not at all."""
    temporary = path.with_name(path.name + ".part")
    temporary.write_text(text)
    os.replace(temporary, path)


def machine():
    processor = next((line.split(":", 1)[1].strip() for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines()
                      if line.startswith("model name")), platform.machine())
    return {"processor": processor, "cores": os.cpu_count(), "system": platform.platform()}


def table(heading, rows):
    if not rows:
        return []
    return ["| " + " | ".join(heading) + " |", "|" + "---|" * len(heading), *("| " + " | ".join(map(str, row)) + " |" for row in rows), ""]


def page(report):
    about, here = report.about, report.machine
    lines = [f"# Limpid {about['commit']} on {', '.join(report.result('devices').get('gpus', ['no GPU']))}", "",
             f"{', went on '.join(report.runs)}; {here['processor']}, {here['cores']} cores, {here['system']}; built by {about['built']}; "
             f"weights: {about['weights'] or 'none packed'}.", ""]
    if about["emulated"]:
        lines += ["**A rehearsal on the emulated GPU: its times mean nothing.**", ""]
    lines += [f"**{report.counts()}.**", ""]
    lines += table(("step", "", "s", "of", "what"), [(s["name"], s["status"], f"{s['seconds']:.1f}", f"{s['limit_s']:g}", cell(s["summary"]))
                                                     for s in report.steps])
    for heading, section in (("Steps of a render, milliseconds", renders), ("Convolutions beside cuDNN, microseconds", products),
                             ("The model's error", model), ("Counters", profiles)):
        lines += [f"## {heading}", "", *section(report)]
    return lines


def cell(text):
    return text.replace("|", "/").replace("\n", " ")[:400]


def without(report, names):
    """Why there are no numbers of these steps."""
    lines = [f"* no {name}: {step['status']}, {cell(step['summary'])}" for name in names for step in [report.step(name)] if not step["result"]]
    return [*lines, ""] if lines else []


def renders(report):
    """Milliseconds for a batch, ours and PyTorch's."""
    columns, names = {}, []
    for precision in ("fp32", "tf32x3", "tf32"):
        names.append(f"render-{precision}")
        columns[f"Limpid {precision}"] = {readers.row(run): milliseconds(run)
                                          for run in report.result(names[-1]).get("runs", [])}
    for form in ("eager", "compiled-tf32", "bf16-graph"):
        names.append(f"pytorch-{form}")
        columns[f"PyTorch {form}"] = {f"network_step/mixed4d/px:{run['size']}/batch:{run['batch']}": run["ms"]
                                      for run in report.result(names[-1]).get("runs", [])}
    columns = {name: times for name, times in columns.items() if times}
    rows = list(dict.fromkeys(name for times in columns.values() for name in times))
    body = [(name, *(f"{times[name]:.3f}" if name in times else "" for times in columns.values())) for name in rows]
    return table(("", *columns), body) + without(report, names)


def milliseconds(run):
    return run["real_time"] * {"ns": 1e-6, "us": 1e-3, "ms": 1, "s": 1e3}[run["time_unit"]]


def products(report):
    """Ours beside cuDNN's: the same row, the same precision."""
    lines = []
    for precision in ("fp32", "tf32"):
        result = report.result(f"kernels-{precision}")
        runs = {readers.row(run): run for run in result.get("runs", [])}
        pairs = [(name, run["best_us"], runs[name[:-len("chosen")] + "cudnn"]["best_us"], run) for name, run in runs.items()
                 if name.endswith("/chosen") and name[:-len("chosen")] + "cudnn" in runs]
        if pairs:
            ratios = [theirs / ours for _, ours, theirs, _ in pairs]
            lines += [f"{precision}: cuDNN's time over ours: median {statistics.median(ratios):.2f}, from {min(ratios):.2f} to {max(ratios):.2f}", ""]
            lines += table((precision, "Limpid", "cuDNN", "% of roofline"),
                           [(name[:-len("/chosen")], f"{ours:.1f}", f"{theirs:.1f}", f"{run['percent_of_roofline']:.0f}")
                            for name, ours, theirs, run in pairs])
        elif result:
            said = next((one["error"] for one in result["failures"] if readers.of_a_library(one)), "no row has both")
            lines += [f"* no {precision}: {cell(said)}", ""]
    return lines + without(report, ("kernels-fp32", "kernels-tf32"))


def model(report):
    lines = []
    for precision in ("fp32", "tf32"):
        result = report.result(f"kernels-{precision}")
        error = readers.model_error(result.get("runs", []))
        if error:
            lines += [f"{precision}: of {error['kernels']} kernels the measured time is {error['median']:.2f} times the model's (median), "
                      f"from {error['least'][0]:.2f} ({error['least'][1]}) to {error['most'][0]:.2f} ({error['most'][1]}).", ""]
        elif result:
            lines += [f"* no {precision}: no kernel was modelled and measured", ""]
    return lines + without(report, ("kernels-fp32", "kernels-tf32"))


def profiles(report):
    lines = []
    for kernel in report.result("profiler").get("kernels", []):
        lines += [f"{kernel['kernel']}", ""] + [f"* {name}: {value}" for name, value in kernel.items() if name != "kernel"] + [""]
    return lines + without(report, ("profiler",))
