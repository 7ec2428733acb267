"""What the commands of the program take: a row for each, and a maker of values for each option that takes text.

Options come from the program's own manual, so a new number, flag or choice of words joins by itself. A new command needs
a row, and a new option of text a value: `missing` tells, and a soak begins by asking it.
"""
import dataclasses
import os

import inputs
from inputs import FINE, File

LAYERS = {"patterns": ["conv2d0", "conv2d1", "conv2d2", "mixed3a", "mixed3b", "mixed4a", "mixed4d"],
          "tiny": ["gabor", "pool", "texture"]}
CLASSES = ["fur", "stars", "bricks", "waves", "eyes", "flowers"]
METHODS = ["linear", "path", "stochastic-path", "gradient", "saliency", "gradient-x-input", "integrated-gradients", "smoothgrad",
           "guided-backprop", "deconvolution", "grad-cam", "occlusion", "prediction-difference", "lime"]


class Maker:
    """Words of one command, and the files that they name."""

    def __init__(self, draw, fixtures):
        self.draw, self.fixtures = draw, fixtures
        self.files = []
        self.net = draw.choice(["patterns", "patterns", "tiny"])
        self.read = []  # the files that the command is sure to read

    def add(self, file, read=True):
        taken = {f.name for f in self.files}
        while file.name in taken:
            file = dataclasses.replace(file, name=os.path.join(os.path.dirname(file.name), b"2" + os.path.basename(file.name)))
        self.files.append(file)
        if read:
            self.read.append(file)
        return self.spelled(file.name)

    def spelled(self, name):
        """A file by one of its names."""
        path = self.draw.choice([b"", b"", b"", b"./", b".//"]) + name
        return os.fsdecode(b"./" + path if path.startswith(b"-") else path)

    def photo(self):
        if self.draw.random() < 0.04:
            return self.spelled(self.draw.choice([b"missing.png", b".", b"missing/x.png", b"", b"/dev/null"]))
        file = inputs.picture(self.draw)
        name = self.add(file)
        if self.draw.random() < 0.08:
            kind = self.draw.choice(["symlink", "hardlink"])
            return self.add(File(b"linked.png", os.path.relpath(file.name, b"") if kind == "symlink" else file.name, kind), read=False)
        return name

    def layer(self):
        if self.draw.random() < 0.04:
            return self.draw.choice(["", "mixed9z", "mixed4d ", "input", "caf\u00e9", "\udce9", "a" * 300])
        return self.draw.choice(LAYERS[self.net])

    def label(self):
        if self.net == "tiny" or self.draw.random() < 0.05:
            return self.draw.choice(["0", "nothing", "caf\u00e9", "\udcff", ""])
        return self.draw.choice(CLASSES)

    def unit(self):
        draw = self.draw
        if self.net == "patterns" and draw.random() < 0.25:
            return f"class:{self.label()}"
        return f"{self.layer()}:{draw.choice([0, 1, 3, 7, 15, 15, 24, 9999, -1])}" if draw.random() < 0.1 else f"{self.layer()}:{draw.randint(0, 15)}"

    def objective(self):
        draw = self.draw
        text = self.unit()
        for _ in range(draw.choice([0, 0, 0, 1, 2])):
            text += draw.choice([" - ", " + "]) + draw.choice([
                lambda: f"1e2*diversity({self.layer()})", lambda: f"0.5*{self.unit()}", lambda: f"deepdream({self.layer()})",
                lambda: "L2(0.5)", lambda: "total_variation()", lambda: f"neuron({self.layer()}, 3, x={draw.randint(-1, 9)}, y=2)",
                lambda: f"direction({self.layer()}, seed={draw.randint(0, 9)})", lambda: "blur_input_each_step()",
                lambda: f"alignment({self.layer()})", lambda: "L1()", lambda: "penalize_boundary_complexity(w=2, C=0.5)", lambda: f"input_diff({self.npy()})",
                lambda: f"direction({self.layer()}, file={self.npy()})"])()
        if draw.random() < 0.04:
            text = draw.choice(["", "-", "(", "mixed4a:", ":3", "1e999*" + text, text + " -", "-" + text, "caf\udce9:1", text * 40, "L2(" * 500])
        return text

    def target(self):
        if self.draw.random() < 0.5 and self.net == "patterns":
            return self.draw.choice([f"class:{self.label()}", f"class:{self.label()} - class:{self.label()}", "logsumexp"])
        return self.draw.choice([self.layer, lambda: f"{self.layer()}:{self.draw.randint(0, 15)}",
                                 lambda: f"{self.layer()}:{self.draw.randint(0, 6)},{self.draw.randint(0, 6)}"])()

    def out(self, ending):
        """Where to write: mostly a new file; or an old one, or a place where nothing may be written."""
        draw, chance = self.draw, self.draw.random()
        if chance < 0.72:
            name = inputs.odd_name(draw, ending.encode()) if draw.random() < 0.4 else b"out" + ending.encode()
            name = b"new/" + name if draw.random() < 0.05 else name
            if name in {f.name for f in self.files}:
                name = b"out-" + os.path.basename(name)
            return self.spelled(name)
        ending = ending.encode()
        if chance < 0.78 and self.files:  # over an input, by one of its names
            files = [f for f in self.files if f.kind == "file"] or [File(b"none")]
            file = draw.choice(files)
            if file.name.endswith(ending) or draw.random() < 0.3:
                return self.spelled(file.name)
            return self.add(File(b"link" + ending, file.name, draw.choice(["symlink", "hardlink"])), read=False)
        old = File(b"old" + ending, b"what was here", verdict=OLD)
        return draw.choice([
            lambda: self.add(old, read=False),
            lambda: self.add(old, read=False),
            lambda: (self.add(old, read=False), self.add(File(b"to-old" + ending, b"old" + ending, "symlink"), read=False))[1],
            lambda: self.add(File(b"dangling" + ending, b"not-there" + ending, "symlink"), read=False),
            lambda: self.add(File(b"loop" + ending, b"loop" + ending, "symlink"), read=False),
            lambda: self.add(File(b"fifo" + ending, kind="fifo"), read=False),
            lambda: self.add(File(b"device" + ending, kind="device"), read=False),
            lambda: self.add(File(b"folder" + ending, kind="folder"), read=False),
            lambda: (self.add(File(b"shut", kind="folder", mode=0o555), read=False), "shut/out" + os.fsdecode(ending))[1],
            lambda: "x" * 300 + os.fsdecode(ending), lambda: "missing/" * 3 + "out" + os.fsdecode(ending),
            lambda: "out.txt", lambda: "", lambda: "."])()

    def out_folder(self):
        return self.draw.choice([
            lambda: "made", lambda: "made", lambda: "made", lambda: "made/deep", lambda: os.fsdecode(inputs.odd_name(self.draw, b"") or b"x"),
            lambda: self.add(File(b"there", kind="folder"), read=False),
            lambda: (self.add(File(b"there/mine.txt", b"mine"), read=False), "there")[1],
            lambda: self.add(File(b"no-folder", b"a file"), read=False),
            lambda: self.add(File(b"shut", kind="folder", mode=0o555), read=False)])()

    def weights(self):
        if self.draw.random() < 0.05:
            return self.draw.choice(["bvlc", "missing.h5", ".", ""])
        return self.add(inputs.weights(self.draw, self.fixtures))

    def some(self, make, most=3):
        return [make() for _ in range(self.draw.choice([1, 1, *range(1, most + 1)]))]

    def npy(self):
        return self.add(inputs.npy(self.draw))


OLD = "old"  # an output that was there before


def training_data(m):
    kind = m.draw.random()
    if kind < 0.5:
        return ["world"]
    for file in inputs.class_folders(m.draw) if kind < 0.8 else inputs.idx(m.draw):
        m.files.append(file)
        m.read.append(file)
    return ["data"]


def published(m):
    m.add(File(b"published/lucid/x.npy", b"?", verdict=inputs.ODD))
    return [m.draw.choice(["published", "missing"])]


def recipe(m):
    name = m.draw.choice(["", "alpha", "caricature", "class_model", "cppn", "cppn_interpolation", "diversity", "interaction", "joint",
                          "inversion", "style", "nonsense"])
    two_units = lambda: [m.unit(), m.unit()]
    rest = {"": list, "caricature": lambda: [m.photo(), m.layer()], "inversion": lambda: [m.photo(), m.layer()],
            "style": lambda: [m.photo(), m.photo()], "class_model": lambda: [m.label()], "interaction": two_units,
            "joint": two_units, "cppn_interpolation": two_units}.get(name, lambda: [m.unit()])()
    if name:
        rest += ["--steps", m.draw.choice(["0", "2"]), "--size", "32", "--net", m.net, "-o", m.out(".png"), "--quiet"]
    return [name, *rest] if name else []


@dataclasses.dataclass(frozen=True)
class Row:
    """A command. positional: its words in front. always: options that are always given, to keep the work small."""
    positional: object = lambda m: []
    always: tuple = ()
    never: tuple = ()
    endless: tuple = ()     # words that make it work until it is stopped
    on_network: bool = True
    reports_by_status: bool = False  # 1 may mean: it was tried and does not hold


ROWS = {
    "activations": Row(lambda m: [m.photo()], ("--layer", "--out")),
    "appendix": Row(lambda m: [m.out_folder()], ("--layers", "--steps", "--size"), endless=("--steps", "1000000")),
    "attribute": Row(lambda m: [m.photo()], ("--to", "--steps", "--window", "--stride", "--out"), endless=("--method", "lime", "--steps", "1000000")),
    "batch": Row(lambda m: m.draw.choice([
        lambda: m.some(m.objective), lambda: [m.add(inputs.jobs(m.draw, lambda _: m.objective()))],
        lambda: [f"{m.layer()}:{m.draw.choice(['0-3', '1,2', '*', '0-99999', '3-1', ','])}"]])(),
        ("--out", "--steps", "--size"), endless=("--steps", "1000000")),
    "classify": Row(lambda m: [m.photo()]),
    "convert": Row(lambda m: [m.weights(), m.out(m.draw.choice([".h5", ".h5", ".onnx"]))], on_network=False),
    "devices": Row(on_network=False),
    "dictionary": Row(lambda m: [m.photo()], ("--out",)),
    "fetch": Row(lambda m: [m.draw.choice(["nothing", "", "caf\u00e9"])], on_network=False),  # no network for a test
    "gradcheck": Row(lambda m: [m.objective()], ("--size", "--directions"), reports_by_status=True),
    "grid": Row(lambda m: [m.photo()], ("--steps", "--size", "--groups", "--out"), endless=("--steps", "1000000")),
    "groups": Row(lambda m: [m.photo()], ("--count", "--out", "--icon-size", "--icon-steps"), endless=("--icon-steps", "1000000")),
    "info": Row(lambda m: [m.weights()] if m.draw.random() < 0.9 else [], on_network=False),
    "judge": Row(always=("--count", "--size", "--method", "--part", "--samples", "--steps"), endless=("--count", "100000", "--part", "methods")),
    "manual": Row(on_network=False),
    "objectives": Row(on_network=False),
    "parity": Row(published, reports_by_status=True),
    "recipe": Row(recipe, on_network=False),
    "render": Row(lambda m: m.some(m.objective), ("--steps", "--size", "--out"), endless=("--steps", "1000000")),
    "report": Row(lambda m: m.some(m.photo, 2), ("--steps", "--icons", "--units", "--figures", "--cache", "--out"), endless=("--steps", "1000000")),
    "sheet": Row(lambda m: m.some(m.photo), ("--out",), on_network=False),
    "train": Row(training_data, ("--steps", "--batch", "--size", "--evaluate", "--out"), ("--net", "--weights"), endless=("--steps", "1000000")),
    "world": Row(always=("--count", "--size", "--out"), endless=("--count", "100000"), on_network=False),
}

PARAMS = ["fft", "pixel", "laplacian", "lowres(size=8)", "cppn", "fft(decay=1.5) + lowres(size=8)", "pixel(sd=10); rgb; centred",
          "fft; alpha", "fft; grey", "pixel; raw", "fft(images=1)", "", "fft(", "nothing", "fft; fft"]
TRANSFORMS = ["none", "standard", "robust", "alpha", "pad(2); jitter(1)", "scale(0.9..1.1/11)", "rotate(-10..10)", "jitter(-1)",
              "pad(999999)", "scale(0)", "", "crop_or_pad(16)", "jitter(2"]

# Values of options that take text; and of numbers where any number would be too much work. "COMMAND --option" goes first.
VALUES = {
    "--weights": lambda m: m.weights(),
    "--net": lambda m: m.net,
    "--preprocess": lambda m: m.draw.choice(["torchvision", "caffe", "tensorflow", "none", "scale=255; mean=104", "imagenet", ""]),
    "--show": lambda m: m.draw.choice(["2,1,0", "0,0,0", "3,2,1", "0,1"]),
    "--device": lambda m: m.draw.choice(["auto", "cpu", "cpu:portable", "cpu:avx2", "reference", "cuda", "cpu:avx512", "tpu", ""]),
    "--precision": lambda m: m.draw.choice(["fp32", "fp32", "tf32", "tf32x3", "fp16"]),
    "--threads": lambda m: m.draw.choice(["0", "1", "2", "3", "8", "64"]),
    "--shadow": lambda m: m.draw.choice(["reference", "cpu", "nothing"]),
    "--dump": lambda m: m.out_folder(),
    "--layer": lambda m: m.layer(),
    "--layers": lambda m: ",".join(m.some(m.layer, 2)) if m.net == "tiny" or m.draw.random() < 0.2 else m.draw.choice(["conv2d0", "conv2d1"]),
    "--to": lambda m: m.target(),
    "fetch --to": lambda m: m.out_folder(),
    "--from": lambda m: m.draw.choice(["input", m.layer()]),
    "--earlier": lambda m: m.layer(),
    "--method": lambda m: m.draw.choice(METHODS) if m.draw.random() < 0.9 else "nothing",
    "judge --method": lambda m: m.draw.choice(["linear", "gradient", "grad-cam", "saliency", "nothing"]),  # of one forward and back
    "--out": lambda m: m.out(".png"),
    "activations --out": lambda m: m.out(m.draw.choice([".npy", ".h5"])),
    "batch --out": lambda m: m.out_folder(),
    "judge --out": lambda m: m.out(".md"),
    "render --out": lambda m: m.out(m.draw.choice([".png", ".png", ".npy"])),
    "report --out": lambda m: m.out(".html"),
    "sheet --out": lambda m: m.out(m.draw.choice([".png", ".jpg"])),
    "train --out": lambda m: m.out(".h5"),
    "world --out": lambda m: m.draw.choice([lambda: m.out(".png"), m.out_folder])(),
    "--sheet": lambda m: m.out(".png"),
    "--array": lambda m: m.out(m.draw.choice([".npy", ".h5"])),
    "--arrays": lambda m: m.out(".h5"),
    "--data": lambda m: m.out(".json"),
    "--cache": lambda m: m.draw.choice(["cache", "cache", "cache/deep", m.out_folder()]),
    "--reference": lambda m: m.photo(),
    "--start": lambda m: m.photo(),
    "--param": lambda m: m.draw.choice(PARAMS) if m.draw.random() < 0.9 else f"photo({m.photo()})",
    "--transforms": lambda m: m.draw.choice(TRANSFORMS),
    "--optimiser": lambda m: m.draw.choice(["adam", "ascent(rate=100)", "yosinski1", "ascent(rate=1); clamp; blur(sigma=1, every=2)", "sgd", ""]),
    "train --optimiser": lambda m: m.draw.choice(["adam", "sgd"]),
    "--thresholds": lambda m: m.draw.choice(["1,2", "0", "2,1", "3", "1,,2", "-1", "x"]),
    "--shard": lambda m: m.draw.choice(["auto", "1/2", "2/2", "3/2", "0/1", "auto/2", "x", "1/1"]),
    "--max-memory": lambda m: m.draw.choice(["64MiB", "200MiB", "1GiB", "1", "0", "-1", "10 apples", "1e18", "1.5GiB"]),
    "--figures": lambda m: ",".join(m.some(lambda: m.draw.choice(["dictionary", "teaser", "spatial", "icons", "maps", "history"]), 2)),
    "--labels": lambda m: m.add(inputs.labels(m.draw)),
    "--variant": lambda m: m.draw.choice(["bvlc", "inception5h", "patterns", "nothing"]),
    "--pattern": lambda m: m.label(),
    "--test": lambda m: m.draw.choice(["data", "missing"]),
    # numbers
    "--steps": lambda m: m.draw.choice(["0", "1", "2", "3", "5"]),
    "judge --steps": lambda m: m.draw.choice(["0", "2"]),
    "attribute --steps": lambda m: m.draw.choice(["1", "2", "4"]),
    "report --steps": lambda m: m.draw.choice(["1", "2"]),
    "train --steps": lambda m: m.draw.choice(["1", "2", "3"]),
    "--icon-steps": lambda m: m.draw.choice(["0", "1", "2"]),
    "--overlay-steps": lambda m: m.draw.choice(["0", "1", "2"]),
    "--icon-size": lambda m: m.draw.choice(["16", "24"]),
    "--icons": lambda m: m.draw.choice(["0", "1", "3"]),
    "--units": lambda m: m.draw.choice(["0", "1"]),
    "--size": lambda m: m.draw.choice(["8", "16", "24", "31", "32", "48", "64"]),
    "judge --size": lambda m: "64",
    "train --size": lambda m: m.draw.choice(["16", "24"]),
    "gradcheck --size": lambda m: m.draw.choice(["8", "16"]),
    "info --size": lambda m: m.draw.choice(["16", "224", "65536"]),
    "--samples": lambda m: "20",
    "--count": lambda m: m.draw.choice(["1", "2", "3", "6"]),
    "judge --count": lambda m: "1",
    "--earlier-count": lambda m: m.draw.choice(["1", "3"]),
    "--batch": lambda m: m.draw.choice(["1", "2", "3", "5"]),
    "--streams": lambda m: m.draw.choice(["1", "2", "3"]),
    "--evaluate": lambda m: m.draw.choice(["1", "5"]),
    "--directions": lambda m: m.draw.choice(["1", "2"]),
    "--groups": lambda m: m.draw.choice(["0", "1", "3"]),
    "--window": lambda m: m.draw.choice(["16", "33", "64"]),
    "--stride": lambda m: m.draw.choice(["16", "31", "64"]),
    "--first": lambda m: m.draw.choice(["0", "1", "7", "4294967290"]),
    "--seed": lambda m: m.draw.choice(["0", "1", "7", "4294967296", "18446744073709551615"]),
    "--job": lambda m: m.draw.choice(["0", "1", "9"]),
    "--cell": lambda m: m.draw.choice(["0", "1", "16", "40"]),
    "--gap": lambda m: m.draw.choice(["0", "1", "5"]),
    "--top": lambda m: m.draw.choice(["1", "3", "1000"]),
    "--columns": lambda m: m.draw.choice(["1", "2", "7", "1000"]),
}

PLAIN = {"INT": ["0", "1", "2", "3", "12"], "UINT": ["0", "1", "2", "3", "12"], "FLOAT": ["0", "0.01", "0.5", "1", "2"]}
WILD = ["", " ", "-1", "-0", "2147483648", "9223372036854775808", "99999999999999999999999", "1e3", "0x10", "nan", "inf", "1e-320", "x",
        "caf\u00e9", "\udcff", "a" * 4000, "--", "-", "1,2", "{}", "1 2", "\n", "../../..", "%s%n", "'"]


def value_of(command, option, maker):
    """A value, or None where nobody has said what the option takes."""
    make = VALUES.get(f"{command} {option.name}") or VALUES.get(option.name)
    if make:
        return make(maker)
    if option.words:
        return maker.draw.choice(option.words)
    for kind, values in PLAIN.items():
        if option.value.startswith(kind):
            return maker.draw.choice(values)
    return None


def missing(commands):
    """What the table lacks of what the program has: a list of sentences."""
    lacks = [f"the command {name} has no row in tests/soak/commands.py" for name in commands if name not in ROWS]
    lacks += [f"the row of {name} in tests/soak/commands.py is of no command" for name in ROWS if name not in commands]
    for name, options in commands.items():
        known = {option.name for option in options}
        for option in options:
            if option.positional or not option.value or option.words:
                continue
            if not any(key in VALUES for key in (f"{name} {option.name}", option.name)) and \
                    not any(option.value.startswith(kind) for kind in PLAIN):
                lacks.append(f"{name} {option.name} {option.value} has no value in tests/soak/commands.py")
        lacks += [f"{name} has no option {option}, which its row in tests/soak/commands.py gives always"
                  for option in ROWS[name].always if option not in known] if name in ROWS else []
    return lacks
