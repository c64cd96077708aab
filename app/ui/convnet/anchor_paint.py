"""How response maps are drawn: one colour a filter over the greyed picture, its number at its highest answer.

What lives here: colours, pictures from maps, badges. What does not: where they stand. May import: records, numpy, cv2,
Qt.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QImage, QPainter, QPen

from app.records import Float32, Float64, UInt8

# Okabe and Ito's colours, the dark ones lightened: they lie on a darkened grey picture in either theme, so no tokens.
COLOURS = ("#e69f00", "#56b4e9", "#00b386", "#f0e442", "#6f8cff", "#ff7a3d", "#e08fc0", "#ffffff")
FINE = 4  # pixels of the tint per cell
FROM, FULL = 0.25, 0.8  # share of a filter's highest answer where its colour begins, and where it is full
DIM = 0.5  # of the grey picture's light
INK = QColor("#101216")
CENTRE = int(Qt.AlignmentFlag.AlignCenter)


def colour_of(index: int) -> QColor:
    """Return the colour of a filter."""
    return QColor(COLOURS[index % len(COLOURS)])


def image_of(rgb: UInt8, *, alpha: bool = False) -> QImage:
    """Return (H, W, 3) as a picture of its own, or (H, W, 4) with premultiplied alpha."""
    data = np.ascontiguousarray(rgb)
    kind = QImage.Format.Format_RGBA8888_Premultiplied if alpha else QImage.Format.Format_RGB888
    return QImage(data.data, data.shape[1], data.shape[0], data.strides[0], kind).copy()


def greyed(rgb: UInt8) -> QImage:
    """Return the picture in darkened grey."""
    grey = (cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY) * DIM).astype(np.uint8)
    return image_of(np.repeat(grey[:, :, None], 3, axis=2))


def heights(maps: tuple[Float64, ...]) -> Float64:
    """Return the highest answer of each filter in all pictures."""
    result: Float64 = np.max([each.reshape(-1, each.shape[-1]).max(axis=0) for each in maps], axis=0)
    return result


def _strength(values: Float64, top: Float64, times: int) -> Float32:
    """Return how full a colour is, 0 to 1, at so many times the cells of (h, w, n) answers."""
    rows, columns, count = values.shape
    share = np.asarray(values / np.maximum(top, 1e-12), np.float32)
    size = columns * times, rows * times
    fine = [cv2.resize(np.ascontiguousarray(share[..., k]), size, interpolation=cv2.INTER_LINEAR) for k in range(count)]
    result: Float32 = np.clip((np.stack(fine, axis=-1) - FROM) / (FULL - FROM), 0, 1).astype(np.float32)
    return result


def tint(values: Float64, top: Float64, chosen: int = -1, *, fine: int = FINE) -> QImage:
    """Return a picture of colours to lay over the grey one: at every place that of the filter with most to say.

    Args:
        values: (h, w, K) responses.
        top: (K,) what counts as most, see :func:`heights`.
        chosen: the only filter drawn; -1 draws all.
        fine: pixels per cell.
    """
    which = [chosen] if 0 <= chosen < values.shape[-1] else list(range(values.shape[-1]))
    strength = _strength(values[..., which], top[which], fine)
    best = strength.argmax(axis=-1)
    alpha = 0.9 * strength.max(axis=-1, keepdims=True)
    colours = [colour_of(k) for k in which]
    palette = np.array([(each.red(), each.green(), each.blue()) for each in colours], np.float32)
    rgba = np.concatenate([palette[best] * alpha, 255 * alpha], axis=-1)
    return image_of(np.rint(rgba).astype(np.uint8), alpha=True)


def badge(
    painter: QPainter, at: QPointF, which: Sequence[int], radius: float, font: QFont, *, chosen: int = -1
) -> None:
    """Draw a filter's number on a disc of its colour; several that share a place stand side by side on one plate.

    Of all but the ``chosen`` one, unless that is -1, outline and number are left.
    """
    left = at.x() - radius * len(which)
    plate = QRectF(left, at.y() - radius, 2 * radius * len(which), 2 * radius)
    painter.setFont(font)
    painter.setPen(QPen(INK, 1.2))
    painter.setBrush(INK)
    painter.drawRoundedRect(plate, radius, radius)
    for place, index in enumerate(which):
        colour, faint = colour_of(index), chosen not in (-1, index)
        area = QRectF(left + 2 * radius * place, plate.top(), 2 * radius, 2 * radius)
        painter.setPen(QPen(colour if faint else INK, 1.2))
        painter.setBrush(INK if faint else colour)
        painter.drawEllipse(area)
        painter.setPen(colour if faint else INK)
        painter.drawText(area, CENTRE, str(index + 1))


def gathered(places: Sequence[QPointF], reach: float) -> list[list[int]]:
    """Return the indices of points in groups: each point joins the first group whose first point is within reach."""
    groups: list[list[int]] = []
    for index, point in enumerate(places):
        for group in groups:
            gap = places[group[0]] - point
            if gap.x() ** 2 + gap.y() ** 2 <= reach**2:
                group.append(index)
                break
        else:
            groups.append([index])
    return groups
