"""What a chart needs that knows nothing of charts: round numbers for ticks, and polygons from arrays.

What lives here: functions. What does not: any widget or painting. May import: ``app.ui.numbers``, numpy, Qt.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
from PySide6.QtCore import QByteArray, QDataStream
from PySide6.QtGui import QPolygonF

from app.text import minus, power_of_ten

Values = npt.NDArray[np.float64]


def polygon(x: Values, y: Values) -> QPolygonF:
    """Return the points (x, y), two (N,) arrays, as a polygon.

    Through a stream of bytes: making every point by itself takes five times as long as this.
    """
    points = np.empty((len(x), 2), "<f8")
    points[:, 0], points[:, 1] = x, y
    stream = QDataStream(QByteArray(len(points).to_bytes(4, "little") + points.tobytes()))
    stream.setByteOrder(QDataStream.ByteOrder.LittleEndian)
    found = QPolygonF()
    stream >> found
    return found


def decades(values: list[Values]) -> tuple[float, float]:
    """Return the powers of ten around all positive values; (0.1, 1) of none."""
    known = np.concatenate([np.asarray(v, np.float64).ravel() for v in values]) if values else np.zeros(0)
    known = known[np.isfinite(known) & (known > 0)]
    if not len(known):
        return 0.1, 1.0
    low, high = math.floor(math.log10(known.min())), math.ceil(math.log10(known.max()))
    return 10.0**low, 10.0 ** max(high, low + 1)


def even_ticks(low: float, high: float, parts: int) -> tuple[list[float], float]:
    """Return (multiples of a round step between two ends, that step): about ``parts`` of them."""
    step = nice((high - low) / parts)
    first = math.ceil(low / step) * step
    return [first + i * step for i in range(1 + int((high - first) / step + 1e-9))], step


def power_text(power: int) -> str:
    """Return a power of ten as it is written on an axis."""
    if -3 <= power <= 5:
        return f"{10**power:,}" if power >= 0 else f"{10.0**power:g}"
    return power_of_ten(power)


def nice(step: float) -> float:
    """Return 1, 2 or 5 times a power of ten, at least ``step``."""
    if not step > 0 or not math.isfinite(step):
        return 1.0
    power = 10.0 ** math.floor(math.log10(step))
    return next(m * power for m in (1.0, 2.0, 5.0, 10.0) if m * power >= step * (1 - 1e-9))


def short(value: float, step: float) -> str:
    """Return a tick's number with as many decimals as its step needs."""
    decimals = max(0, -math.floor(math.log10(step) + 1e-9)) if step < 1 else 0
    text = f"{value:.{min(decimals, 6)}f}"
    return "0" if float(text) == 0 else minus(text)
