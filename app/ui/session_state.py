"""What the user is looking at, as one frozen value, and how it is kept between two runs.

What lives here: :class:`SessionState`, its JSON form, the files it is stored in, and when two requests ask
for the same work. What does not: undo and redo (``history``), signals, computation, widgets; this module
imports no Qt. May import: ``app.records``, ``app.settings``, ``app.matchers``, ``app.pairs``.

A broken file never stops the start: every part that cannot be read is replaced by its default, and a
sentence says which.
"""

from __future__ import annotations

import dataclasses
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, cast

from app import matchers
from app.records import MatchRequest, MatchResult, PairRef, Selection, StageSettings, UserError
from app.settings import Settings, checked, fields_of, load_json, save_json

log = logging.getLogger(__name__)
T = TypeVar("T")
KIND = "session"
RECENT = 20
MOST_KEPT = 1000  # paths that a session remembers: the start reads them
THEMES = ("system", "dark", "light")
FOLDER_VARIABLE = "CORRESPONDENCE_EXPLORER_CONFIG"
Complain = Callable[[str], None]


@dataclass(frozen=True)
class SavedState:
    """A workspace's state as read from a file, not yet of the workspace's own type."""

    values: tuple[tuple[str, Any], ...]


@dataclass(frozen=True)
class SessionState:
    """Everything that restore, undo and bookmarks bring back; hashable and JSON-able.

    Attributes:
        pair: the pair looked at, None before the first.
        matcher: key of the matcher.
        settings: (matcher key, its settings) of every matcher used; verification and evaluation are
            the same in all of them.
        selection: the place or match pointed at.
        theme: system, dark or light.
        workspace: key of the workspace in front.
        workspaces: (key, frozen state) of every workspace that has one.
    """

    pair: PairRef | None = None
    matcher: str = "sift"
    settings: tuple[tuple[str, StageSettings], ...] = ()
    selection: Selection | None = None
    theme: str = "system"
    workspace: str = "match"
    workspaces: tuple[tuple[str, Any], ...] = ()

    @property
    def stage_settings(self) -> StageSettings | None:
        """The settings of the current matcher, None if they were never set."""
        return dict(self.settings).get(self.matcher)

    def with_settings(self, settings: StageSettings) -> SessionState:
        """Return the state with the current matcher's settings replaced."""
        return replace(self, settings=_with_item(self.settings, self.matcher, settings))

    def with_workspace_state(self, name: str, state: Any) -> SessionState:
        """Return the state with one workspace's own state replaced."""
        return replace(self, workspaces=_with_item(self.workspaces, name, state))


def _with_item(items: tuple[tuple[str, Any], ...], name: str, value: Any) -> tuple[tuple[str, Any], ...]:
    changed = {**dict(items), name: value}
    return tuple(sorted(changed.items()))


# ---------------------------------------------------------------------------------- JSON


def to_json(state: SessionState) -> dict[str, Any]:
    """Return the state as plain JSON values."""
    from app.pairs import ref_to_json

    return {
        "pair": None if state.pair is None else ref_to_json(state.pair),
        "matcher": state.matcher,
        "settings": {key: matchers.settings_to_json(value) for key, value in state.settings},
        "selection": None if state.selection is None else dataclasses.asdict(state.selection),
        "theme": state.theme,
        "workspace": state.workspace,
        "workspaces": {name: _plain(value) for name, value in state.workspaces},
    }


def from_json(content: Mapping[str, Any], complain: Complain) -> SessionState:
    """Return the state of :func:`to_json`; what cannot be read becomes its default, with a sentence."""
    readers: dict[str, Callable[[Any], Any]] = {
        "pair": _read_pair,
        "matcher": _text,
        "settings": lambda value: _read_settings(value, complain),
        "selection": _read_selection,
        "theme": _read_theme,
        "workspace": _text,
        "workspaces": _read_workspaces,
    }
    values: dict[str, Any] = {}
    for name, read in readers.items():
        if name in content:
            try:
                values[name] = read(content[name])
            except (UserError, ValueError, TypeError, KeyError, AttributeError) as error:
                log.warning("saved %s cannot be read", name, exc_info=True)
                complain(f"The saved {name} could not be read and was reset ({error}).")
    return SessionState(**values)


def _read_pair(value: Any) -> PairRef | None:
    from app.pairs import ref_from_json

    return None if value is None else ref_from_json(value)


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"expected a word, found {value!r}")
    return value


def _read_theme(value: Any) -> str:
    if value not in THEMES:
        raise ValueError(f"expected one of {', '.join(THEMES)}, found {value!r}")
    return str(value)


def _read_settings(value: Any, complain: Complain) -> tuple[tuple[str, StageSettings], ...]:
    result: dict[str, StageSettings] = {}
    for key, saved in value.items():
        try:
            spec = matchers.get(key)
        except UserError as error:  # a matcher of another installation: its settings are not missed
            log.info("saved settings ignored: %s", error)
            continue
        if not isinstance(saved, Mapping):
            complain(f"The saved settings of {key} could not be read and were reset.")
            continue
        result[key] = matchers.settings_from_json(spec, saved, complain)
    return tuple(sorted(result.items()))


def _read_selection(value: Any) -> Selection | None:
    if value is None:
        return None
    side, partner = value["side"], value.get("partner")
    if side not in ("left", "right"):
        raise ValueError(f"expected left or right, found {side!r}")
    there = None if partner is None else (float(partner[0]), float(partner[1]))
    return Selection(side, float(value["x"]), float(value["y"]), there)


def _read_workspaces(value: Any) -> tuple[tuple[str, Any], ...]:
    return tuple(sorted((str(name), SavedState(_frozen_items(part))) for name, part in value.items()))


def _frozen_items(part: Any) -> tuple[tuple[str, Any], ...]:
    return tuple((str(name), _frozen(item)) for name, item in part.items())


def _frozen(value: Any) -> Any:
    """Return JSON values with lists as tuples, so that a state stays hashable."""
    if isinstance(value, list):
        return tuple(_frozen(item) for item in value)
    return _frozen_items(value) if isinstance(value, Mapping) else value


def _plain(value: Any) -> dict[str, Any]:
    if isinstance(value, SavedState):
        return dict(value.values)
    return {item.name: getattr(value, item.name) for item in dataclasses.fields(value)}


def typed(saved: Any, default: T, complain: Complain) -> T:
    """Return a workspace's saved state as the type of ``default``, field by field.

    A field is taken if it fits the default's field (its specification for a ``Settings`` class, else
    its type); one that does not is left at the default, with a sentence.
    """
    if not isinstance(saved, SavedState):
        return saved if isinstance(saved, type(default)) else default
    specs = {spec.name: spec for spec in fields_of(default)} if isinstance(default, Settings) else {}
    result = default
    for name, value in saved.values:
        if name not in {item.name for item in dataclasses.fields(cast(Any, default))}:
            log.info("ignored unknown state %s", name)
            continue
        try:
            fitting = checked(specs[name], value) if name in specs else _like(getattr(default, name), value)
            result = cast(T, replace(cast(Any, result), **{name: fitting}))
        except (UserError, ValueError, TypeError) as error:
            complain(f"The saved view setting {name} could not be read and was reset ({error}).")
    return result


def _like(default: Any, value: Any) -> Any:
    """Return ``value`` if it has the type of ``default`` (a whole number fits a float)."""
    if isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if default is not None and type(value) is not type(default):
        raise ValueError(f"expected {type(default).__name__}, found {value!r}")
    return value


# ------------------------------------------------------------------------------ requests


def same_work(one: MatchRequest, other: MatchRequest) -> bool:
    """Whether two requests need the same computation: all but the evaluation's threshold."""
    return (one.ref, one.matcher, replace(one.settings, evaluate=None)) == (
        other.ref, other.matcher, replace(other.settings, evaluate=None),
    )  # fmt: skip


def judged(result: MatchResult, request: MatchRequest) -> MatchResult:
    """Return the result judged at the request's threshold, without new work."""
    threshold = request.settings.evaluate.threshold
    evaluation = None if result.evaluation is None else result.evaluation.at(threshold)
    return replace(result, request=request, evaluation=evaluation)


# --------------------------------------------------------------------------------- files


def config_folder() -> Path:
    """Return the folder of the state files: the user's own, or what the environment names."""
    if named := os.environ.get(FOLDER_VARIABLE):
        return Path(named)
    import platformdirs

    return Path(platformdirs.user_config_dir("correspondence-explorer", appauthor=False))


@dataclass(frozen=True)
class Opened:
    """Where a list of pairs came from, so that it can be found again.

    Attributes:
        paths: absolute paths of the files, folders or lists.
        every: whether all pairs of the pictures were asked for.
    """

    paths: tuple[str, ...]
    every: bool = False

    @classmethod
    def of(cls, paths: Sequence[str | Path], *, every: bool = False) -> Opened:
        """Return where the pairs of these paths come from."""
        return cls(tuple(str(Path(path).absolute()) for path in paths), every)

    def worth_keeping(self, pairs: int) -> Opened | None:
        """Return itself if it made a list of so many pairs that the next start should find again, else None."""
        return self if pairs > 1 and len(self.paths) <= MOST_KEPT else None


class Kept(NamedTuple):
    """What a session keeps: its state, the pairs opened last, where its list came from (None: built in, or unknown)."""

    state: SessionState = SessionState()
    recent: tuple[PairRef, ...] = ()
    opened: Opened | None = None


@dataclass(frozen=True)
class Store:
    """The files a session is kept in."""

    folder: Path

    @property
    def path(self) -> Path:
        """The state file."""
        return self.folder / "session.json"

    def load(self, complain: Complain) -> Kept:
        """Return what was saved; a broken file gives defaults and a sentence."""
        if not self.path.exists():
            return Kept()
        try:
            content = load_json(self.path, KIND)
        except UserError as error:
            complain(f"The last session could not be restored, so this one starts afresh. {error}")
            return Kept()
        recent = _read_recent(content.get("recent"), complain)
        return Kept(from_json(content, complain), recent, _read_opened(content.get("opened")))

    def save(self, state: SessionState, recent: tuple[PairRef, ...] = (), opened: Opened | None = None) -> None:
        """Write all, atomically; pairs that another window has opened meanwhile stay among the recent ones.

        Raises:
            UserError: if the folder cannot be made or written.
        """
        from app.pairs import ref_to_json

        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"Cannot save the session in {self.folder}: {error.strerror or error}.") from None
        others = () if not self.path.exists() else self.load(lambda _text: None).recent
        kept = list(dict.fromkeys((*recent, *others)))[:RECENT]
        came_from = None if opened is None else dataclasses.asdict(opened)
        content = {**to_json(state), "recent": [ref_to_json(ref) for ref in kept], "opened": came_from}
        save_json(self.path, KIND, content)


def _read_recent(value: Any, complain: Complain) -> tuple[PairRef, ...]:
    try:
        refs = [_read_pair(item) for item in value or ()]
    except (UserError, ValueError, TypeError, KeyError, AttributeError):
        log.warning("recent pairs cannot be read", exc_info=True)
        complain("The list of recent pairs could not be read and was emptied.")
        return ()
    return tuple(ref for ref in refs if ref is not None)


def _read_opened(value: Any) -> Opened | None:
    """Return where the list came from; what cannot be read is not missed, the pair itself being known."""
    if not isinstance(value, Mapping) or not isinstance(value.get("paths"), list):
        return None
    return Opened(tuple(str(path) for path in value["paths"]), value.get("every") is True)


class Restored(NamedTuple):
    """What the last session left.

    Attributes:
        state: with a matcher that can run here and its settings filled in.
        recent: the pairs opened last.
        complaints: sentences on what had to be reset.
        opened: where its list of pairs came from.
    """

    state: SessionState
    recent: tuple[PairRef, ...]
    complaints: tuple[str, ...]
    opened: Opened | None = None


def restored(store: Store | None) -> Restored:
    """Return the saved state made usable here, the default one without a store."""
    complaints: list[str] = []
    state, recent, opened = Kept() if store is None else store.load(complaints.append)
    try:
        spec = matchers.get(state.matcher)
    except UserError as error:
        complaints.append(f"{error} SIFT is used instead.")
        state = replace(state, matcher="sift")
        spec = matchers.get("sift")
    state = state.with_settings(state.stage_settings or spec.defaults())
    return Restored(state, recent, tuple(complaints), opened)
