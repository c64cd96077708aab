"""What the Train workspace wants back after undo, restart or a bookmark, as frozen values.

What lives here: :class:`TrainState`, :class:`DataState`, the keys they are kept under, and the settings a training
starts from. What does not: widgets, no Qt; the networks' own settings (``app.learning``). May import: settings,
learning's settings (no torch).
"""

from __future__ import annotations

from dataclasses import dataclass

from app.learning.patch_data import WarpSettings
from app.learning.train_settings import TrainSettings
from app.settings import Settings, choice

SETTINGS_KEY, DATA_KEY, WARP_KEY = "train.settings", "train.data", "train.patches"

# Small batches: an epoch, and with it a new matcher, every few seconds on a processor.
FIRST_SETTINGS = TrainSettings(batch=128, epochs=20)
FIRST_WARP = WarpSettings(views=4, points=500)

TITLES = {
    "photographs": "Photographs",
    "builtin": "Photographs of the pairs",
    "pictures": "Pictures of the open pair",
    "pair": "Points of the open pair",
    "folder": "A folder of photographs",
    "classes": "Folders as classes",
    "other": "Patch sets and MNIST files",
    "digits": "Digits of scikit-learn",
    "signatures": "Drawn signatures",
}
WARPED = ("photographs", "builtin", "pictures", "folder")
NEEDS_PATH = ("folder", "classes", "other")
OF_PAIR = ("pictures", "pair")


@dataclass(frozen=True)
class TrainState(Settings):
    """How the workspace is shown.

    Attributes:
        page: key of the page in front.
        epoch: whose network matches the open pair, 0 = the newest.
        projection: ``pca`` or ``tsne``.
        patch: the held-out patch pointed at (its row), -1 for none.
        compare: whether the curves of the run before are drawn as well.
        margin: tried on the page of margins, 0 = the one in training.
        group: the class pointed at there, -1 for none.
    """

    page: str = "curves"
    epoch: int = 0
    projection: str = "pca"
    patch: int = -1
    compare: bool = True
    margin: float = 0.0
    group: int = -1


@dataclass(frozen=True)
class DataState(Settings):
    """Where patches come from.

    Attributes:
        path: folder or file, for sources that need one.
    """

    source: str = choice(
        "photographs",
        TITLES,
        label="Data",
        help=(
            "Photographs are warped and relit, so that it is known which patches show the same point. A pair with "
            "truth gives the same from two real views. In sets with classes, any two of one class match."
        ),
    )
    path: str = ""
