"""The match stage: nearest neighbours become matches by distance cut, ratio, mutual check and confidence.

What lives here: the settings of the stage and :func:`match_features`. What does not: the search itself
(``nearest``). May import: records, settings, numpy; ``nearest`` only when there is something to match: the settings
are needed before the first paint, the search is not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from app.records import Bool, Features, Matches
from app.settings import Settings, flag, number


@dataclass(frozen=True)
class MatchSettings(Settings):
    """Which nearest neighbours are believed."""

    ratio: float = number(
        0.8,
        0.0,
        1.0,
        0.01,
        label="Ratio",
        zero_means="off",
        help=(
            "Keep a match only if its distance is below this fraction of the distance to the second nearest. "
            "Lowe's 0.8 drops nine of ten false matches and one of twenty true ones, but repeated structure fails it."
        ),
    )
    mutual: bool = flag(
        True,
        label="Mutual",
        help=(
            "Keep a match only if each point is the nearest of the other. "
            "Every point then has at most one partner in either direction."
        ),
    )
    max_distance: float = number(
        0.0,
        0.0,
        1_000_000.0,
        1.0,
        label="Distance cut",
        zero_means="off",
        help=(
            "Drop matches whose descriptors are further apart than this. "
            "The unit is the descriptor's own: about 0 to 700 for SIFT, differing bits for ORB."
        ),
    )
    dual_softmax: bool = flag(
        False,
        label="Dual softmax",
        help=(
            "Give each match a confidence: its softmax among the point's candidates to the right times that "
            "to the left. It is the matching layer of LoFTR and LightGlue, without the network."
        ),
    )
    temperature: float = number(
        0.05,
        0.005,
        1.0,
        0.005,
        label="Temperature",
        log_scale=True,
        help=(
            "How decided the dual softmax is, in units of the descriptors' own spread. "
            "Small makes every nearest neighbour certain, large spreads the belief over many."
        ),
    )
    min_confidence: float = number(
        0.0,
        0.0,
        1.0,
        0.01,
        label="Confidence cut",
        zero_means="off",
        help=(
            "Drop matches whose dual-softmax confidence is below this. It needs the dual softmax to be on; "
            "LoFTR keeps 0.2 and more."
        ),
    )


def match_features(
    left: Features, right: Features, settings: MatchSettings, *, stop: Callable[[], bool] | None = None
) -> Matches:
    """Return the matches of two feature sets with their funnel, in order of the left keypoints.

    The ratio is compared strictly (``<``), counts 0/0 as 1, and is applied only where a second
    neighbour exists. A step that is off does not appear in the funnel.

    Args:
        left, right: with descriptors of one metric; either may be empty.
        settings: which steps apply.
        stop: asked between blocks of the search.

    Raises:
        ValueError: if descriptors are missing or not comparable.
        Stopped: when ``stop`` returned True.
    """
    from app.vision.nearest import dual_softmax, nearest

    if left.descriptors is None or right.descriptors is None:
        raise ValueError("match_features: both sides need descriptors")
    if not len(left.keypoints) or not len(right.keypoints):
        return _filtered(Matches.empty(), np.zeros(0, np.bool_), settings, lambda matches: matches)
    found = nearest(left.descriptors, right.descriptors, mutual=settings.mutual, stop=stop)
    n = len(found.index)
    pairs = np.stack([np.arange(n, dtype=np.int32), found.index], axis=1)
    matches = Matches(pairs, found.distance, found.second, np.full(n, np.nan, np.float32))

    def believed(kept: Matches) -> Matches:
        """Return the matches that are left with their confidence: it costs too much for all."""
        assert left.descriptors is not None
        assert right.descriptors is not None
        confidence = dual_softmax(
            left.descriptors, right.descriptors, kept.pairs, temperature=settings.temperature, stop=stop
        )
        return replace(kept, confidence=confidence)

    return _filtered(matches, found.mutual, settings, believed)


def _filtered(
    matches: Matches, mutual: Bool, settings: MatchSettings, believed: Callable[[Matches], Matches]
) -> Matches:
    """Apply the steps that are on, in order, counting after each."""
    funnel = [("nearest", len(matches))]
    keep = np.ones(len(matches), np.bool_)
    if settings.max_distance:
        keep &= matches.distance <= settings.max_distance
        funnel.append(("after distance", int(keep.sum())))
    if settings.ratio:
        keep &= np.isnan(matches.second) | (matches.ratio < settings.ratio)
        funnel.append(("after ratio", int(keep.sum())))
    if settings.mutual:
        keep &= mutual
        funnel.append(("mutual", int(keep.sum())))
    kept = matches.take(keep)
    if settings.dual_softmax:
        kept = believed(kept)
        if settings.min_confidence:
            kept = kept.take(kept.confidence >= settings.min_confidence)
            funnel.append(("confident", len(kept)))
    return replace(kept, funnel=tuple(funnel))
