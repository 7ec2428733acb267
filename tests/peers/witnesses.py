"""What others compute of an exported network: onnxruntime every value of the file, torch the gradients."""

import ast

import numpy
import onnx
import onnxruntime
import torch

MEAN, DEVIATION = numpy.float32([0.485, 0.456, 0.406]), numpy.float32([0.229, 0.224, 0.225])


def module_of(node):
    """The module that a node belongs to, as its user calls it: layer1.0.conv1. That of its filter, if it has one: a batch norm that
    torch has folded into a convolution leaves its own name on the node."""
    if len(node.input) > 1 and node.input[1].endswith(".weight"):
        return node.input[1].removesuffix(".weight")
    for entry in node.metadata_props:
        if entry.key == "pkg.torch.onnx.name_scopes":
            scopes = ast.literal_eval(entry.value)
            return scopes[-2] if len(scopes) > 1 else ""
    if not node.name.startswith("/"):
        return node.name
    module, before = "", None
    for part in node.name.strip("/").split("/")[:-1]:
        # Members of a sequence repeat its name: /layer1/layer1.0.
        module += part[len(before):] if before and part.startswith(before + ".") else ("." if module else "") + part
        before = part
    return module


def values(path, picture):
    """{name: (module, array NHWC)} of each value that a node of the file makes, for one picture {H,W,3} of 0 to 1."""
    model = onnx.load(path)
    made = {output: module_of(node) for node in model.graph.node for output in node.output if output}
    present = {output.name for output in model.graph.output}
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in made if name not in present)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    x = ((picture - MEAN) / DEVIATION).transpose(2, 0, 1)[None].astype(numpy.float32)
    names = [output.name for output in session.get_outputs()]
    found = {}
    for name, value in zip(names, session.run(names, {session.get_inputs()[0].name: x})):
        if name not in made or getattr(value, "dtype", None) != numpy.float32:
            continue
        if value.ndim == 4:
            found[name] = (made[name], value.transpose(0, 2, 3, 1))
        elif value.ndim == 2:
            found[name] = (made[name], value[:, None, None, :])
    return found


class Torch:
    """The module that was exported, watched while it runs."""

    def __init__(self, module, picture, dtype):
        self.module = module.to(dtype)
        for part in module.modules():
            if hasattr(part, "inplace"):
                part.inplace = False
        self.pixels = torch.tensor(picture, dtype=dtype).requires_grad_()
        mean, deviation = torch.tensor(MEAN, dtype=dtype), torch.tensor(DEVIATION, dtype=dtype)
        self.seen = []
        handles = [part.register_forward_hook(lambda part, taken, made, name=name: self._see(name, made))
                   for name, part in module.named_modules() if name]
        self.output = self.module(((self.pixels - mean) / deviation).permute(2, 0, 1)[None])
        for handle in handles:
            handle.remove()

    def _see(self, name, made):
        if isinstance(made, torch.Tensor) and made.dim() == 4:
            self.seen.append((name, made))

    def find(self, activations):
        """The tensor with these values {1,h,w,c}: its module and itself; (None, None) where no module gives them."""
        n, h, w, c = activations.shape
        largest = numpy.abs(activations).max()
        for name, made in self.seen:
            if tuple(made.shape) == (n, c, h, w):
                values = made.detach().numpy().transpose(0, 2, 3, 1)
                if numpy.abs(values - activations).max() <= 1e-4 * largest:
                    return name, made
        return None, None

    def gradient(self, number):
        """With respect to the picture, {H,W,3}."""
        (gradient,) = torch.autograd.grad(number, self.pixels, retain_graph=True)
        return gradient.numpy()
