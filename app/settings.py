"""Settings as frozen dataclasses whose fields carry label, help, range and unit.

One declaration serves the form in the window, ``--set stage.name=value`` on the command line, the
saved state and the help text. What lives here: the field helpers, validation, text and JSON
conversion, atomic files. May import: ``app.records`` and the standard library.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import math
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Literal, TypeVar, cast

from app.records import UserError

log = logging.getLogger(__name__)
S = TypeVar("S")
FORMAT_VERSION = 1


@dataclass(frozen=True)
class FieldSpec:
    """How one settings field is shown, checked and explained.

    Attributes:
        name: the field's name, also on the command line.
        kind: ``number``, ``choice`` or ``flag``.
        default: the default value.
        low, high, step: the range of a number (inclusive).
        integer: whether a number is whole.
        unit: shown after a number, e.g. ``px``.
        options: (value, label) of a choice.
        label, help: the words in the form; ``help`` is the teaching text.
        zero_means: what 0 is called if it is special (``"all"``), else empty.
        log_scale: whether a slider should be logarithmic.
        source: for a choice among things that come and go (learned metrics): asked for the options each time.
        suffix: a choice with a source also takes a path that ends so.
        files: what kind of the user's own files it names, ``"model"``; empty if none.
    """

    name: str
    kind: Literal["number", "choice", "flag"]
    default: Any
    label: str
    help: str
    low: float = 0.0
    high: float = 0.0
    step: float = 0.0
    integer: bool = False
    unit: str = ""
    options: tuple[tuple[str, str], ...] = ()
    zero_means: str = ""
    log_scale: bool = False
    source: Callable[[], Mapping[str, str]] | None = None
    suffix: str = ""
    files: str = ""


def number(
    default: float,
    low: float,
    high: float,
    step: float,
    *,
    label: str,
    help: str,
    unit: str = "",
    zero_means: str = "",
    log_scale: bool = False,
) -> Any:
    """Declare a numeric field; it is whole if ``default`` is an ``int``."""
    spec = FieldSpec(
        "", "number", default, label, help, low, high, step, isinstance(default, int), unit, (), zero_means, log_scale
    )
    return field(default=default, metadata={"spec": spec})


def choice(default: str, options: Mapping[str, str], *, label: str, help: str) -> Any:
    """Declare a field that is one of ``options`` (value -> label)."""
    spec = FieldSpec("", "choice", default, label, help, options=tuple(options.items()))
    return field(default=default, metadata={"spec": spec})


def named(source: Callable[[], Mapping[str, str]], *, suffix: str, label: str, help: str, files: str = "") -> Any:
    """Declare a field that is one of what ``source`` lists now (value -> label), or a file that ends in ``suffix``.

    The default is empty, which stands for the first of the list and is replaced by it as soon as there is one.
    ``files`` is what kind they are of, so that the field can follow one that gets another name (:func:`followed`).
    """
    spec = FieldSpec("", "choice", "", label, help, source=source, suffix=suffix, files=files)
    return field(default="", metadata={"spec": spec})


def flag(default: bool, *, label: str, help: str) -> Any:
    """Declare an on/off field."""
    return field(default=default, metadata={"spec": FieldSpec("", "flag", default, label, help)})


def fields_of(settings: Any) -> tuple[FieldSpec, ...]:
    """Return the field specifications of a settings class or instance, in declaration order."""
    return tuple(
        _with_options(dataclasses.replace(item.metadata["spec"], name=item.name))
        for item in dataclasses.fields(settings)
        if "spec" in item.metadata
    )


def _with_options(spec: FieldSpec) -> FieldSpec:
    """Return the specification with the options there are at this moment."""
    return spec if spec.source is None else dataclasses.replace(spec, options=tuple(spec.source().items()))


def checked(spec: FieldSpec, value: Any) -> Any:
    """Return ``value`` as the field's type.

    Raises:
        UserError: naming the field, what was found and what is expected.
    """
    if spec.kind == "flag":
        if isinstance(value, bool):
            return value
        text = str(value).strip().lower()
        if text in ("true", "yes", "on", "1"):
            return True
        if text in ("false", "no", "off", "0"):
            return False
        raise UserError(f"{spec.name}: {value!r} is not a switch; use true or false.")
    if spec.kind == "choice":
        allowed = [option for option, _ in spec.options]
        if value in allowed or (spec.suffix and str(value).lower().endswith(spec.suffix)):
            return value
        if spec.source is not None and value == "":
            return allowed[0] if allowed else ""
        file = f" or a {spec.suffix} file" if spec.suffix else ""
        raise UserError(f"{spec.name}: {value!r} is not known; choose one of {', '.join(allowed) or 'none'}{file}.")
    try:
        parsed = float(value)
    except (TypeError, ValueError):
        raise UserError(f"{spec.name}: {value!r} is not a number.") from None
    low, high = format_number(spec.low), format_number(spec.high)
    if not math.isfinite(parsed) or not spec.low <= parsed <= spec.high:
        raise UserError(f"{spec.name}: {value} is out of range; use {low} to {high}{spec.unit and ' ' + spec.unit}.")
    if spec.integer:
        if parsed != int(parsed):
            raise UserError(f"{spec.name}: {value} must be a whole number from {low} to {high}.")
        return int(parsed)
    return parsed


def format_number(value: float) -> str:
    """Return the shortest usual spelling of a setting (``0.8``, ``2000``)."""
    return str(int(value)) if float(value).is_integer() else f"{value:g}"


class Settings:
    """Base of every settings dataclass: validates all declared fields on construction.

    Subclasses are ``@dataclass(frozen=True)``; an out-of-range value raises :class:`UserError`. A choice among things
    that come and go need not be there any more: settings that were made while it was can still be copied with another
    field changed, and whoever opens it says that it is gone.
    """

    def __post_init__(self) -> None:
        for spec in fields_of(self):
            value = getattr(self, spec.name)
            if spec.source is None or not isinstance(value, str) or value == "":
                object.__setattr__(self, spec.name, checked(spec, value))


def with_value(settings: S, name: str, value: Any) -> S:
    """Return ``settings`` with one field changed (text is converted to the field's type).

    Raises:
        UserError: for an unknown field or a bad value.
    """
    specs = {spec.name: spec for spec in fields_of(settings)}
    if name not in specs:
        raise UserError(f"There is no setting {name!r} here; known are {', '.join(specs) or 'none'}.")
    return cast(S, dataclasses.replace(cast(Any, settings), **{name: checked(specs[name], value)}))


def followed(settings: S, files: str, before: str, after: str) -> S:
    """Return settings whose fields that name one of the user's files call it by its new name; empty is the default."""
    changes = {
        item.name: after
        for item in dataclasses.fields(cast(Any, settings))
        if "spec" in item.metadata and item.metadata["spec"].files == files and getattr(settings, item.name) == before
    }
    return cast(S, dataclasses.replace(cast(Any, settings), **changes)) if changes else settings


def to_json(settings: Any) -> dict[str, Any]:
    """Return the declared fields as a plain dictionary."""
    return {spec.name: getattr(settings, spec.name) for spec in fields_of(settings)}


def from_json(kind: Callable[[], S], values: Mapping[str, Any], complain: Callable[[str], None] | None = None) -> S:
    """Return settings of class ``kind`` from a dictionary, tolerantly.

    Unknown keys are ignored with a log line; a bad value is replaced by the default and a sentence
    goes to ``complain`` (or the log).
    """
    result = kind()
    known = {spec.name for spec in fields_of(result)}
    for name, value in values.items():
        if name not in known:
            log.info("ignored unknown setting %s", name)
            continue
        try:
            result = with_value(result, name, value)
        except UserError as error:
            (complain or log.warning)(f"{error} The default is used.")
    return result


@contextmanager
def atomic_path(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; on success it replaces ``path``, on failure it is removed.

    A link stays one: what it points to is replaced.

    Raises:
        UserError: if the folder is missing or cannot be written, or the disk is full.
    """
    target = Path(os.path.realpath(path)) if os.path.islink(path) else Path(path)  # noqa: PTH114 - takes any name
    try:
        handle, name = tempfile.mkstemp(prefix=f".{target.stem[:40]}-", suffix=target.suffix, dir=target.parent)
        os.close(handle)
    except FileNotFoundError:
        raise UserError(f"Cannot write {target}: the folder {target.parent} does not exist.") from None
    except OSError as error:
        raise UserError(f"Cannot write {target}: {error.strerror or error}.") from None
    temporary = Path(name)
    try:
        yield temporary
        mask = os.umask(0)
        os.umask(mask)
        temporary.chmod(0o666 & ~mask)
        temporary.replace(target)
    except OSError as error:
        raise UserError(f"Cannot write {target}: {error.strerror or error}. Nothing was changed.") from error
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def atomic_text(path: str | os.PathLike[str]) -> Iterator[IO[str]]:
    """Yield a UTF-8 text stream whose content replaces ``path`` when all of it was written."""
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        yield stream


def save_json(path: str | os.PathLike[str], kind: str, content: Mapping[str, Any]) -> None:
    """Write ``content`` as versioned JSON of this ``kind``, atomically."""
    with atomic_text(path) as stream:
        json.dump({"kind": kind, "version": FORMAT_VERSION, **content}, stream, indent=1, ensure_ascii=False)
        stream.write("\n")


def load_json(path: str | os.PathLike[str], kind: str) -> dict[str, Any]:
    """Return the content written by :func:`save_json`.

    Raises:
        UserError: if the file is missing, unreadable, not JSON, or of another kind or a newer version.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"Cannot read {path}: {error.strerror or error}.") from None
    except (ValueError, RecursionError):
        raise UserError(f"{path} is not valid JSON; delete it or choose another file.") from None
    if not isinstance(content, dict) or content.get("kind") != kind:
        raise UserError(f"{path} does not hold {kind}.")
    version = content.get("version")
    if not isinstance(version, int) or version > FORMAT_VERSION:
        raise UserError(f"{path} was written by a newer version of the program (format {version}).")
    return content


def parse_assignments(items: Iterable[str]) -> list[tuple[str, str, str]]:
    """Split ``stage.name=value`` items into (stage, name, value).

    Raises:
        UserError: for an item of another form.
    """
    result: list[tuple[str, str, str]] = []
    for item in items:
        path, equals, value = item.partition("=")
        stage, dot, name = path.strip().partition(".")
        if not (equals and dot and stage and name):
            raise UserError(f"--set {item!r}: write it as stage.name=value, for example match.ratio=0.8.")
        result.append((stage, name, value.strip()))
    return result
