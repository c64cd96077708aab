"""The miniature of SuperPoint's detector: how it is built, its weights in a file, and running it without torch.

What lives here: :class:`Plan`, weights drawn at random, the network for training, :class:`CornerDetector`, which runs
weights through OpenCV's dnn. What does not: cells, points and losses (``superpoint``), training
(``superpoint_training``), files (``detector_store``). May import: those below, onnx_file, records, numpy, cv2; torch
inside functions only.

Source: DeTone, Malisiewicz & Rabinovich, SuperPoint, CVPR Workshops 2018: a VGG-like encoder of 3 x 3 convolutions in
four levels with three poolings by 2, then a head of one 3 x 3 and one 1 x 1 convolution to 65 channels. The original
has 64-64-128-128 channels in its levels and 256 in its head, and a second head for descriptors that is left out here.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from app.learning.onnx_file import BATCH_NORM_EPS, Graph
from app.learning.superpoint import CELL, CHANNELS, cell_probabilities, heat_of, padded
from app.records import Array, Float32, UInt8, UserError

if TYPE_CHECKING:
    from torch import nn

WHITE = 255.0
LAST_DEVIATION = 1e-3  # of the last layer's random weights: an untrained network knows nothing, and says so


@dataclass(frozen=True)
class Plan:
    """How a detector is built.

    Attributes:
        widths: channels of the two convolutions of every level; between levels stands a pooling by 2.
        head: channels between the encoder and the 65.
    """

    widths: tuple[int, ...] = (8, 16, 32, 32)
    head: int = 64

    def layers(self) -> tuple[tuple[int, int, int, bool], ...]:
        """Return (channels in, channels out, kernel side, whether a pooling comes first) of every convolution."""
        found: list[tuple[int, int, int, bool]] = []
        channels = 1
        for level, width in enumerate(self.widths):
            found += [(channels, width, 3, level > 0), (width, width, 3, False)]
            channels = width
        return (*found, (channels, self.head, 3, False), (self.head, CHANNELS, 1, False))

    @property
    def parameters(self) -> int:
        """Number of weights and biases."""
        return sum(inputs * outputs * kernel**2 + outputs for inputs, outputs, kernel, _ in self.layers())

    @property
    def receptive_field(self) -> int:
        """Side in pixels of the square that one cell's 65 numbers depend on."""
        side, jump = 1, 1
        for _, _, kernel, pooled in self.layers():
            if pooled:
                side, jump = side + jump, 2 * jump
            side += (kernel - 1) * jump
        return side


MINI = Plan()


def random_weights(plan: Plan = MINI, seed: int = 0) -> dict[str, Float32]:
    """Return weights nobody trained, by name (He's deviations; the last layer's are near 0: all 65 are alike)."""
    rng = np.random.default_rng(seed)
    layers = plan.layers()
    made: dict[str, Float32] = {}
    for index, (inputs, outputs, kernel, _) in enumerate(layers):
        deviation = LAST_DEVIATION if index == len(layers) - 1 else np.sqrt(2 / (inputs * kernel**2))
        made[f"{index}.weight"] = rng.normal(0, deviation, (outputs, inputs, kernel, kernel)).astype(np.float32)
        made[f"{index}.bias"] = np.zeros(outputs, np.float32)
    return made


def check_weights(weights: Mapping[str, Array], plan: Plan, where: str = "The file") -> None:
    """Complain about weights of another network, or that are no numbers.

    Args:
        weights: by name.
        plan: how the network must be built.
        where: they are, for the sentence.

    Raises:
        UserError: one sentence.
    """
    for index, (inputs, outputs, kernel, _) in enumerate(plan.layers()):
        wanted = {f"{index}.weight": (outputs, inputs, kernel, kernel), f"{index}.bias": (outputs,)}
        for name, shape in wanted.items():
            if name not in weights or weights[name].shape != shape:
                raise UserError(f"{where} holds another network than this detector; choose a file of this network.")
            if not np.isfinite(weights[name]).all():
                raise UserError(f"{where} holds weights that are not numbers; train the detector again.")


def onnx_of(weights: Mapping[str, Array], plan: Plan) -> bytes:
    """Return an ONNX model of the weights: (1, 1, 8h, 8w) grey levels from 0 to 255 in, (1, 65, h, w) logits out."""
    graph = Graph()
    value = "grey"
    layers = plan.layers()
    for index, (_, _, kernel, pooled) in enumerate(layers):
        if pooled:
            value = graph.node("MaxPool", [value], kernel_shape=[2, 2], strides=[2, 2])
        weight = np.asarray(weights[f"{index}.weight"], np.float32)
        weight = weight / np.float32(WHITE) if index == 0 else weight
        names = [value, graph.constant(f"weight{index}", weight)]
        names.append(graph.constant(f"bias{index}", np.asarray(weights[f"{index}.bias"], np.float32)))
        last = index == len(layers) - 1
        value = graph.node(
            "Conv", names, output="logits" if last else "", kernel_shape=[kernel] * 2, pads=[kernel // 2] * 4
        )
        if not last:
            value = graph.node("Relu", [value])
    return graph.model(("grey", [1, 1, "height", "width"]), ("logits", [1, CHANNELS, "rows", "columns"]))


class CornerDetector:
    """A detector at work; may be called from several threads.

    Attributes:
        plan: how it is built.
    """

    def __init__(self, weights: Mapping[str, Array], plan: Plan = MINI) -> None:
        """Raise UserError if the weights are not of this plan."""
        check_weights(weights, plan)
        self.plan = plan
        self._network = cv2.dnn.readNetFromONNX(np.frombuffer(onnx_of(weights, plan), np.uint8))
        self._lock = threading.Lock()  # a network of OpenCV holds one input at a time

    def logits(self, grey: UInt8) -> Float32:
        """Return (65, h, w) float32 of an (H, W) picture, h and w being H / 8 and W / 8 rounded up.

        A picture whose sides are no multiples of 8 is continued by its last row and column.
        """
        blob = padded(grey).astype(np.float32)[None, None]
        with self._lock:
            self._network.setInput(blob)
            found = np.array(self._network.forward(), np.float32)
        return found.reshape(CHANNELS, blob.shape[2] // CELL, blob.shape[3] // CELL)

    def heat(self, grey: UInt8) -> Float32:
        """Return the (H, W) heat map of an (H, W) picture: how likely each pixel is a point, within its cell."""
        return heat_of(cell_probabilities(self.logits(grey)), grey.shape)


# ------------------------------------------------------------------------------ training


def make_network(plan: Plan = MINI, seed: int = 0) -> nn.Sequential:
    """Return the network for training: (N, 1, 8h, 8w) float pictures in [0, 1] in, (N, 65, h, w) logits out.

    Every convolution but the last is followed by batch normalisation without parameters of its own; the original,
    trained for days, needs none. :func:`folded` puts them into the weights.
    """
    import torch
    from torch import nn

    modules: list[nn.Module] = []
    layers = plan.layers()
    weights = random_weights(plan, seed)
    for index, (inputs, outputs, kernel, pooled) in enumerate(layers):
        last = index == len(layers) - 1
        if pooled:
            modules.append(nn.MaxPool2d(2))
        convolution = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2)
        with torch.no_grad():
            convolution.weight.copy_(torch.from_numpy(weights[f"{index}.weight"]))
            assert convolution.bias is not None
            convolution.bias.zero_()
        modules.append(convolution)
        if not last:
            modules += [nn.BatchNorm2d(outputs, affine=False), nn.ReLU(inplace=True)]
    network = nn.Sequential(*modules)
    for parameter in network.parameters():
        if parameter.dim() == 4:  # how the first layer's strides are written decides the last bit of its gradients
            parameter.data = parameter.data.to(memory_format=torch.channels_last)
    return network


def folded(network: nn.Sequential) -> dict[str, Float32]:
    """Return a network's weights by name, each batch normalisation folded into the convolution before it."""
    from torch import nn

    made: dict[str, Float32] = {}
    index = -1
    for module in network:
        if isinstance(module, nn.Conv2d):
            index += 1
            assert module.bias is not None
            made[f"{index}.weight"] = module.weight.detach().numpy().astype(np.float32)
            made[f"{index}.bias"] = module.bias.detach().numpy().astype(np.float32)
        elif isinstance(module, nn.BatchNorm2d):
            assert module.running_mean is not None
            assert module.running_var is not None
            scale = 1 / np.sqrt(module.running_var.numpy().astype(np.float64) + BATCH_NORM_EPS)
            weight, bias = made[f"{index}.weight"], made[f"{index}.bias"]
            made[f"{index}.weight"] = (weight * scale[:, None, None, None]).astype(np.float32)
            made[f"{index}.bias"] = ((bias - module.running_mean.numpy()) * scale).astype(np.float32)
    return {name: np.ascontiguousarray(value) for name, value in made.items()}
