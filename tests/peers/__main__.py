"""Networks of others beside others: every layer against onnxruntime, gradients against torch. `tools/dev peers` runs it.

    python3 -m peers PROGRAM FOLDER [--table FILE] [NAME ...]"""

import argparse
import importlib.metadata
import pathlib
import sys
import time

import numpy
import torch

from . import networks
from .ours import Limpid
from .witnesses import Torch, values

PICTURES = (3, 4, 5, 6, 7)  # seeds
# Side in double precision; else 64. Pools to a fixed number of places become other operators where that does not divide the map's.
SMALL = {"inception_v3": 107, "inception_resnet_v2": 107, "alexnet": 224, "vgg16": 224, "googlenet": 79}


class Row:
    def __init__(self, name, exporter):
        self.name, self.exporter, self.faults, self.cells = name, exporter, [], {}

    def bar(self, what, value, most):
        if not value <= most:
            self.faults.append(f"{what}: {value:.2g}, at most {most:.2g}")

    def line(self):
        cell = lambda key: self.cells.get(key, "-")
        return (f"| {self.name} | {self.exporter} | {cell('layers')} | {cell('canonical')} | {cell('odd')} | {cell('logit')} | "
                f"{cell('logit torch')} | {cell('channel')} | {cell('channel torch')} | {cell('double')} | {'pass' if not self.faults else '; '.join(self.faults)} |")


def forward(row, limpid, path, height, width, column):
    """Every layer beside the values of the file that its module makes."""
    png, picture = limpid.picture(height, width)
    kinds, said = limpid.network(path)
    layers = [layer for layer, kind in kinds.items() if kind not in ("image", "normalise", "constant", "rearrange")]  # modules compute
    found, expected = limpid.activations(path, png, layers), values(path, picture)
    of_module = {}
    for module, array in expected.values():
        of_module.setdefault(module, []).append(array)
    worst, compared, unnamed = 0.0, 0, []
    for layer in layers:
        candidates = [array for module, arrays in of_module.items() if module and (layer == module or layer.startswith((module + ".", module + "_")))
                      for array in arrays if array.shape == found[layer].shape]
        if not candidates:
            unnamed.append(layer)
            continue
        compared += 1
        error = min(float(numpy.abs(found[layer] - array).max() / max(numpy.abs(array).max(), 1e-30)) for array in candidates)
        if not error <= worst:
            worst = error
        row.bar(f"{layer} at {height}x{width}", error, 1e-4)
    row.cells[column] = f"{worst:.1e}"
    row.cells.setdefault("layers", f"{compared} of {len(layers)}")
    if compared < 0.8 * len(layers):
        row.faults.append(f"only {compared} of {len(layers)} layers have a counterpart: not {', '.join(unnamed[:3])}")


def agreement(ours, theirs):
    """Worst difference in parts of the largest value, share of values within 1e-4 of it, 1 - cosine."""
    a, b = ours.astype(numpy.float64), theirs.astype(numpy.float64)
    error = numpy.abs(a - b) / numpy.abs(b).max()
    return float(error.max()), float((error <= 1e-4).mean()), 1 - float((a * b).sum() / numpy.sqrt((a * a).sum() * (b * b).sum()))


def targets(row, witness, said, found):
    """(key, what limpid is asked for, the number that torch differentiates)"""
    chosen = int(witness.output.argmax())
    yield "logit", f"class:{chosen}", witness.output[0, chosen]
    stages = said["default spatial"].split(", ")
    for layer in stages[len(stages) // 2:] + stages[:len(stages) // 2]:  # from the middle
        _, tensor = witness.find(found[layer])
        if tensor is not None:
            channel = int(tensor.detach().abs().sum((0, 2, 3)).argmax())
            yield "channel", f"{layer}:{channel}", tensor[0, channel].sum()
            return
    row.faults.append(f"no module of torch gives one of {', '.join(stages)}")


def gradients(row, limpid, path, side):
    """In single precision, for several pictures: their median. Torch's own single precision beside its double is the yardstick."""
    single, double = networks.build(row.name), networks.build(row.name)
    seen = {}
    for seed in PICTURES:
        png, picture = limpid.picture(side, side, seed)
        _, said = limpid.network(path)
        found = limpid.activations(path, png, said["default spatial"].split(", "))
        exact, rounded = Torch(double, picture, torch.float64), Torch(single, picture, torch.float32)
        pairs = zip(targets(row, exact, said, found), targets(row, rounded, said, found))
        for (key, target, number), (_, same_target, rounded_number) in pairs:
            truth = exact.gradient(number)
            ours = agreement(limpid.gradient(path, png, target), truth)
            theirs = agreement(rounded.gradient(rounded_number), truth) if same_target == target else (numpy.nan,) * 3
            seen.setdefault(key, []).append((ours, theirs))
    for key, pairs in seen.items():
        ours, theirs = (numpy.median([pair[i] for pair in pairs], axis=0) for i in (0, 1))
        row.bar(f"{key} gradient, 1 - cosine", ours[2], 1e-4)
        if row.name in networks.SMOOTH:
            row.bar(f"{key} gradient", ours[0], 1e-4)
        row.cells[key] = f"{ours[2]:.0e} {ours[0]:.0e} {100 * ours[1]:.1f}"
        row.cells[key + " torch"] = f"{theirs[2]:.0e} {theirs[0]:.0e} {100 * theirs[1]:.1f}"


def gradients_in_double(row, limpid, path, side):
    png, picture = limpid.picture(side, side)
    witness = Torch(networks.build(row.name), picture, torch.float64)
    _, said = limpid.network(path)
    found = limpid.activations(path, png, said["default spatial"].split(", "), "reference")
    worst = 0.0
    for key, target, number in targets(row, witness, said, found):
        error = agreement(limpid.gradient(path, png, target, "reference"), witness.gradient(number))[0]
        row.bar(f"{key} gradient in double precision", error, 1e-6)
        worst = max(worst, error)
    row.cells["double"] = f"{worst:.0e}"


def judge(name, exporter, limpid, folder):
    row = Row(name, exporter)
    _, side, odd, _ = networks.ARCHITECTURES[name]
    module = networks.build(name)

    def exported(height, width):
        path = folder / f"{name}-{exporter}-{height}x{width}-{torch.__version__}.onnx"
        if not path.exists():
            networks.export(module, exporter, height, width, path)
        return path

    small = SMALL.get(name, 64)
    steps = {"canonical": ((side, side), lambda path: forward(row, limpid, path, side, side, "canonical")),
             "odd": (odd, lambda path: forward(row, limpid, path, *odd, "odd")),
             "logit": ((side, side), lambda path: gradients(row, limpid, path, side)),
             "double": ((small, small), lambda path: gradients_in_double(row, limpid, path, small))}
    for cell, (size, compare) in steps.items():  # a cell that cannot be filled has a reason
        try:
            compare(exported(*size))
        except torch.onnx.OnnxExporterError as error:
            row.cells[cell] = f"not exported: {type(error).__name__}"
        except Exception as error:
            row.faults.append(cell + ": " + " ".join(str(error).split())[-300:])
    return row


def check_filled(rows):
    """What one exporter refuses the other must give: nothing goes without a comparison."""
    for row in rows:
        alike = [other for other in rows if other.name == row.name]
        for cell in ("canonical", "odd", "logit", "double"):
            if all(other.cells.get(cell, "not").startswith("not") for other in alike):
                row.faults.append(f"no exporter gives what {cell} compares")


def main():
    parser = argparse.ArgumentParser(prog="peers", description=__doc__.split("\n")[0])
    parser.add_argument("program")
    parser.add_argument("folder", type=pathlib.Path, help="for exports, which are kept, and results")
    parser.add_argument("--table", type=pathlib.Path, help="write the table there")
    parser.add_argument("--exporter", choices=networks.EXPORTERS, action="append")
    parser.add_argument("names", nargs="*", metavar="NAME")
    arguments = parser.parse_intermixed_args()
    unknown = set(arguments.names) - set(networks.ARCHITECTURES)
    if unknown:
        parser.error(f"found {', '.join(sorted(unknown))}, expected some of {', '.join(networks.ARCHITECTURES)}")
    arguments.folder.mkdir(parents=True, exist_ok=True)
    limpid = Limpid(arguments.program, arguments.folder)
    rows = []
    for name in arguments.names or networks.ARCHITECTURES:
        for exporter in arguments.exporter or networks.EXPORTERS:
            begun = time.monotonic()
            rows.append(judge(name, exporter, limpid, arguments.folder))
            print(rows[-1].line(), f"{time.monotonic() - begun:.0f} s", flush=True)
    check_filled(rows)
    failed = sum(bool(row.faults) for row in rows)
    if arguments.table:
        arguments.table.write_text(table(rows))
    print(f"{len(rows) - failed} passed, {failed} failed, 0 skipped")
    sys.exit(failed > 0)


def table(rows):
    versions = ", ".join(f"{package} {importlib.metadata.version(package)}" for package in ("torch", "torchvision", "timm", "onnx", "onnxruntime"))
    processor = next(line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name"))
    text = f"""# Networks of others, beside others

Written by `tools/dev peers`; do not edit. {versions}; {processor}.

Random weights of a fixed seed, exported by torch's newer exporter (dynamo) and its older one (script). *Layers*: those that a
module of the file has, and that were compared, of all. *Canonical*, *odd*: the worst difference of a layer from onnxruntime, in parts of its largest value, at the network's own size and
at an odd one; bar 1e-4. *Double*: the gradients to the picture of the largest logit and of a channel of a layer in the middle, on
`--device reference` beside torch in double precision: the worst difference in parts of the largest value; bar 1e-6. *Not exported*: torch refuses
to write the network for pictures of that size.

*Logit*, *channel*: the same gradients in single precision beside torch's in double, as 1 - cosine, worst difference, and percent of
values within 1e-4 of the largest; medians of five pictures of noise. In networks with ReLU or max pooling a value near a tie falls
on the other side of it by rounding alone, and the pixels before it change; the columns *torch* say what torch's own single precision
does to the same pictures. Bars: 1 - cosine 1e-4; in smooth networks (""" + ", ".join(sorted(networks.SMOOTH)) + """) the worst difference 1e-4.

| network | exporter | layers | canonical | odd | logit | torch | channel | torch | double | |
|---|---|---|---|---|---|---|---|---|---|---|
"""
    return text + "".join(row.line() + "\n" for row in rows)


main()
