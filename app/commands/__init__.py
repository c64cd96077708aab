"""The work without a window: one file per command.

What lives here: the list of commands, and what they share (arguments, settings, complaints). What does not: the work
itself, which is in the package a command calls. May import: everything but Qt; ``app.ui`` only inside the functions
that draw, OpenCV and numpy only once there is work, so that ``--help`` answers at once.

A new command is a module here with ``run(arguments) -> exit code``, and a line in :data:`COMMANDS`.
"""

from __future__ import annotations

import argparse
import contextlib
import difflib
import importlib
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn, cast

from app.records import StageSettings, UserError

if TYPE_CHECKING:
    from app.matchers import MatcherSpec

PROGRAM = "correspondence-explorer"
STAGES = ("detect", "describe", "match", "verify", "evaluate")
SOME_FAILED, BAD_INPUT, INTERRUPTED, READER_GONE = 1, 2, 130, 141


@dataclass(frozen=True)
class Command:
    """A line of the command list; its module is imported when it is called.

    Attributes:
        name: the first word on the command line, and the name of its module here.
        operands: what must follow it, as in the help.
        purpose: what it does, in a few words.
        matches: whether it works with matchers, and so answers questions about them instead of working.
    """

    name: str
    operands: str
    purpose: str
    matches: bool = False

    def run(self, arguments: list[str]) -> int:
        """Do the work and return the exit code; bad input raises UserError."""
        module = importlib.import_module(f"app.commands.{self.name}")
        return cast("Callable[[list[str]], int]", module.run)(arguments)


COMMANDS: tuple[Command, ...] = (
    Command("match", "LEFT RIGHT", "match two images, write matches and a figure", matches=True),
    Command("features", "IMAGE", "detect and describe one image", matches=True),
    Command("evaluate", "FOLDER", "compare matchers on many pairs with known truth", matches=True),
    Command("metric", "--data NAME", "learn a metric from labelled data or descriptors"),
    Command("train", "--data FOLDER --out FILE", "train a network on photographs"),
    Command("detector", "--out FILE", "train a small detector of corners on drawn shapes"),
    Command("describe", "PATCHES.npz --out FILE", "describe patches by a trained network"),
)


class Parser(argparse.ArgumentParser):
    """A parser whose complaints are user errors like all others."""

    def error(self, message: str) -> NoReturn:
        """Raise the complaint."""
        raise UserError(f"{message[:1].lower()}{message[1:]}; see {self.prog} --help.")


def complain(sentence: str, code: int) -> int:
    """Write one sentence to stderr, where there is one, and return the exit code."""
    if sys.stderr is not None:
        with contextlib.suppress(OSError):  # nobody can be told where stderr takes nothing; the code still tells
            print(f"{PROGRAM}: {sentence}", file=sys.stderr)
    return code


def add_settings(parser: argparse.ArgumentParser) -> None:
    """Add ``--set``; what it collects is ``options.assignments``."""
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        dest="assignments",
        metavar="STAGE.NAME=VALUE",
        help="change a setting, e.g. match.ratio=0.8 (repeatable; all names: --list-settings)",
    )


def add_matcher(parser: argparse.ArgumentParser) -> None:
    """Add ``--matcher``."""
    parser.add_argument("--matcher", metavar="KEY", default="sift", help="default sift; all: --list-matchers")


def settings_of(
    specs: Sequence[MatcherSpec], assignments: Sequence[str], *, stages: Sequence[str] = STAGES
) -> dict[str, StageSettings]:
    """Return the settings of every matcher; each takes the assignments whose names it has in these stages.

    Raises:
        UserError: for a name that none of them has (with near ones), or a bad value.
    """
    from app.formats.results import settings_items
    from app.matchers import with_assignments
    from app.settings import parse_assignments

    known = {spec.key: [name for name, _ in settings_items(spec.defaults(), stages)] for spec in specs}
    everything = list(dict.fromkeys(name for names in known.values() for name in names))
    wanted = [(f"{stage}.{name}", item) for item in assignments for stage, name, _ in parse_assignments([item])]
    for name, item in wanted:
        if name not in everything:
            near = difflib.get_close_matches(name, everything, n=2, cutoff=0.6)
            hint = f"did you mean {' or '.join(near)}?" if near else f"see {PROGRAM} --list-settings."
            raise UserError(f"--set {item}: there is no {name} for {' or '.join(known)} here; {hint}")
    return {
        spec.key: with_assignments(spec.defaults(), [item for name, item in wanted if name in known[spec.key]])
        for spec in specs
    }


def check_output(path: str | None, suffixes: Sequence[str], inputs: Sequence[str] = ()) -> None:
    """Complain before any work about a file that could not be written afterwards, or that would replace an input."""
    if path is not None:
        from app.formats.export import check_target

        check_target(path, suffixes, inputs)
