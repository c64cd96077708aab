"""A trained tower as an ONNX model, written with the standard library: no torch and no onnx package needed.

What lives here: the few messages of ONNX's protobuf that a chain of convolutions needs, and the folding of batch
normalisation. The model takes (N, 1, S, S) float grey levels and gives (N, D) unit vectors; standardising patches and
normalising descriptors are part of it. May import: towers, records and numpy.

Source: onnx.proto of the ONNX project (field numbers), operator set 13.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from app.learning.towers import TowerPlan, remaining_side
from app.records import Array, Float32, UserError

OPSET, IR_VERSION = 13, 7
INT = 2  # kinds of attributes
INTS = 7
FLOAT32 = 1  # kind of tensors
BATCH_NORM_EPS = 1e-5
LEAST_DEVIATION = 1e-3  # as networks.standardised
LEAST_LENGTH = 1e-12


def onnx_bytes(tensors: Mapping[str, Array], plan: TowerPlan, side: int) -> bytes:
    """Return the model of a tower's weights.

    Args:
        tensors: of :func:`app.learning.networks.make_tower`'s network, by name.
        plan: how it is built.
        side: pixels of a patch's side.

    Raises:
        UserError: if the weights are not of this plan.
    """
    graph = Graph()
    value = _standardise(graph, "patches")
    convolutions = folded_weights(tensors, plan, side)
    for index, (weight, bias) in enumerate(convolutions):
        last = index == len(convolutions) - 1
        kernel, stride = (weight.shape[2], 1) if last else plan.layers[index][1:]
        padding = 0 if last else kernel // 2
        names = [value, graph.constant(f"weight{index}", weight), graph.constant(f"bias{index}", bias)]
        value = graph.node("Conv", names, kernel_shape=[kernel, kernel], strides=[stride, stride], pads=[padding] * 4)
        if not last:
            value = graph.node("Relu", [value])
    value = graph.node("Flatten", [value], axis=1)
    length = graph.node("ReduceL2", [value], axes=[1], keepdims=1)
    length = graph.node("Max", [length, graph.constant("least_length", np.array([LEAST_LENGTH], np.float32))])
    graph.node("Div", [value, length], output="descriptors")
    dimensions = convolutions[-1][0].shape[0]
    return graph.model(("patches", ["n", 1, side, side]), ("descriptors", ["n", dimensions]))


def folded_weights(tensors: Mapping[str, Array], plan: TowerPlan, side: int) -> list[tuple[Float32, Float32]]:
    """Return (weight, bias) of every convolution with its batch normalisation folded in (in float64).

    Raises:
        UserError: if the weights are not of this plan.
    """
    shapes = [(width, kernel) for width, kernel, _ in plan.layers]
    folded: list[tuple[Float32, Float32]] = []
    channels = 1
    for index in range(len(shapes) + 1):
        at = 3 * index
        try:
            weight, mean, variance = (
                np.asarray(tensors[name], np.float64)
                for name in (f"{at}.weight", f"{at + 1}.running_mean", f"{at + 1}.running_var")
            )
        except KeyError:
            raise UserError(
                f"The file holds another network than {plan.name}; choose a file of this network."
            ) from None
        width, kernel = shapes[index] if index < len(shapes) else (len(mean), remaining_side(side, plan))
        if weight.shape != (width, channels, kernel, kernel) or mean.shape != (width,) or variance.shape != (width,):
            raise UserError(f"The file holds another network than {plan.name}; choose a file of this network.")
        if not (np.isfinite(weight).all() and np.isfinite(mean).all() and (variance >= 0).all()):
            raise UserError("The file holds weights that are not numbers; train the network again.")
        scale = 1 / np.sqrt(variance + BATCH_NORM_EPS)
        folded.append(((weight * scale[:, None, None, None]).astype(np.float32), (-mean * scale).astype(np.float32)))
        channels = width
    return folded


def _standardise(graph: Graph, name: str) -> str:
    """Add what gives each patch zero mean and unit deviation; return the name of the result."""
    mean = graph.node("ReduceMean", [name], axes=[1, 2, 3], keepdims=1)
    centred = graph.node("Sub", [name, mean])
    variance = graph.node("ReduceMean", [graph.node("Mul", [centred, centred])], axes=[1, 2, 3], keepdims=1)
    least = graph.constant("least_deviation", np.array([LEAST_DEVIATION], np.float32))
    return graph.node("Div", [centred, graph.node("Add", [graph.node("Sqrt", [variance]), least])])


# ------------------------------------------------------------------------------- protobuf


def _varint(value: int) -> bytes:
    parts = bytearray()
    while value > 127:
        parts.append(value & 127 | 128)
        value >>= 7
    parts.append(value)
    return bytes(parts)


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _block(field: int, value: bytes | str) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    return _varint(field << 3 | 2) + _varint(len(data)) + data


class Graph:
    """Nodes and constants in the order they were added."""

    def __init__(self) -> None:
        self._nodes: list[bytes] = []
        self._constants: list[bytes] = []

    def constant(self, name: str, value: Float32) -> str:
        """Add a tensor; return its name."""
        dims = b"".join(_number(1, side) for side in value.shape)
        raw = np.ascontiguousarray(value, "<f4").tobytes()
        self._constants.append(dims + _number(2, FLOAT32) + _block(8, name) + _block(9, raw))
        return name

    def node(self, kind: str, inputs: Sequence[str], *, output: str = "", **attributes: int | Sequence[int]) -> str:
        """Add an operation; return the name of its result."""
        name = output or f"{kind.lower()}{len(self._nodes)}"
        parts = [_block(1, item) for item in inputs] + [_block(2, name), _block(3, f"node {name}"), _block(4, kind)]
        for key, value in attributes.items():
            if isinstance(value, int):
                content = _number(3, value) + _number(20, INT)
            else:
                content = b"".join(_number(8, item) for item in value) + _number(20, INTS)
            parts.append(_block(5, _block(1, key) + content))
        self._nodes.append(b"".join(parts))
        return name

    def model(self, source: tuple[str, list[int | str]], target: tuple[str, list[int | str]]) -> bytes:
        """Return the whole model with one input and one output."""
        graph = b"".join(
            [
                *(_block(1, node) for node in self._nodes),
                _block(2, "tower"),
                *(_block(5, constant) for constant in self._constants),
                _block(11, _typed(*source)),
                _block(12, _typed(*target)),
            ]
        )
        opset = _block(8, _block(1, "") + _number(2, OPSET))
        return _number(1, IR_VERSION) + _block(2, "correspondence-explorer") + _block(7, graph) + opset


def _typed(name: str, shape: list[int | str]) -> bytes:
    """Return a named float tensor of this shape; a word stands for a length that is free."""
    dims = b"".join(_block(1, _number(1, side) if isinstance(side, int) else _block(2, side)) for side in shape)
    tensor = _number(1, FLOAT32) + _block(2, dims)
    return _block(1, name) + _block(2, _block(1, tensor))
