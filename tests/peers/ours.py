"""What limpid says of a network: runs of the program, and what they write."""

import pathlib
import re
import subprocess

import h5py
import numpy
from PIL import Image


class Limpid:
    def __init__(self, program, folder):
        self.program, self.folder = program, pathlib.Path(folder)

    def run(self, *arguments):
        done = subprocess.run([self.program, *map(str, arguments)], capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError(f"limpid {' '.join(map(str, arguments))[:300]}: status {done.returncode}: {done.stderr.strip()}")
        return done.stdout

    def picture(self, height, width, seed=3):
        """A PNG of noise, and its values from 0 to 1: {H,W,3}."""
        path = self.folder / f"{height}x{width}-{seed}.png"
        bytes_ = numpy.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=numpy.uint8)
        Image.fromarray(bytes_).save(path)
        return path, bytes_.astype(numpy.float32) / numpy.float32(255)

    def network(self, weights):
        """The text of the network: {layer: kind}, and what its first lines say."""
        text = self.run("info", weights, "--preprocess", "torchvision", "--text")
        said = dict(re.findall(r"^([a-z][a-z -]*): (.*)$", text, re.M))
        return dict(re.findall(r"^(\S+) = (\w+)\(", text, re.M)), said

    def activations(self, weights, picture, layers, device="cpu"):
        path = self.folder / "activations.h5"
        path.unlink(missing_ok=True)
        self.run("activations", picture, "--whole", "--layer", *layers, "-o", path, "--weights", weights, "--preprocess",
                 "torchvision", "--device", device)
        with h5py.File(path) as file:
            return {layer: numpy.array(file[layer]) for layer in layers}

    def gradient(self, weights, picture, target, device="cpu"):
        """Of the target with respect to the picture, {H,W,3}."""
        array, map_ = self.folder / "gradient.npy", self.folder / "gradient.png"
        array.unlink(missing_ok=True), map_.unlink(missing_ok=True)
        self.run("attribute", picture, "--whole", "--method", "gradient", "--to", target, "--from", "input", "--array", array,
                 "-o", map_, "--quiet", "--weights", weights, "--preprocess", "torchvision", "--device", device)
        return numpy.load(array)[0]
