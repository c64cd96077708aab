"""The photographs inside the wheel of scikit-image, read as files, with source and licence.

What lives here: :func:`photograph` and :data:`CREDITS`. What does not: what is made of them (``builtin_scenes``). May
import: records, locate, images, cv2. The package itself is not imported.
"""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np

from app import locate
from app.records import UInt8, UserError
from app.vision.images import decode

OURS = ("drawn by this program", "MIT, as the program")
CC0 = "CC0"
# Source and licence as scikit-image states them for each photograph.
CREDITS: dict[str, tuple[str, str]] = {
    "astronaut": ("Eileen Collins, NASA Great Images", "public domain, no known copyright restrictions"),
    "brick": ("CC0Textures, Bricks25", CC0),
    "camera": ("Lav Varshney", CC0),
    "chelsea": ("Stefan van der Walt", CC0),
    "coffee": ("Rachel Michetti, Pikolo Espresso Bar", CC0),
    "coins": ("Brooklyn Museum Collection, Greek coins from Pompeii", "no known copyright restrictions"),
    "grass": ("linolafett, DeviantArt", CC0),
    "gravel": ("CC0Textures, Gravel04", CC0),
    "hubble_deep_field": ("NASA, Hubble eXtreme Deep Field", "public domain"),
    "motorcycle_left": (
        "Middlebury Stereo 2014, motorcycle, reduced by 4",
        "no licence stated; cite Scharstein et al., GCPR 2014",
    ),
    "retina": ("Mikael Häggström, Wikimedia Commons", "CC0 1.0"),
    "rocket": ("SpaceX, launch of DSCOVR", "public domain"),
}
FILES = {"hubble_deep_field": "hubble_deep_field.jpg", "retina": "retina.jpg", "rocket": "rocket.jpg"}


@lru_cache(maxsize=6)
def photograph(name: str) -> UInt8:
    """Return a photograph as (H, W, 3) uint8 RGB, read-only.

    Raises:
        UserError: if the file is missing or damaged.
    """
    path = locate.photographs() / FILES.get(name, f"{name}.png")
    data = decode(path.read_bytes(), cv2.IMREAD_COLOR) if path.exists() else None
    if data is None:
        raise UserError(f"The photograph {path} is missing or damaged; install scikit-image again.")
    rgb = np.asarray(cv2.cvtColor(data, cv2.COLOR_BGR2RGB), np.uint8)
    rgb.flags.writeable = False
    return rgb
