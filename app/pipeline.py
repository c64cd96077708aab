"""One pair through the stages: load, detect, describe, match, verify, evaluate.

What lives here: :func:`run_pair` and the cache of stage results. What does not: what a stage does
(``app.vision``, ``app.matchers``) and threads of the window. May import: records, jobs, matchers, pairs, vision.

A stage's cache key is the stage, the matcher, that stage's own settings and the ids of its inputs, so
changing a setting runs again only the stages behind it.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Generator, Hashable
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any

import numpy as np

from app import matchers, pairs
from app.jobs import Job, NativeCall, Progress, native
from app.matchers import MatcherSpec
from app.records import (
    Features,
    Float64,
    Image,
    ImagePair,
    Keypoints,
    Matches,
    MatchRequest,
    MatchResult,
    Verification,
    WorkingImage,
)
from app.vision import evaluate as evaluation
from app.vision import verify as verification
from app.vision.images import working_image

STEPS = ("Loading the pair", "Detecting and describing", "Matching", "Verifying", "Evaluating")
CACHE_BYTES = 512 * 2**20


def size_in_bytes(value: Any) -> int:
    """Return roughly how much memory a record's arrays take."""
    if isinstance(value, np.ndarray):
        return int(value.nbytes)
    if isinstance(value, list | tuple):
        return sum(size_in_bytes(item) for item in value)
    if is_dataclass(value):
        return sum(size_in_bytes(getattr(value, item.name)) for item in fields(value))
    return 64


class Cache:
    """Results of stages, the least recently used dropped beyond ``max_bytes``; safe between threads."""

    def __init__(self, max_bytes: int = CACHE_BYTES) -> None:
        self.max_bytes = max_bytes
        self._items: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> Any:
        """Return the value under ``key``, None if it is not there."""
        with self._lock:
            if key not in self._items:
                return None
            self._items.move_to_end(key)
            return self._items[key][0]

    def put(self, key: Hashable, value: Any) -> None:
        """Keep a value; one larger than the whole cache is not kept."""
        size = size_in_bytes(value)
        with self._lock:
            if key in self._items:
                self._bytes -= self._items.pop(key)[1]
            if size > self.max_bytes:
                return
            self._items[key] = (value, size)
            self._bytes += size
            while self._bytes > self.max_bytes:
                self._bytes -= self._items.popitem(last=False)[1][1]

    def __len__(self) -> int:
        return len(self._items)

    @property
    def bytes(self) -> int:
        """What the kept values take."""
        return self._bytes


@dataclass
class _Run:
    """The state of one job: the result so far, and how to run a stage."""

    spec: MatcherSpec
    cache: Cache
    result: MatchResult
    seconds: dict[str, float] = field(default_factory=dict)
    step: int = 0

    def progress(self) -> Progress:
        """Return where the job stands, with the result so far."""
        return Progress(self.step, len(STEPS), STEPS[self.step], self.result)

    def add(self, **values: Any) -> None:
        """Put computed parts into the result."""
        self.result = replace(self.result, seconds=self.seconds, **values)

    def cached(
        self, name: str, key: Hashable, compute: Callable[[], Any] | NativeCall
    ) -> Generator[Progress, None, tuple[Any, Hashable]]:
        """Return (value, key) of one stage: from the cache, or computed beside the job's thread."""
        value = self.cache.get(key)
        self.seconds[name] = 0.0
        if value is None:
            times: list[float] = []
            (value,) = yield from native(compute, progress=self.progress(), seconds=times)
            self.seconds[name] = times[0]
            self.cache.put(key, value)
        return value, key


def run_pair(request: MatchRequest, cache: Cache | None = None, reading: NativeCall | None = None) -> Job[MatchResult]:
    """Run one request through all stages.

    Yields progress whose payload is the partial :class:`MatchResult` (the pair as soon as it is
    loaded, then features, matches, verification).

    Args:
        request: pair, matcher and settings.
        cache: results of earlier runs; None for none.
        reading: of the pair, if it has begun already (:func:`app.pairs.load`).

    Returns:
        The complete result; empty stages are empty records, with a note on what to try.

    Raises:
        UserError: if the pair cannot be loaded or the matcher cannot run here.
    """
    run = _Run(matchers.get(request.matcher), cache if cache is not None else Cache(), MatchResult(request))
    yield run.progress()
    pair, _ = yield from run.cached("load", ("pair", request.ref), reading or (lambda: pairs.load(request.ref)))
    run.add(pair=pair)
    run.step = 1
    yield run.progress()
    if run.spec.joint is None:
        matches_key = yield from _separate(run, pair)
    else:
        matches_key = yield from _joint(run, pair)
    run.step = 3
    yield run.progress()
    fitted, _ = yield from _verified(run, pair, matches_key)
    run.step = 4
    yield run.progress()
    yield from _evaluated(run, pair, (matches_key, fitted))
    seen = run.spec.learned_from
    if seen is not None:
        (sentence,) = yield from native(lambda: seen(request.settings.describe, pair), progress=run.progress())
        run.add(learned_from=sentence)
    return replace(run.result, seconds=run.seconds, notes=_notes(run.result))


def _working(run: _Run, pair: ImagePair) -> tuple[WorkingImage, WorkingImage]:
    """Return both working images and put their sizes into the result."""
    side = getattr(run.result.request.settings.detect, "max_side", 0)
    both = working_image(pair.left, side), working_image(pair.right, side)
    sizes = tuple((int(w.grey.shape[1]), int(w.grey.shape[0])) for w in both)
    run.add(working_size=sizes)
    return both


def _separate(run: _Run, pair: ImagePair) -> Generator[Progress, None, Hashable]:
    """Detect and describe both sides at once, then match; return the key of the matches."""
    settings = run.result.request.settings
    left, right = yield from _features(run, pair)
    run.add(left=left[0], right=right[0])
    run.step = 2
    yield run.progress()
    key = ("match", run.spec.key, settings.match, left[1], right[1])
    matches, _ = yield from run.cached("match", key, lambda: run.spec.match(left[0], right[0], settings.match))
    run.add(matches=matches)
    return key


Side = tuple[Features, Hashable]


def _features(run: _Run, pair: ImagePair) -> Generator[Progress, None, tuple[Side, Side]]:
    """Return (features, key) of both sides, extracting only what the cache lacks, both at once."""
    settings = run.result.request.settings
    keys = [_feature_key(run.spec, image, settings) for image in (pair.left, pair.right)]
    found = [run.cache.get(key) for key in keys]
    run.seconds["detect + describe"] = 0.0
    due = [index for index in (0, 1) if found[index] is None]
    if due:
        start = time.perf_counter()
        works = (yield from native(lambda: _working(run, pair), progress=run.progress()))[0]
        calls = [_extraction(run, works[index], settings) for index in due]
        values = yield from native(*calls, progress=run.progress())
        for index, value in zip(due, values, strict=True):
            found[index] = value
            run.cache.put(keys[index], value)
        run.seconds["detect + describe"] = time.perf_counter() - start
    else:
        _working(run, pair)
    return (found[0], keys[0]), (found[1], keys[1])


def _feature_key(spec: MatcherSpec, image: Image, settings: Any) -> Hashable:
    other = spec.identity(settings.describe) if spec.identity is not None else None
    return ("features", spec.key, settings.detect, settings.describe, other, image.id)


def _extraction(run: _Run, work: WorkingImage, settings: Any) -> Callable[[], Features]:
    """Return the call that detects and describes one side, in original pixels."""
    spec, cache = run.spec, run.cache

    def extract() -> Features:
        """Detect, unless the keypoints are kept from before, and describe."""
        key = ("keypoints", spec.detect, settings.detect, work.image_id)
        keypoints: Keypoints | None = cache.get(key)
        features = None
        if keypoints is None and spec.extract is not None:
            features = spec.extract(work, settings.detect, settings.describe)
        if features is not None:
            cache.put(key, features.keypoints)  # changing only the descriptor then detects nothing again
        else:
            if keypoints is None:
                keypoints = spec.detect(work, settings.detect)
                cache.put(key, keypoints)
            features = spec.describe(work, keypoints, settings.describe)
        return replace(features, keypoints=work.to_original(features.keypoints))

    return extract


def _joint(run: _Run, pair: ImagePair) -> Generator[Progress, None, Hashable]:
    """Run a matcher that sees both images at once; return the key of the matches."""
    settings, joint = run.result.request.settings, run.spec.joint
    assert joint is not None
    key = ("joint", run.spec.key, settings.detect, settings.match, pair.left.id, pair.right.id)

    def compute() -> tuple[Features, Features, Matches]:
        """Match both pictures at once, and go back to original pixels."""
        works = _working(run, pair)
        left, right, matches = joint(*works, settings.detect, settings.match)
        left, right = (
            replace(side, keypoints=work.to_original(side.keypoints))
            for side, work in zip((left, right), works, strict=True)
        )
        return left, right, matches

    run.step = 2
    (left, right, matches), _ = yield from run.cached("match", key, compute)
    _working(run, pair)
    run.add(left=left, right=right, matches=matches)
    return key


def _cameras(pair: ImagePair, settings: Any) -> tuple[Float64 | None, Float64 | None]:
    """Return the intrinsics: typed in, of the pair, or none."""
    if settings.focal:
        sizes = (pair.left.size, pair.right.size)
        return verification.camera(sizes[0], settings.focal), verification.camera(sizes[1], settings.focal)
    pose = pair.truth.pose
    left = pair.camera_left if pair.camera_left is not None or pose is None else pose.k_left
    right = pair.camera_right if pair.camera_right is not None or pose is None else pose.k_right
    return left, right


def _verified(run: _Run, pair: ImagePair, matches_key: Hashable) -> Generator[Progress, None, tuple[Any, Hashable]]:
    settings = run.result.request.settings.verify
    left, right, matches = _parts(run)
    k_left, k_right = _cameras(pair, settings)
    key = ("verify", settings, matches_key)
    fitted, key_of = yield from run.cached(
        "verify",
        key,
        lambda: verification.verify(matches, left.keypoints, right.keypoints, settings, k_left=k_left, k_right=k_right),
    )
    run.add(verification=fitted)
    return key_of, key


def _evaluated(run: _Run, pair: ImagePair, upstream: Hashable) -> Generator[Progress, None, None]:
    """Judge by the truth; the threshold is not part of the key because errors do not depend on it."""
    settings = run.result.request.settings.evaluate
    left, right, matches = _parts(run)
    fitted: Verification | None = run.result.verification
    judged, _ = yield from run.cached(
        "evaluate",
        ("evaluate", pair.ref, upstream),
        lambda: evaluation.evaluate(matches, left.keypoints, right.keypoints, pair, settings, fitted),
    )
    run.add(evaluation=judged.at(settings.threshold))


def _parts(run: _Run) -> tuple[Features, Features, Matches]:
    result = run.result
    assert result.left is not None
    assert result.right is not None
    assert result.matches is not None
    return result.left, result.right, result.matches


def _notes(result: MatchResult) -> tuple[str, ...]:
    """Return the sentences a user should read about this result."""
    notes: list[str] = []
    pair, left, right, matches = result.pair, result.left, result.right, result.matches
    assert pair is not None
    if result.learned_from:
        notes.append(result.learned_from)
    if result.working_size is not None:
        for name, image, size in zip(("Left", "Right"), (pair.left, pair.right), result.working_size, strict=True):
            if size != image.size:
                notes.append(
                    f"{name} image detected at {size[0]} × {size[1]} of {image.width} × {image.height} pixels."
                )
    for name, side in (("left", left), ("right", right)):
        if side is not None and not len(side.keypoints):
            notes.append(f"No keypoints in the {name} image: lower the detector's threshold or try another detector.")
    found = left is not None and right is not None and len(left.keypoints) and len(right.keypoints)
    if found and matches is not None and not len(matches):
        notes.append("No match survived: raise the ratio or switch off the mutual check.")
    if result.verification is not None and result.verification.note:
        notes.append(result.verification.note)
    notes.extend(image.note for image in (pair.left, pair.right) if image.note)
    if pair.note:
        notes.append(pair.note)
    return tuple(notes)
