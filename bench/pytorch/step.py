#!/usr/bin/env python3
"""GoogLeNet in PyTorch, timed: what bench/render_bench times, written as a user of PyTorch writes it.

    /usr/bin/python3 step.py --what network --size 128 --batch 16 --seconds 5        (Debian: python3-torch libopenblas0-openmp)

--what network: forward, and gradient to the image of half the sum of squares of the layer; no gradient of weights.
--what update: a whole update of Lucid's render of mixed4d:100: spectrum to image, transforms, network, gradient, Adam.
--device cuda: on a GPU, in one of three forms. eager: as it is installed. compiled-tf32: torch.compile, channels last, TF32 wherever it is
allowed. bf16-graph: the network in bfloat16, channels last, a step recorded as a CUDA graph and replayed. Only the network in the last two.
--style plain: each convolution by itself and PyTorch's own LRN. --style expert: the 1x1 convolutions of a block that see the same
input as one, LRN as a banded 1x1 convolution of the squares.

Weights are random: the time does not depend on their values. Prints one line of JSON per batch: median of milliseconds, threads, and the
operations of the direct convolutions of one step (a gradient counts as much as its forward pass), by which compare.py sees that
both programs do the same work."""

import argparse
import json
import math
import pathlib
import statistics
import time

import torch
from torch import nn
from torch.nn import functional as F

# name, in channels, (1x1, 3x3 bottleneck, 3x3, 5x5 bottleneck, 5x5, pool): Lucid's InceptionV1
BLOCKS = [
    ("3a", 192, (64, 96, 128, 16, 32, 32)), ("3b", 256, (128, 128, 192, 32, 96, 64)),
    ("4a", 480, (192, 96, 204, 16, 48, 64)), ("4b", 508, (160, 112, 224, 24, 64, 64)),
    ("4c", 512, (128, 128, 256, 24, 64, 64)), ("4d", 512, (112, 144, 288, 32, 64, 64)),
    ("4e", 528, (256, 160, 320, 32, 128, 128)), ("5a", 832, (256, 160, 320, 48, 128, 128)),
    ("5b", 832, (384, 192, 384, 48, 128, 128))]
LAST_MIXED4D, CLASSES = "4d", 1008


def same(x, window, stride):
    """TensorFlow's SAME padding: what is odd goes to the right and to the bottom."""
    pads = []
    for size in (x.shape[3], x.shape[2]):
        total = max((math.ceil(size / stride) - 1) * stride + window - size, 0)
        pads += [total // 2, total - total // 2]
    return pads


def max_pool(x, stride):
    if stride == 1:
        return F.max_pool2d(x, 3, 1, 1)
    return F.max_pool2d(F.pad(x, same(x, 3, stride), value=float("-inf")), 3, stride)


class LocalResponseNorm(nn.Module):
    """Lucid's: radius 5, bias 2, alpha 1e-4, beta 0.5. PyTorch divides its alpha by the window."""

    def __init__(self, channels, expert):
        super().__init__()
        self.expert = expert
        if expert:
            index = torch.arange(channels)
            band = ((index[:, None] - index[None, :]).abs() <= 5).float() * 1e-4
            self.conv = nn.Conv2d(channels, channels, 1)
            self.conv.weight.data = band[:, :, None, None]
            self.conv.bias.data = torch.full((channels,), 2.0)

    def forward(self, x):
        return x * torch.rsqrt(self.conv(x * x)) if self.expert else F.local_response_norm(x, 11, 11e-4, 0.5, 2.0)


class Block(nn.Module):
    def __init__(self, channels, row, expert):
        super().__init__()
        one, three_in, three, five_in, five, pool = row
        self.widths, self.expert = (one, three_in, five_in), expert
        if expert:
            self.first = nn.Conv2d(channels, sum(self.widths), 1)
        else:
            self.firsts = nn.ModuleList(nn.Conv2d(channels, width, 1) for width in self.widths)
        self.three = nn.Conv2d(three_in, three, 3, padding=1)
        self.five = nn.Conv2d(five_in, five, 5, padding=2)
        self.pool = nn.Conv2d(channels, pool, 1)

    def forward(self, x):
        if self.expert:
            one, three, five = F.relu(self.first(x)).split(self.widths, 1)
        else:
            one, three, five = (F.relu(first(x)) for first in self.firsts)
        return torch.cat((one, F.relu(self.three(three)), F.relu(self.five(five)), F.relu(self.pool(max_pool(x, 1)))), 1)


class GoogLeNet(nn.Module):
    def __init__(self, expert, whole):
        super().__init__()
        self.conv0, self.conv1, self.conv2 = nn.Conv2d(3, 64, 7, 2), nn.Conv2d(64, 64, 1), nn.Conv2d(64, 192, 3, padding=1)
        self.norm0, self.norm1 = LocalResponseNorm(64, expert), LocalResponseNorm(192, expert)
        names = [name for name, _, _ in BLOCKS]
        kept = BLOCKS if whole else BLOCKS[:names.index(LAST_MIXED4D) + 1]
        self.blocks = nn.ModuleDict({name: Block(channels, row, expert) for name, channels, row in kept})
        self.classes = nn.Linear(1024, CLASSES) if whole else None
        for parameter in self.parameters():
            parameter.requires_grad_(False)

    def forward(self, x):
        x = max_pool(F.relu(self.conv0(F.pad(x, same(x, 7, 2)))), 2)
        x = self.norm1(F.relu(self.conv2(F.relu(self.conv1(self.norm0(x))))))
        x = max_pool(x, 2)
        for name, block in self.blocks.items():
            x = block(max_pool(x, 2) if name in ("4a", "5a") else x)
        return self.classes(x.mean((2, 3))) if self.classes else x


def direct_operations(net, run):
    """Of the convolutions and the classifier, forward and gradient; the bands of an expert's LRN are not the network's work."""
    total = 0
    bands = {module.conv for module in net.modules() if isinstance(module, LocalResponseNorm) and module.expert}

    def count(module, inputs, output):
        nonlocal total
        if module not in bands:
            total += 2 * output.numel() * module.weight[0].numel()

    hooks = [module.register_forward_hook(count) for module in net.modules() if isinstance(module, (nn.Conv2d, nn.Linear))]
    run()
    for hook in hooks:
        hook.remove()
    return 2 * total


class Render:
    """Lucid's render: spectrum, decorrelated colours, pad 12, jitter 8, scale, rotate, jitter 4."""

    def __init__(self, size, batch, device="cpu"):
        self.device = device
        down, across = torch.fft.fftfreq(size)[:, None], torch.fft.rfftfreq(size)[None, :]
        self.scale = (1 / torch.sqrt(down ** 2 + across ** 2).clamp(min=1 / size))[..., None].to(device)
        self.spectrum = (0.01 * torch.randn(batch, 3, size, size // 2 + 1, 2)).to(device).requires_grad_(True)
        colours = torch.tensor([[0.26, 0.09, 0.02], [0.27, 0.00, -0.05], [0.27, -0.09, 0.03]])
        self.colours = (colours / colours.norm(dim=0).max()).T.to(device)
        self.adam = torch.optim.Adam([self.spectrum], lr=0.05)
        self.size = size

    def image(self):
        planes = torch.fft.irfft2(torch.view_as_complex(self.scale * self.spectrum), s=(self.size, self.size), norm="ortho") / 4
        return torch.sigmoid(torch.matmul(planes.permute(0, 2, 3, 1), self.colours).permute(0, 3, 1, 2))

    @staticmethod
    def draw(low, high):
        return int(torch.randint(low, high, ()))

    def jitter(self, x, most):
        down, across = self.draw(0, most + 1), self.draw(0, most + 1)
        return x[:, :, down:x.shape[2] - most + down, across:x.shape[3] - most + across]

    def transformed(self, x):
        x = self.jitter(F.pad(x, [12] * 4, value=0.5), 8)
        scale = 1 + (self.draw(0, 11) - 5) / 50
        x = F.interpolate(x, scale_factor=scale, mode="bilinear", align_corners=True, recompute_scale_factor=True)
        angle = math.radians((list(range(-10, 11)) + 5 * [0])[self.draw(0, 26)])
        turn = torch.tensor([[math.cos(angle), math.sin(angle), 0], [-math.sin(angle), math.cos(angle), 0]], device=self.device)
        x = F.grid_sample(x, F.affine_grid(turn.expand(x.shape[0], 2, 3), x.shape, align_corners=False), align_corners=False)
        return self.jitter(x, 4) * 255 - 117


def blas():
    """The library of matrix products in this process: with the reference BLAS, PyTorch is several times slower."""
    mapped = pathlib.Path("/proc/self/maps").read_text()
    return next((name for name in ("openblas", "mkl", "blis", "atlas") if f"lib{name}" in mapped), "reference")


def recorded(step):
    """The step as a CUDA graph. The first runs, on a stream beside, choose algorithms and make what is made once."""
    beside = torch.cuda.Stream()
    beside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(beside):
        for _ in range(3):
            step()
    torch.cuda.current_stream().wait_stream(beside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    return graph.replay


def measured(options, batch):
    gpu = options.device == "cuda"
    compiled, bf16 = gpu and options.form == "compiled-tf32", gpu and options.form == "bf16-graph"
    last = options.channels_last or compiled or bf16
    layout = torch.channels_last if last else torch.contiguous_format
    if compiled:
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    number = torch.bfloat16 if bf16 else torch.float32
    net = GoogLeNet(options.style == "expert", options.layer == "logits").to(options.device, number).to(memory_format=layout)
    forward = torch.compile(net, dynamic=False) if compiled else net

    if options.what == "network":
        image = torch.full((batch, 3, options.size, options.size), 0.5, dtype=number, device=options.device)
        image = image.to(memory_format=layout).requires_grad_(True)

        def step(net=forward):
            return torch.autograd.grad(net(image).square().sum() / 2, image)
    else:
        render = Render(options.size, batch, options.device)

        def step(net=forward):
            render.adam.zero_grad()
            (-net(render.transformed(render.image()).contiguous(memory_format=layout))[:, 100].mean()).backward()
            render.adam.step()

    operations = direct_operations(net, lambda: step(net))
    run = recorded(step) if bf16 else step
    wait = torch.cuda.synchronize if gpu else lambda: None
    for _ in range(3 if gpu else 1):
        run()
    wait()
    times = []
    end = time.perf_counter() + options.seconds
    while time.perf_counter() < end or len(times) < 3:
        begin = time.perf_counter()
        run()
        wait()
        times.append(1e3 * (time.perf_counter() - begin))
    return {"ms": statistics.median(times), "runs": len(times), "threads": torch.get_num_threads(), "direct_operations": operations,
            "blas": blas(), "torch": torch.__version__, "size": options.size, "batch": batch, "device": options.device,
            "form": options.form if gpu else options.style}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--what", choices=("network", "update"), default="network")
    parser.add_argument("--layer", choices=("mixed4d", "logits"), default="mixed4d")
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--batch", type=int, nargs="+", default=[1])
    parser.add_argument("--threads", type=int, default=0, help="0: as PyTorch chooses")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--form", choices=("eager", "compiled-tf32", "bf16-graph"), default="eager", help="on a GPU")
    parser.add_argument("--style", choices=("plain", "expert"), default="plain")
    parser.add_argument("--channels-last", action="store_true")
    parser.add_argument("--seconds", type=float, default=5)
    options = parser.parse_args()
    if options.what == "update" and options.form != "eager":
        parser.error("--what update: sizes change from update to update, so it is measured eager only")
    if options.threads:
        torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    for batch in options.batch:
        print(json.dumps(measured(options, batch)), flush=True)


if __name__ == "__main__":
    main()
