"""What the page of reconstructions wants back, as one frozen value, and the job that answers it.

What lives here: :class:`ReconstructionState`, :class:`Answer` and :func:`answer`. What does not: the reconstruction
(``app.learning.reconstruction``), widgets; no Qt. May import: ``app.learning``, ``app.vision``, pairs, settings.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from app import pairs
from app.jobs import Job, Progress, native, relayed
from app.learning import model_store
from app.learning.layer_maps import ConvLayer, random_layers, trained_layers
from app.learning.reconstruction import Study, reconstruct
from app.learning.towers import PLANS
from app.records import Image, ImagePair, PairRef, UInt8, WorkingImage
from app.settings import Settings, choice, named, number
from app.vision.half_pixel import to_working
from app.vision.images import make_image, working_image
from app.vision.photographs import CREDITS, photograph

RECONSTRUCTION_KEY = "convnet-reconstruction"
MIDDLE = (-1.0, -1.0)
SHORTEST = 64  # working pixels that the shorter side is reduced to at most: fields of 29 px need some room


@dataclass(frozen=True)
class ReconstructionState(Settings):
    """Which picture is made of which, by which network, and what of it is looked at.

    Attributes:
        place: x and y looked at, in pixels of the original picture; negative for its middle.
        layer: the column looked at; -1 for the last.
    """

    place: tuple[float, float] = MIDDLE
    layer: int = -1
    network: str = named(
        model_store.titles,
        suffix=model_store.SUFFIX,
        files="model",
        label="Network",
        help="A trained descriptor: all its convolutions but the last see the whole picture at once, standardised as "
        "its patches were: minus the mean, divided by the deviation.",
    )
    weights: str = choice(
        "trained", {"trained": "trained", "random": "random"}, label="Weights",
        help="Random: the same architecture before any training. What it still can is not learned.",
    )  # fmt: skip
    side: str = choice(
        "left", {"left": "left picture", "right": "right picture"}, label="Query",
        help="The picture that is replaced patch by patch.",
    )  # fmt: skip
    database: str = choice(
        "other",
        {"other": "the other picture", "both": "both pictures", "photographs": "photographs"},
        label="Patches from",
        help="Both: the query is in its own database, so k = 1 gives it back exactly and k > 1 shows the blur alone. "
        "The photographs are the built-in ones without that of the pair, and take some seconds.",
    )
    k: int = number(
        5, 2, 9, 1, label="k, second row", help="How many nearest patches are averaged; the first row is 1."
    )
    tile: str = choice(
        "4", {"4": "4 × 4 px", "8": "8 × 8 px", "16": "16 × 16 px"}, label="Patch",
        help="Side of the square that is pasted for a cell, in working pixels: 4 is the networks' own jump, as the "
        "paper pastes squares of its network's 16. Larger ones reach beyond what early layers see.",
    )  # fmt: skip
    size: str = choice(
        "240", {"160": "160 px", "240": "240 px", "320": "320 px"}, label="Working size",
        help="The longer side that both pictures are reduced to. Smaller: each layer sees more of the scene. Of long "
        "strips the shorter side keeps 64 px.",
    )  # fmt: skip

    @property
    def question(self) -> ReconstructionState:
        """The state without what is only looked at: what the answer depends on."""
        return replace(self, place=MIDDLE, layer=-1)


@dataclass(frozen=True, eq=False)
class Answer:
    """A reconstruction, or as many of its layers as there are.

    Attributes:
        ref, question: of what.
        study: in working pixels.
        query: the picture, reduced, with the way back to the original.
        names: of the database's pictures.
        scales: of them, original size by working size.
        depth: number of layers of the network.
        whole: whether all layers are there.
    """

    ref: PairRef
    question: ReconstructionState
    study: Study
    query: WorkingImage
    names: tuple[str, ...]
    scales: tuple[tuple[float, float], ...]
    depth: int
    whole: bool = False

    def column(self, layer: int) -> int:
        """Return the column of a state's layer, of those there are."""
        count = len(self.study.layers)
        return count - 1 if layer < 0 else min(layer, count - 1)

    def cell(self, state: ReconstructionState) -> int:
        """Return the row of the cell that a state looks at."""
        if min(state.place) < 0:
            return self.study.cell_at(self.query.grey.shape[1] / 2, self.query.grey.shape[0] / 2)
        return self.study.cell_at(*to_working(state.place, self.query.scale))


def _layers(state: ReconstructionState) -> tuple[ConvLayer, ...]:
    path = model_store.find(state.network or model_store.DEFAULT)
    if state.weights == "random":
        return random_layers(PLANS[model_store.read_card(path).network])
    found = model_store.load_checkpoint(path)
    return trained_layers(found.tensors, PLANS[found.card.network], found.card.side)


def _photographs(pair: ImagePair) -> Job[list[Image]]:
    """Return the built-in photographs but those the pair was made from."""
    names = [name for name, (author, _) in CREDITS.items() if author not in pair.source]
    found: list[Image] = []
    for name in names:
        yield Progress(0, None, "Reading the photographs")
        found.append(make_image(photograph(name), name.replace("_", " ")))
    return found


def _reduced(image: Image, size: int) -> WorkingImage:
    """Return a picture of this longer side, or longer where the shorter one would be less than ``SHORTEST``."""
    longer, shorter = max(image.size), min(image.size)
    return working_image(image, max(size, min(longer, math.ceil(SHORTEST * longer / shorter))))


def answer(ref: PairRef, known: ImagePair | None, state: ReconstructionState) -> Job[Answer]:
    """Reconstruct the picture that a state asks for; progress carries the layers that are done.

    Args:
        ref: the pair.
        known: the pair itself where it was read already.
        state: what is asked.

    Raises:
        UserError: if pictures or network cannot be read, or the pictures are too small.
    """
    yield Progress(0, None, "Reading the network")
    layers = _layers(state)
    pair = known
    if pair is None:
        (pair,) = yield from native(lambda: pairs.load(ref), progress=Progress(0, None, "Reading the pictures"))
    mine, other = (pair.left, pair.right) if state.side == "left" else (pair.right, pair.left)
    size = int(state.size)
    query = _reduced(mine, size)
    if state.database == "photographs":
        images = yield from _photographs(pair)
    else:
        images = [other] if state.database == "other" else [mine, other]
    sides = {id(pair.left): "left picture", id(pair.right): "right picture"}
    database: list[WorkingImage] = []
    for image in images:
        yield Progress(0, None, "Reducing the pictures")
        database.append(query if image is mine else _reduced(image, size))
    names = tuple(sides.get(id(image), image.name) for image in images)
    scales = tuple(item.scale for item in database)
    greys: list[UInt8] = [item.grey for item in database]
    job = reconstruct(query.grey, greys, layers, ks=(1, state.k), tile=int(state.tile))

    def answered(step: Progress) -> Progress:
        """Return the progress with what is done so far as an answer."""
        done: Study | None = step.payload
        partial = None if done is None else Answer(ref, state.question, done, query, names, scales, len(layers))
        return replace(step, payload=partial)

    study = yield from relayed(job, answered)
    return Answer(ref, state.question, study, query, names, scales, len(layers), whole=True)
