"""Formulas typed by the user, read as a tree and computed on numpy arrays; nothing is handed to ``eval``.

What lives here: the small language of distances, e.g. ``sqrt(sum((x - y)**2))``, ``abs(x1 - y1)`` or ``x**2 * y**2``.
What does not: what is asked of a distance (``axioms``). May import: records, numpy, ast.

Every value is an (n, d) array for n pairs at once; a number per pair is (n, 1). ``sum``, ``mean``, ``max``, ``min``,
``norm`` and ``dot`` turn a vector into a number.
"""

from __future__ import annotations

import ast
from collections.abc import Callable

import numpy as np

from app.records import Float64, UserError

MOST_CHARACTERS, MOST_NODES = 200, 120
Function = Callable[[Float64, Float64], Float64]
_Node = Callable[[Float64, Float64], Float64]


def _norm(v: Float64) -> Float64:
    result: Float64 = np.sqrt(np.sum(v * v, axis=1, keepdims=True))
    return result


def _power(a: Float64, b: Float64) -> Float64:
    return np.asarray(np.power(a, b))


_BINARY: dict[type[ast.operator], Callable[[Float64, Float64], Float64]] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.divide,
    ast.Pow: _power,
}
_COMPARE: dict[type[ast.cmpop], Callable[[Float64, Float64], Float64]] = {
    ast.Eq: lambda a, b: (a == b).astype(np.float64),
    ast.NotEq: lambda a, b: (a != b).astype(np.float64),
    ast.Lt: lambda a, b: (a < b).astype(np.float64),
    ast.Gt: lambda a, b: (a > b).astype(np.float64),
    ast.LtE: lambda a, b: (a <= b).astype(np.float64),
    ast.GtE: lambda a, b: (a >= b).astype(np.float64),
}
_ONE: dict[str, Callable[[Float64], Float64]] = {
    "abs": np.abs,
    "sqrt": np.sqrt,
    "exp": np.exp,
    "log": np.log,
    "sin": np.sin,
    "cos": np.cos,
    "tanh": np.tanh,
    "arccos": np.arccos,
    "sign": np.sign,
    "sum": lambda v: np.sum(v, axis=1, keepdims=True),
    "mean": lambda v: np.mean(v, axis=1, keepdims=True),
    "norm": _norm,
}
_TWO: dict[str, Callable[[Float64, Float64], Float64]] = {
    "dot": lambda a, b: np.sum(a * b, axis=1, keepdims=True),
    "min": np.minimum,
    "max": np.maximum,
}
_REDUCED: dict[str, Callable[[Float64], Float64]] = {
    "min": lambda v: np.min(v, axis=1, keepdims=True),
    "max": lambda v: np.max(v, axis=1, keepdims=True),
}
_CONSTANTS = {"pi": np.pi, "e": np.e}
FUNCTIONS = tuple(sorted({*_ONE, *_TWO}))


def compiled(text: str, dimension: int) -> Function:
    """Return f(x, y) for (n, d) points, giving (n,) numbers, from a formula in x and y.

    Components are ``x1`` or ``x[1]`` (counted from 1). Where the formula has no finite real value the result is NaN.

    Args:
        text: at most 200 characters.
        dimension: d, 1 or more.

    Raises:
        UserError: for anything that is not part of the language, with what was found and what is possible.
    """
    if not text.strip():
        raise UserError("Type a formula in x and y, for example sqrt(sum((x - y)**2)).")
    if len(text) > MOST_CHARACTERS:
        raise UserError(f"The formula has {len(text)} characters; at most {MOST_CHARACTERS} are read.")
    try:
        tree = ast.parse(text.strip().replace("^", "**").replace("²", "**2"), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise UserError(f"{text!r} is not a formula; check brackets and operators.") from None
    if sum(1 for _ in ast.walk(tree)) > MOST_NODES:
        raise UserError(f"The formula has more than {MOST_NODES} parts; make it shorter.")
    node = _built(tree.body, dimension)

    def function(x: Float64, y: Float64) -> Float64:
        """Return (N,) values of N pairs of rows, NaN where the formula has none."""
        with np.errstate(all="ignore"):
            value = np.asarray(node(np.asarray(x, np.float64), np.asarray(y, np.float64)), np.float64)
        full = np.broadcast_to(value, (len(x), value.shape[1]))[:, 0]
        return np.where(np.isfinite(full), full, np.nan)

    probe = np.zeros((1, dimension))
    with np.errstate(all="ignore"):
        width = node(probe, probe).shape[1]
    if width != 1:
        raise UserError(
            f"The formula gives {width} numbers for a pair; wrap it in sum(…), norm(…), max(…) or dot(…, …) to get one."
        )
    return function


def _built(node: ast.expr, dimension: int) -> _Node:
    """Return the node as a function of (x, y)."""
    if isinstance(node, ast.Constant):
        return _constant(node)
    if isinstance(node, ast.Name):
        return _name(node.id, dimension)
    if isinstance(node, ast.Subscript):
        return _component(node, dimension)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        inner = _built(node.operand, dimension)
        return (lambda x, y: -inner(x, y)) if isinstance(node.op, ast.USub) else inner
    if isinstance(node, ast.BinOp) and type(node.op) in _BINARY:
        return _two(_BINARY[type(node.op)], node.left, node.right, dimension)
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in _COMPARE:
        return _two(_COMPARE[type(node.ops[0])], node.left, node.comparators[0], dimension)
    if isinstance(node, ast.Call):
        return _call(node, dimension)
    raise UserError(
        f"{ast.unparse(node)!r} cannot be used here; a formula has numbers, x, y, + - * / **, comparisons and "
        f"{', '.join(FUNCTIONS)}."
    )


def _constant(node: ast.Constant) -> _Node:
    if isinstance(node.value, bool) or not isinstance(node.value, int | float):
        raise UserError(f"{node.value!r} is not a number.")
    try:
        value = np.full((1, 1), float(node.value))
    except OverflowError:
        raise UserError(f"The number {str(node.value)[:20]}… is too large.") from None
    return lambda *_: value


def _name(name: str, dimension: int) -> _Node:
    if name == "x":
        return lambda x, _: x
    if name == "y":
        return lambda _, y: y
    if name in _CONSTANTS:
        value = np.full((1, 1), _CONSTANTS[name])
        return lambda *_: value
    if name[:1] in ("x", "y") and name[1:].isdecimal() and len(name) < 5:
        return _column(name[0], int(name[1:]), dimension)
    raise UserError(f"{name!r} is not known; use x and y, their components x1 to x{dimension}, pi and e.")


def _component(node: ast.Subscript, dimension: int) -> _Node:
    if (
        isinstance(node.value, ast.Name)
        and node.value.id in ("x", "y")
        and isinstance(node.slice, ast.Constant)
        and type(node.slice.value) is int
    ):
        return _column(node.value.id, node.slice.value, dimension)
    raise UserError(f"{ast.unparse(node)!r}: a component is x[1] or y[1], counted from 1.")


def _column(name: str, number: int, dimension: int) -> _Node:
    if not 1 <= number <= dimension:
        raise UserError(f"{name}{number} does not exist: the points have {dimension} component{'s' * (dimension > 1)}.")
    if name == "x":
        return lambda x, _: x[:, number - 1 : number]
    return lambda _, y: y[:, number - 1 : number]


def _two(function: Callable[[Float64, Float64], Float64], a: ast.expr, b: ast.expr, dimension: int) -> _Node:
    left, right = _built(a, dimension), _built(b, dimension)
    return lambda x, y: function(left(x, y), right(x, y))


def _call(node: ast.Call, dimension: int) -> _Node:
    name = node.func.id if isinstance(node.func, ast.Name) else ast.unparse(node.func)
    if node.keywords or any(isinstance(argument, ast.Starred) for argument in node.args):
        raise UserError(f"{name}(…): only plain arguments are possible.")
    if len(node.args) == 1 and name in {**_ONE, **_REDUCED}:
        function = {**_ONE, **_REDUCED}[name]
        inner = _built(node.args[0], dimension)
        return lambda x, y: function(inner(x, y))
    if len(node.args) == 2 and name in _TWO:
        return _two(_TWO[name], node.args[0], node.args[1], dimension)
    if name in {*_ONE, *_TWO}:
        raise UserError(f"{name}(…) was given {len(node.args)} arguments.")
    raise UserError(f"There is no function {name!r}; known are {', '.join(FUNCTIONS)}.")
