"""Makes the cases of operators that the others leave out: `python tests/cases/more.py`, with torch and safetensors."""

import json
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import save_file

FOLDER = Path(__file__).parent
counts = {}


def save(op, attrs, tensors):
    number = counts[op] = counts.get(op, -1) + 1
    single = {
        name: t.detach().float().contiguous() if t.is_floating_point() else t for name, t in tensors.items()
    }
    save_file(single, FOLDER / f"{op}_{number:03}.safetensors", {"op": op, "attrs": json.dumps(attrs)})


def drawn(*shape):
    # Rounded, so that what is stored is what was computed with.
    return torch.randn(*shape).double().requires_grad_()


def operator(op, attrs, function, shape, **parameters):
    """A function of one input and some parameters, and its gradients for a gradient to the output."""
    x = drawn(*shape)
    y = function(x, **parameters)
    grad = drawn(*y.shape).detach()
    names = {"input.0": x, **{f"param.{name}": p for name, p in parameters.items()}}
    grads = torch.autograd.grad(y, list(names.values()), grad)
    save(op, attrs, {**names, "output": y, "grad_output": grad,
                     **{f"grad.{name}": g for name, g in zip(names, grads)}})


def loss(op, attrs, function, shape, classes, ignored=None):
    """A loss of log-probabilities, which it takes as they are, and labels."""
    x = drawn(*shape)
    labels = torch.randint(classes, (shape[0], *shape[2:]))
    if ignored is not None:
        labels.view(-1)[::3] = ignored
    y = function(x, labels)
    (grad,) = torch.autograd.grad(y, x)
    save(op, attrs, {"input.0": x, "input.1": labels, "output": y, "grad.input.0": grad})


torch.manual_seed(0)

for groups, shape, eps in [(1, (2, 3, 4, 5), 1e-5), (2, (3, 6, 5, 3), 1e-3), (5, (2, 35, 3, 4), 1e-5), (4, (4, 4, 7, 1), 0.1)]:
    operator("group_norm", {"num_groups": groups, "eps": eps},
             lambda x, weight, bias: F.group_norm(x, groups, weight, bias, eps), shape,
             weight=drawn(shape[1]), bias=drawn(shape[1]))

for size, shape in [((1, 1), (2, 3, 5, 7)), ((2, 3), (2, 5, 7, 11)), ((7, 6), (1, 4, 5, 9)), ((3, 1), (3, 17, 8, 4))]:
    operator("adaptive_max_pool2d", {"output_size": size}, lambda x: F.adaptive_max_pool2d(x, size), shape)

for size, alpha, beta, k, shape in [(5, 1e-4, 0.75, 1.0, (2, 7, 3, 4)), (3, 0.5, 0.5, 2.0, (1, 10, 5, 2)), (4, 0.2, 1.0, 0.5, (2, 3, 4, 4))]:
    operator("local_response_norm", {"size": size, "alpha": alpha, "beta": beta, "k": k},
             lambda x: F.local_response_norm(x, size, alpha, beta, k), shape)

for low, high, shape in [(-1.0, 1.0, (2, 3, 4, 5)), (-0.25, 0.75, (1, 6, 3, 3))]:
    operator("hard_tanh", {"min_val": low, "max_val": high}, lambda x: F.hardtanh(x, low, high), shape)

for sizes, shape in [((6, 2, 5), (2, 3, 4, 5)), ((2, -1, 3), (3, 4, 3, 6)), ((-1, 1, 1), (2, 5, 3, 3))]:
    operator("reshape", {"shape": sizes}, lambda x: x.reshape(x.shape[0], *sizes), shape)

for axis, sizes, index, shape in [(1, (2, 5, 3), 1, (2, 10, 3, 4)), (2, (1, 4), 1, (3, 3, 5, 4)), (-1, (3, 2, 2), 2, (1, 6, 2, 7))]:
    operator("split", {"axis": axis, "sizes": sizes, "index": index},
             lambda x: x.split(sizes, axis)[index], shape)

for top, left, height, width, shape in [(1, 2, 3, 2, (2, 3, 5, 6)), (0, 0, 1, 4, (1, 5, 4, 4))]:
    operator("crop", {"top": top, "left": left, "height": height, "width": width},
             lambda x: x[:, :, top:top + height, left:left + width], shape)

for reduction, ignored, weights, shape in [("mean", None, False, (6, 10)), ("sum", None, False, (5, 7)), ("mean", 3, True, (8, 5)), ("mean", None, True, (2, 4, 3, 5))]:
    weight = torch.rand(shape[1]).double() + 0.5 if weights else None
    attrs = {"reduction": reduction}
    if weights:
        attrs["class_weight"] = [float(w) for w in weight]
    if ignored is not None:
        attrs["ignore_index"] = ignored
    loss("nll_loss", attrs,
         lambda x, labels: F.nll_loss(x, labels, weight, ignore_index=-100 if ignored is None else ignored, reduction=reduction),
         shape, shape[1], ignored)
