"""Results and features made up for the tests of the file formats."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from app import matchers
from app.records import (
    Descriptors,
    Evaluation,
    Features,
    Image,
    ImagePair,
    Keypoints,
    Matches,
    MatchRequest,
    MatchResult,
    PairRef,
    Verification,
)

places = st.floats(-1e6, 1e6, width=32)
measures = st.one_of(st.floats(0, 1e9, width=32), st.just(np.float32(np.nan)))
names = st.one_of(
    st.sampled_from(["a.png", 'b, "c".png', "ü\n€.png", "#x", "\udcff.png", "=1+1"]), st.text(max_size=12)
)


def columns(n: int, elements: Any) -> Any:
    return hnp.arrays(np.float32, n, elements=elements)


@st.composite
def results(draw: Any, *, truths: tuple[str, ...] = ("none", "homography", "epipolar")) -> MatchResult:
    """Any complete result: no keypoints, no matches, no truth, unknown and infinite numbers, odd names."""
    n_left, n_right = draw(st.integers(0, 6)), draw(st.integers(0, 6))
    m = draw(st.integers(0, n_left)) if n_right else 0
    left = draw(st.permutations(range(n_left)))[:m]
    right = draw(st.lists(st.integers(0, max(n_right - 1, 0)), min_size=m, max_size=m))
    matches = Matches(
        np.array([left, right], np.int32).T.reshape(-1, 2),
        *(draw(columns(m, measures)) for _ in range(3)),
        funnel=(("nearest", m),),
    )
    sizes = [draw(st.tuples(st.integers(1, 9), st.integers(1, 9))) for _ in range(2)]
    images = [Image("id", draw(names), np.zeros((h, w, 3), np.uint8), path=draw(names)) for w, h in sizes]
    points = [Keypoints.at(draw(hnp.arrays(np.float32, (n, 2), elements=places))) for n in (n_left, n_right)]
    truth = draw(st.sampled_from(truths))
    error = draw(columns(m, st.one_of(measures, st.just(np.float32(np.inf)))))
    corner = draw(st.sampled_from([0.5, np.nan, np.inf]))
    judged = Evaluation(error, np.full(m, truth == "epipolar"), error[:0], error[:0], corner, 3.0, truth)
    return complete(images, points, matches, judged, fitted=draw(st.booleans()))


def complete(
    images: list[Image], points: list[Keypoints], matches: Matches, judged: Evaluation, *, fitted: bool
) -> MatchResult:
    request = MatchRequest(PairRef("files", "pair", left="l", right="r"), "sift", matchers.get("sift").defaults())
    m = len(matches)
    model = Verification(
        "homography" if fitted else "none", np.eye(3) if fitted else None, np.arange(m) % 2 == 0,
        np.full(m, np.nan, np.float32), 3.0, "magsac",
    )  # fmt: skip
    features = [Features(p) for p in points]
    pair = ImagePair(request.ref, *images)
    return MatchResult(request, pair, *features, matches, model, judged, seconds={"match": 0.5}, notes=("a note",))


def a_result() -> MatchResult:
    """Three matches with a right, a wrong and an undecided verdict."""
    images = [Image("l", "left one.png", np.zeros((30, 40, 3), np.uint8), path="/p/left one.png")]
    images.append(Image("r", "right.png", np.zeros((20, 50, 3), np.uint8)))
    points = [Keypoints.at([[1, 2], [3, 4], [5, 6], [7, 8]]), Keypoints.at([[10, 20], [30, 1 / 3]])]
    nan = np.nan
    matches = Matches(np.array([[0, 1], [2, 0], [3, 1]]), [1, 0.1, 0], [2, nan, 0], [nan, 0.25, 1])
    empty = np.zeros(0, np.float32)
    judged = Evaluation(np.array([1, np.inf, nan]), np.zeros(3, bool), empty, empty, np.inf, 3.0, "homography")
    return complete(images, points, matches, judged, fitted=True)


@st.composite
def features(draw: Any) -> Features:
    """Any features: none, without descriptors, bits or numbers."""
    n = draw(st.integers(0, 5))
    whole = hnp.arrays(np.int32, n, elements=st.integers(-1, 7))
    octave, layer = draw(whole), abs(draw(whole))
    keypoints = Keypoints(
        xy=draw(hnp.arrays(np.float32, (n, 2), elements=places)),
        size=draw(columns(n, measures)),
        angle=draw(columns(n, measures)),
        response=draw(columns(n, measures)),
        octave=octave,
        layer=layer,
        sublayer=np.full(n, np.nan, np.float32),
        packed=(octave & 255) | (layer << 8),
    )
    kind = draw(st.sampled_from(["none", "l2", "hamming", "cosine", "mahalanobis"]))
    if kind == "none":
        return Features(keypoints)
    dtype = np.uint8 if kind == "hamming" else np.float32
    values = draw(hnp.arrays(dtype, (n, 3), elements=st.integers(0, 255)))
    return Features(keypoints, Descriptors(values, kind, np.eye(2, 3) if kind == "mahalanobis" else None))


def broken(data: Any, good: bytes) -> bytes:
    """Return the bytes of a good file after some damage."""
    if data.draw(st.booleans()):
        return good[: data.draw(st.integers(0, len(good)))]
    changed = bytearray(good)
    for _ in range(data.draw(st.integers(1, 4))):
        changed[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    return bytes(changed)


def written(folder: Path) -> list[str]:
    """The names of all files in a folder, hidden ones too."""
    return sorted(path.name for path in folder.iterdir())
