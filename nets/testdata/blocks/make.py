#!/usr/bin/env python3
"""Writes small blocks of known architectures as torch exports them, with values that others computed, for nets/onnx_blocks_test.cpp.

    pip install torch==2.13.0 onnx onnxruntime onnxscript numpy
    nets/testdata/blocks/make.py

Each file holds three constants that no node takes: `expected input`, `expected output` (of onnxruntime) and `expected gradient` (of
torch: the derivative of sum(output * probe) with respect to the input, probe being cos(0, 1, 2, ...)). Seeds are fixed."""

import pathlib

import numpy
import onnx
import onnxruntime
import torch
from onnx import numpy_helper
from torch import nn
from torch.nn import functional as F


def conv_bn(inp, out, k=1, **more):
    return nn.Sequential(nn.Conv2d(inp, out, k, bias=False, **more), nn.BatchNorm2d(out))


class Residual(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = conv_bn(3, 6, 3, padding=1)
        self.conv1, self.conv2 = conv_bn(6, 8, 3, stride=2, padding=1), conv_bn(8, 8, 3, padding=1)
        self.downsample = conv_bn(6, 8, 1, stride=2)
        self.relu = nn.ReLU(inplace=True)
        self.fc = nn.Linear(8, 5)

    def forward(self, x):
        x = self.relu(self.stem(x))
        y = self.relu(self.downsample(x) + self.conv2(self.relu(self.conv1(x))))
        return self.fc(torch.flatten(F.adaptive_avg_pool2d(y, 1), 1))


class DepthwiseGate(nn.Module):
    """An inverted residual of MobileNetV3, with squeeze and excitation."""

    def __init__(self):
        super().__init__()
        self.expand, self.depthwise = conv_bn(3, 12), conv_bn(12, 12, 5, stride=2, padding=2, groups=12)
        self.squeeze, self.excite = nn.Conv2d(12, 4, 1), nn.Conv2d(4, 12, 1)
        self.project = conv_bn(12, 6)
        self.twice = nn.Conv2d(6, 12, 3, groups=6)

    def forward(self, x):
        x = F.hardswish(self.depthwise(F.relu6(self.expand(x))))
        gate = F.hardsigmoid(self.excite(F.relu(self.squeeze(F.adaptive_avg_pool2d(x, 1)))))
        return self.twice(self.project(x * gate))


class Shuffle(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = conv_bn(3, 8, 3, padding=1)
        self.branch = nn.Sequential(conv_bn(4, 4), nn.ReLU(), conv_bn(4, 4, 3, padding=1, groups=4), conv_bn(4, 4), nn.ReLU())

    def forward(self, x):
        a, b = F.relu(self.stem(x)).chunk(2, dim=1)
        y = torch.cat((a, self.branch(b)), dim=1)
        n, c, h, w = y.size()
        y = y.view(n, 2, c // 2, h, w).transpose(1, 2).contiguous().view(n, -1, h, w)
        return y.mean([2, 3])


class Dense(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 6, 3, padding=1)
        self.norm1, self.conv1 = nn.BatchNorm2d(6), nn.Conv2d(6, 4, 3, padding=1, bias=False)
        self.norm2, self.conv2 = nn.BatchNorm2d(10), nn.Conv2d(10, 4, 1, bias=False)
        self.norm5 = nn.BatchNorm2d(14)

    def forward(self, x):
        x = self.stem(x).relu()
        x = torch.cat([x, self.conv1(F.relu(self.norm1(x)))], 1)
        x = torch.cat([x, self.conv2(F.relu(self.norm2(x)))], 1)
        return F.avg_pool2d(F.relu(self.norm5(x)), 2)


class Inception(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Conv2d(3, 4, 1), nn.Conv2d(3, 4, (1, 3), padding=(0, 1))
        self.c = nn.Conv2d(3, 4, 1)

    def forward(self, x):
        pool = F.avg_pool2d(x, 3, stride=1, padding=1)
        y = torch.cat([self.a(x), self.b(x).relu(), self.c(pool)], 1)
        y = F.max_pool2d(y, 3, stride=2, ceil_mode=True)
        return F.avg_pool2d(y, 3, stride=2, padding=1, ceil_mode=True)


class Head(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(1, 4, 3, stride=2), nn.Tanh())
        self.classifier = nn.Sequential(nn.Linear(4 * 5 * 4, 10), nn.ReLU(), nn.Dropout(), nn.Linear(10, 6))

    def forward(self, x):
        return F.log_softmax(self.classifier(torch.flatten(self.features(x), 1)), dim=1)


class Channels(nn.Module):
    """Of a picture with five channels, as those of satellites have."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(5, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 6, 3), nn.ReLU())
        self.classifier = nn.Linear(6, 4)

    def forward(self, x):
        return self.classifier(self.features(x).mean((2, 3)))


class Functions(nn.Module):
    def __init__(self):
        super().__init__()
        self.dilated, self.grouped = nn.Conv2d(3, 8, 3, padding=(2, 4), dilation=(2, 4)), nn.Conv2d(8, 4, 3, groups=2)
        self.prelu = nn.PReLU(4)
        self.table = nn.Parameter(torch.randn(1, 4, 1, 1))
        self.map = nn.Parameter(torch.randn(4, 10, 8))

    def forward(self, x):
        y = self.prelu(self.grouped(F.silu(self.dilated(x))))
        y = F.leaky_relu(y, 0.2) + F.elu(y) * torch.sigmoid(y) - 0.5 * torch.tanh(2 - y)
        y = y * self.table + self.map
        y = F.pad(torch.clamp(y, min=-1.0, max=1.5), (1, 0, 2, 1), value=0.25)
        y = F.max_pool2d(y, 3, stride=2, dilation=2)
        return F.pixel_shuffle(y[:, :, 1:, :], 2).amax(dim=(2, 3)) + torch.log(1 + torch.exp(y)).mean(dim=1).sum(dim=2)[:, :1]


def write(name, block, shape):
    torch.manual_seed(len(name))
    model = block()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_mean, -0.5, 0.5)
            nn.init.uniform_(module.running_var, 0.5, 2)
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.bias, -0.5, 0.5)
    model.eval()
    x = torch.rand(shape)
    path = pathlib.Path(__file__).parent / f"{name}.onnx"
    torch.onnx.export(model, (x,), path, dynamo=True, external_data=False, input_names=["x"], output_names=["y"])
    output = onnxruntime.InferenceSession(str(path)).run(None, {"x": x.numpy()})[0]
    x.requires_grad_(True)
    y = model(x)
    assert numpy.abs(y.detach().numpy() - output).max() <= 1e-4 * numpy.abs(output).max(), name
    (y * torch.cos(torch.arange(y.numel(), dtype=torch.float32)).view(y.shape)).sum().backward()
    file = onnx.load(path)
    for node in file.graph.node:  # where each came from: long, and of this machine
        for entry in [e for e in node.metadata_props if e.key != "pkg.torch.onnx.name_scopes"]:
            node.metadata_props.remove(entry)
        node.doc_string = ""
    del file.graph.value_info[:]
    for value in list(file.graph.input) + list(file.graph.output) + list(file.graph.initializer):
        value.ClearField("doc_string")
    for key, value in (("input", x.detach()), ("output", torch.from_numpy(output)), ("gradient", x.grad)):
        file.graph.initializer.append(numpy_helper.from_array(value.numpy(), f"expected {key}"))
    onnx.save(file, path)
    print(name, path.stat().st_size, sorted({n.op_type for n in file.graph.node}))


if __name__ == "__main__":
    for name, block, shape in (
        ("residual", Residual, (1, 3, 13, 10)),
        ("depthwise_gate", DepthwiseGate, (1, 3, 13, 12)),
        ("shuffle", Shuffle, (1, 3, 9, 7)),
        ("dense", Dense, (1, 3, 10, 8)),
        ("inception", Inception, (1, 3, 12, 11)),
        ("head", Head, (1, 1, 11, 9)),
        ("functions", Functions, (1, 3, 12, 10)),
        ("channels", Channels, (1, 5, 24, 20)),
    ):
        write(name, block, shape)
