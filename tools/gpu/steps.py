"""The table of steps: what is run on a machine with a GPU, for how long at most, and who reads what it prints.

An emulated pack runs the same table with less work in each step."""

import glob
import importlib.util
import os
import pathlib
import shutil
import sys
from typing import Callable, List, NamedTuple

import readers

PRECISIONS = ("fp32", "tf32x3", "tf32")


class Step(NamedTuple):
    name: str
    limit_s: float
    commands: List[list]
    read: Callable  # of readers.py
    missing: str = ""  # why it cannot be run here
    together: bool = False  # all commands at once
    partly: bool = False  # what it printed before it was killed is worth having
    pictures: tuple = ()  # files of the work folder that are results


class Pack:
    """Where things are, and how they are run."""

    def __init__(self, folder, work, about):
        self.folder, self.work = folder, work
        self.archive = folder / "programs.tar.xz"
        self.emulated = about["emulated"]
        self.weights = next((str(file) for file in sorted(folder.glob("weights/*.h5"))), "")
        self.cores = os.cpu_count() or 1
        self.libraries = [str(work / "lib")]

    def program(self, name, *words, libraries=()):
        """A command. Only our programs see our libraries: the machine's tools have their own."""
        paths = ":".join([*self.libraries, *libraries])
        return ["env", f"LD_LIBRARY_PATH={paths}", f"LIMPID_SOURCE_DIR={self.folder / 'source'}",
                f"LIMPID_PROGRAM={self.work / 'bin/limpid'}", f"XDG_CACHE_HOME={self.work}",
                self.work / "bin" / name, *words]

    def shards(self, most, command):
        """The tests of a program, shared among several processes."""
        count = max(1, min(most, self.cores))
        return [["env", f"GTEST_TOTAL_SHARDS={count}", f"GTEST_SHARD_INDEX={i}", *command] for i in range(count)]

    def either(self, real, emulated):
        return emulated if self.emulated else real


def package_libraries():
    """cuDNN and cuBLAS as Python packages bring them."""
    try:
        found = importlib.util.find_spec("nvidia")
    except (ImportError, ValueError):
        found = None
    places = list(found.submodule_search_locations or []) if found else []
    return sorted(str(folder) for place in places for folder in pathlib.Path(place).glob("*/lib"))


# Where NVIDIA's installers put the tools, which they do not add to PATH.
INSTALLED = ("/usr/local/cuda/bin", "/usr/local/cuda-*/bin", "/opt/nvidia/nsight-compute/*")


def tool(name, pack):
    """The path of a tool of NVIDIA's, and why it cannot be used, or ''."""
    if pack.emulated:
        return name, "the emulated GPU is none of NVIDIA's"
    places = [place for pattern in INSTALLED for place in sorted(glob.glob(pattern), reverse=True)]
    path = shutil.which(name) or shutil.which(name, path=os.pathsep.join(places))
    return path or name, "" if path else f"{name} is not installed here"


def table(pack):
    return [*checks(pack), *measurements(pack)]


def checks(pack):
    program, either = pack.program, pack.either
    # Rows that suffice where every launch is slow.
    small = "--gtest_filter=*primes*:*Pool*:*Reduce*:*Spectral*:*Warp*-*googlenet*:*merged*:*bvlc*:*batch*"
    net = ["--weights", pack.weights] if pack.weights else ["--net", "tiny"]
    # One that answers to the first picture: most do not, and equal zeros would say nothing.
    unit = "mixed4d:7" if "--weights" in net else "gabor:3"
    size, steps = either("128", "48"), either("19", "2")
    work = pack.work

    def render(name, *words):
        return program("limpid", "render", unit, *net, "--size", size, *words, "-o", work / f"{name}.png")

    def on_gpu(precision):
        return ["--device", "cuda", "--precision", precision]

    def shadow(precision, *words):
        return program("limpid", "render", *words, "--steps", "0", *on_gpu(precision), "--shadow", "reference", "-o", work / "shadow.png")

    # TF32 is coarser than what the program allows a node to differ by.
    shadows = [shadow(precision, "gabor:3", "--net", "tiny", "--size", "24") for precision in ("fp32", "tf32x3")]
    if "--weights" in net:
        shadows += [shadow(precision, unit, *net, "--size", "64") for precision in ("fp32", "tf32x3")]
    batch = ["batch", unit.split(":")[0] + either(":0-15", ":0-3"), *net, "--size", size, "--steps", either("31", "3"),
             "--device", "cuda", "--no-sprites"]

    compute_sanitizer, no_sanitizer = tool("compute-sanitizer", pack)
    nvidia_smi, no_smi = tool("nvidia-smi", pack)

    def sanitizer(name, limit_s, shards):
        command = [compute_sanitizer, "--tool", name, "--target-processes", "all", "--error-exitcode", "9",
                   *program("kernels_test", small)]
        return Step(name, limit_s, pack.shards(shards, command), readers.sanitizer, no_sanitizer, together=True)

    return [
        Step("unpack", 20, [[sys.executable, "-m", "tarfile", "-e", pack.archive, work]], lambda text: readers.unpacked(text, work / "bin")),
        Step("devices", 10, [program("limpid", "devices", "--json")], readers.devices),
        Step("driver", 5, [[nvidia_smi, "-q"]], readers.driver, no_smi),
        Step("tests", 50, pack.shards(16, program("kernels_test", *either([], [small]))), readers.tests, together=True),
        Step("program", 30, [program("gpu_test")], readers.tests),
        Step("shadow", 20, shadows, readers.shadows),
        Step("scores", 20, [render("cpu", "--steps", steps, "--device", "cpu")] +
             [render(precision, "--steps", steps, *on_gpu(precision)) for precision in PRECISIONS],
             lambda text: readers.scores(text, work, PRECISIONS), pictures=("fp32.png", "cpu.png")),
        Step("batch", 15, [program("limpid", *batch, "--streams", streams, "-o", work / f"streams-{streams}") for streams in "12"],
             lambda text: readers.same_pictures(text, work / "streams-1", work / "streams-2")),
        sanitizer("memcheck", 35, 8), sanitizer("racecheck", 35, 8), sanitizer("initcheck", 12, 8), sanitizer("synccheck", 12, 8),
    ]


def measurements(pack):
    program, either = pack.program, pack.either
    json_output = "--benchmark_format=json"
    renders = either("/px:224/", "network_step/mixed4d/px:128/batch:1/")
    # Google Benchmark's names go on after ours: "/min_time:0.050/manual_time".
    kernels = f"^googlenet224/{either('.*', 'mixed5b_pool_reduce')}/(forward|grad_input)/(chosen|cudnn)/"
    kernels += either("|^googlenet224/to_mixed4d/.*/chosen/", "")

    def device(precision):
        return ["--device", "cuda", "--precision", precision]

    def renders_in(precision):
        return Step(f"render-{precision}", 25, [program("render_bench", *device(precision), "--iterations", either("60", "1"),
                                                        f"--benchmark_filter={renders}", json_output)], readers.benchmarks, partly=True)

    def kernels_in(precision):
        command = program("kernels_bench", *device(precision), f"--benchmark_filter={kernels}", json_output,
                          libraries=[] if pack.emulated else package_libraries())
        return Step(f"kernels-{precision}", 30, [command], readers.benchmarks, partly=True)

    no_torch = "the emulated GPU is none of PyTorch's" if pack.emulated else "" if importlib.util.find_spec("torch") else "PyTorch is not installed here"

    def pytorch(form, limit_s):
        command = [sys.executable, pack.folder / "source/bench/pytorch/step.py", "--device", "cuda", "--form", form, "--size", "224",
                   "--batch", "16", "1", "64", "--seconds", "1"]
        return Step(f"pytorch-{form}", limit_s, [command], readers.pytorch, no_torch, partly=True)

    ncu, no_ncu = tool("ncu", pack)

    def profiled(kernel, rows, precision):
        return [ncu, "--target-processes", "all", "--clock-control", "none", "--csv", "--page", "raw", "--section", "SpeedOfLight",
                "--section", "ComputeWorkloadAnalysis", "--section", "Occupancy", "--kernel-name", f"regex:{kernel}", "--launch-count", "1",
                *program("kernels_bench", *device(precision), "--benchmark_min_time=0.001", f"--benchmark_filter={rows}")]

    profiles = [profiled("conv2d_tf32", "^googlenet224/conv2d2/forward/chosen/", "tf32"),
                profiled("conv2d_(tf32|pipelined|tiled|direct)", "^googlenet224/conv2d0/grad_input/chosen/", "tf32"),
                profiled("spectral_product", "^spectral/recipe224/inverse/chosen/", "fp32")]
    return [
        Step("model", 5, [program("kernels_bench", "--model")], readers.model),
        *(renders_in(precision) for precision in PRECISIONS),
        kernels_in("fp32"), kernels_in("tf32"),
        pytorch("eager", 20), pytorch("bf16-graph", 25), pytorch("compiled-tf32", 50),
        Step("profiler", 35, profiles, readers.profiles, no_ncu, partly=True),
    ]
