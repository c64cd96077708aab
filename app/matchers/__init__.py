"""The matcher contract and the list of matchers.

A matcher is one small module of this package exposing ``MATCHER: MatcherSpec``, built from functions of
``app.vision``. Nothing slow is imported at module level; ``ready()`` asks ``importlib.util.find_spec``.
Third parties add theirs through the entry-point group ``correspondence_explorer.matchers``.
"""

from __future__ import annotations

import importlib
import logging
import pkgutil
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, Literal

from app.records import Features, ImagePair, Keypoints, Matches, StageSettings, UserError, WorkingImage
from app.settings import fields_of, from_json, parse_assignments, to_json, with_value
from app.vision.evaluate import EvaluateSettings
from app.vision.verify import VerifySettings

log = logging.getLogger(__name__)
ENTRY_POINTS = "correspondence_explorer.matchers"
STAGES = ("detect", "describe", "match", "verify", "evaluate")

# What the "why not?" probe can say of a matcher, in order of the stages of a match.
WhyStage = Literal["detector", "keypoint", "rank", "distance", "ratio", "mutual", "confidence", "verify"]
USUAL_WHY: tuple[WhyStage, ...] = ("keypoint", "rank", "distance", "ratio", "mutual", "verify")


def always_ready() -> str:
    """Return the empty reason: nothing is missing."""
    return ""


@dataclass(frozen=True)
class MatcherSpec:
    """One matcher: how it detects, describes and matches, and what it teaches.

    All functions work in pixels of the working image; the pipeline maps to the original and back.

    Attributes:
        key: name on the command line and in saved files, e.g. ``"sift"``.
        title: name in the window.
        teaches: one or two sentences shown under the title.
        source: paper or book.
        detect_settings, describe_settings, match_settings: settings classes (frozen dataclasses).
        detect: (working image, settings) -> keypoints.
        describe: (working image, keypoints, settings) -> features (it may drop or reorder keypoints).
        match: (left, right, settings) -> matches, with their funnel.
        extract: optional fused detect + describe, giving exactly what the two would; used when both are due. Its
            keypoints are kept as those detected, for other descriptors, so where describing drops some by its
            settings it returns None, and the two run one after the other.
        joint: optional (left image, right image, detect settings, match settings) -> (left features,
            right features, matches) for matchers without separate detection; the others are unused then.
        identity: optional (describe settings) -> what else decides the descriptors, e.g. a checkpoint's sha256; part
            of the key results are cached under.
        learned_from: optional (describe settings, pair) -> a sentence if what compares was learned from pictures of the
            pair, so that its numbers flatter, else ``""``.
        ready: the reason why the matcher cannot run here and how to mend it, or ``""``.
        why: the "why not?" stages that make sense for it.
    """

    key: str
    title: str
    teaches: str
    source: str
    detect_settings: type[Any]
    describe_settings: type[Any]
    match_settings: type[Any]
    detect: Callable[[WorkingImage, Any], Keypoints]
    describe: Callable[[WorkingImage, Keypoints, Any], Features]
    match: Callable[[Features, Features, Any], Matches]
    extract: Callable[[WorkingImage, Any, Any], Features | None] | None = None
    joint: Callable[[WorkingImage, WorkingImage, Any, Any], tuple[Features, Features, Matches]] | None = None
    identity: Callable[[Any], Hashable] | None = None
    learned_from: Callable[[Any, ImagePair], str] | None = None
    ready: Callable[[], str] = always_ready
    why: tuple[WhyStage, ...] = USUAL_WHY

    def defaults(self) -> StageSettings:
        """Return the default settings of every stage."""
        return StageSettings(
            detect=self.detect_settings(),
            describe=self.describe_settings(),
            match=self.match_settings(),
            verify=VerifySettings(),
            evaluate=EvaluateSettings(),
        )


@dataclass(frozen=True)
class Entry:
    """A line of the matcher list: the spec, or the reason why there is none; ``reason`` empty = usable."""

    key: str
    title: str
    spec: MatcherSpec | None
    reason: str


def _entry(name: str, load: Callable[[], Any]) -> Entry:
    """Load one matcher module; a failing import becomes a disabled entry with its reason."""
    try:
        spec = load().MATCHER
        if not isinstance(spec, MatcherSpec):
            raise TypeError(f"MATCHER is a {type(spec).__name__}, not a MatcherSpec")
        return Entry(spec.key, spec.title, spec, spec.ready())
    except Exception as error:  # a third-party module may fail in any way; the reason is shown
        log.warning("matcher %s cannot be used", name, exc_info=True)
        return Entry(name, name, None, f"{name} could not be loaded: {error}")


# The order of the list in the window: the lecture's order, then alphabetical.
_ORDER = ("sift", "rootsift", "sift-explained", "siamese", "patch-ssd", "patch-zncc", "asift", "orb", "fast-patch")


@cache
def discover() -> tuple[Entry, ...]:
    """Return every matcher of this package and of the installed entry points, usable or not."""
    names = [info.name for info in pkgutil.iter_modules(__path__)]
    entries = [
        _entry(name.replace("_", "-"), partial(importlib.import_module, f"app.matchers.{name}")) for name in names
    ]
    from importlib.metadata import entry_points  # slow to import, and the first paint does without it

    for point in entry_points(group=ENTRY_POINTS):
        entries.append(_entry(point.name, point.load))
    unique: dict[str, Entry] = {}
    for entry in entries:
        unique.setdefault(entry.key, entry)
    rank = {key: index for index, key in enumerate(_ORDER)}
    return tuple(sorted(unique.values(), key=lambda e: (bool(e.reason), rank.get(e.key, len(rank)), e.key)))


@cache
def _shipped(key: str) -> Entry | None:
    """Return a matcher of this package by its file's name, without importing all the others; else None."""
    name = key.replace("-", "_")
    if name not in [info.name for info in pkgutil.iter_modules(__path__)]:
        return None
    entry = _entry(key, partial(importlib.import_module, f"app.matchers.{name}"))
    return entry if entry.key == key else None


def refresh() -> None:
    """Ask anew which matchers can run, after something they need was learned, kept or removed."""
    discover.cache_clear()
    _shipped.cache_clear()


def get(key: str) -> MatcherSpec:
    """Return the usable matcher called ``key``.

    Raises:
        UserError: if there is none of that name, or it cannot run here (with the way to mend it).
    """
    entry = _shipped(key) or next((entry for entry in discover() if entry.key == key), None)
    if entry is not None:
        if entry.spec is None or entry.reason:
            raise UserError(f"The matcher {key} cannot be used: {entry.reason}")
        return entry.spec
    known = ", ".join(entry.key for entry in discover() if not entry.reason)
    raise UserError(f"There is no matcher called {key!r}; known are {known}.")


def with_assignments(settings: StageSettings, items: list[str]) -> StageSettings:
    """Return ``settings`` with ``stage.name=value`` assignments applied.

    Raises:
        UserError: for an unknown stage or name, or a bad value.
    """
    values: dict[str, Any] = {stage: getattr(settings, stage) for stage in STAGES}
    for stage, name, value in parse_assignments(items):
        if stage not in values:
            raise UserError(f"There is no stage {stage!r}; stages are {', '.join(STAGES)}.")
        try:
            values[stage] = with_value(values[stage], name, value)
        except UserError as error:
            raise UserError(f"{stage}.{error}" if str(error).startswith(name) else f"{stage}: {error}") from None
    return StageSettings(**values)


def settings_to_json(settings: StageSettings) -> dict[str, dict[str, Any]]:
    """Return all stages as plain dictionaries."""
    return {stage: to_json(getattr(settings, stage)) for stage in STAGES}


def settings_from_json(
    spec: MatcherSpec, values: Mapping[str, Any], complain: Callable[[str], None] | None = None
) -> StageSettings:
    """Return settings of this matcher from plain dictionaries; bad values become defaults."""
    base = spec.defaults()
    parts: dict[str, Any] = {}
    for stage in STAGES:
        saved = values.get(stage)
        parts[stage] = from_json(type(getattr(base, stage)), saved if isinstance(saved, Mapping) else {}, complain)
    return StageSettings(**parts)


def changed_settings(spec: MatcherSpec, settings: StageSettings) -> dict[str, Any]:
    """Return ``stage.name`` -> value of everything that differs from the matcher's defaults."""
    base = spec.defaults()
    return {
        f"{stage}.{field.name}": value
        for stage in STAGES
        for field in fields_of(getattr(base, stage))
        if (value := getattr(getattr(settings, stage), field.name)) != field.default
    }
