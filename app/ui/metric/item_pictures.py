"""What an item looks like in the strip: its picture, the patch of a descriptor, or its features as bars.

What lives here: functions from data to pixels. What does not: the strip. May import: ``app.learning`` records,
``facts``, numpy.
"""

from __future__ import annotations

import numpy as np

from app.learning.data_files import DataSet
from app.learning.descriptor_data import Located
from app.records import Float64, ImagePair, UInt8
from app.ui.facts import patch_of

PATCH = 64  # pixels
MOST_BARS = 32
Colour = tuple[int, int, int]


def patch_picture(source: Located, row: int, pair: ImagePair) -> UInt8:
    """Return the (64, 64, 3) patch of the picture that a descriptor was measured in."""
    image = {each.id: each for each in (pair.left, pair.right)}[source.ids[source.image[row]]]
    x, y = source.xy[row]
    return patch_of(image.rgb, (float(x), float(y)), float(source.size[row]), float(source.angle[row]), PATCH)


def item_picture(data: DataSet, row: int, ground: Colour, bar: Colour) -> UInt8:
    """Return the (h, w, 3) picture of an item: its own in grey, or its features as bars.

    Pictures in [0, 1] keep their brightness; others are scaled between the least and the largest value of all.

    Args:
        data: the items.
        row: which.
        ground, bar: RGB colours of the bars, which do not touch a picture of its own.
    """
    if data.picture is None:
        return feature_bars(data.x, row, ground, bar)
    low, high = float(data.x.min()), float(data.x.max())
    if low >= 0 and high <= 1:
        low, high = 0.0, 1.0
    grey = np.rint(255 * (data.x[row] - low) / max(high - low, 1e-300)).astype(np.uint8)
    return np.repeat(grey.reshape(data.picture)[:, :, None], 3, axis=2)


def feature_bars(x: Float64, row: int, ground: Colour, bar: Colour) -> UInt8:
    """Return (64, 64, 3): one bar per feature, from the least to the largest value it has in (n, d) data.

    Of more than 32 features neighbouring ones share a bar.
    """
    low, high = x.min(axis=0), x.max(axis=0)
    share = np.divide(x[row] - low, high - low, out=np.full(x.shape[1], 0.5), where=high > low)
    bars = [float(part.mean()) for part in np.array_split(share, min(MOST_BARS, len(share)))]
    picture = np.empty((PATCH, PATCH, 3), np.uint8)
    picture[:] = ground
    edges = np.linspace(3, PATCH - 3, len(bars) + 1)
    for left, right, value in zip(edges[:-1], edges[1:], bars, strict=True):
        top = round((PATCH - 6) * (1 - value)) + 2
        end = max(int(left) + 1, int(right) - (1 if right - left > 3 else 0))
        picture[top : PATCH - 3, int(left) : end] = bar
    return picture
