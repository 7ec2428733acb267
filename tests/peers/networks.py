"""The architectures of docs/peers.md: random weights of a fixed seed, exported by both of torch's exporters."""

import pathlib
import warnings

import torch

# name: (where it is from, canonical side, odd height and width, options)
ARCHITECTURES = {
    "alexnet": ("torchvision", 224, (195, 231), {}),
    "vgg16": ("torchvision", 224, (97, 131), {}),
    "squeezenet1_1": ("torchvision", 224, (161, 193), {}),
    "googlenet": ("torchvision", 224, (161, 193), {"init_weights": False}),
    "inception_v3": ("torchvision", 299, (203, 251), {"init_weights": False}),
    "inception_resnet_v2": ("timm", 299, (203, 251), {}),
    "resnet18": ("torchvision", 224, (161, 193), {}),
    "resnet50": ("torchvision", 224, (161, 193), {}),
    "resnext50_32x4d": ("torchvision", 224, (161, 193), {}),
    "densenet121": ("torchvision", 224, (161, 193), {}),
    "mobilenet_v2": ("torchvision", 224, (161, 193), {}),
    "mobilenet_v3_small": ("torchvision", 224, (161, 193), {}),
    "efficientnet_b0": ("torchvision", 224, (161, 193), {}),
    "shufflenet_v2_x1_0": ("torchvision", 224, (161, 193), {}),
    "regnet_y_400mf": ("torchvision", 224, (161, 193), {}),
}
# No ReLU and no max pooling: their gradients have no ties for rounding to flip.
SMOOTH = {"efficientnet_b0"}
EXPORTERS = ("dynamo", "script")
SEED = 15


def build(name):
    """The module in evaluation mode. Batch norms have seen pictures, and differ from channel to channel."""
    source, side, _, options = ARCHITECTURES[name]
    torch.manual_seed(SEED)
    if source == "timm":
        import timm

        module = timm.create_model(name, pretrained=False, **options)
    else:
        import torchvision

        module = getattr(torchvision.models, name)(weights=None, **options)
    norms = [m for m in module.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    with torch.no_grad():
        for norm in norms:
            norm.weight.uniform_(0.7, 1.3)
            norm.bias.normal_(0, 0.2)
            norm.momentum = 1.0
        if norms:
            module.train()
            module(torch.randn(8, 3, side // 2 if name != "inception_v3" else 151, side // 2 if name != "inception_v3" else 151))
    return module.eval()


def export(module, exporter, height, width, path):
    """Writes the module as ONNX. The older exporter leaves the number of images open, as most files of it do."""
    path = pathlib.Path(path)
    example = torch.randn(1, 3, height, width)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        if exporter == "dynamo":
            torch.onnx.export(module, (example,), str(path), dynamo=True, external_data=False, verbose=False,
                              input_names=["input"], output_names=["output"])
        else:
            torch.onnx.export(module, (example,), str(path), dynamo=False, opset_version=17, input_names=["input"],
                              output_names=["output"], dynamic_axes={"input": {0: "batch"}, "output": {0: "batch"}})
