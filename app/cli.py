"""The command line: one of the commands without a window, or the window.

What lives here: which of them is meant, the arguments of the window, exit codes. What does not: the commands
(``app.commands``, one file each). May import: everything but Qt; the window (``app.ui``) only inside the function that
shows it, OpenCV and numpy only once there is work, so that ``--help`` answers at once.

Exit codes: 0 done; 1 ``evaluate`` finished but some pairs failed; 2 bad input or no display, with one sentence on
stderr; 130 interrupted; 141 the reader of the output went away.
"""

from __future__ import annotations

import argparse
import contextlib
import difflib
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from app import __version__
from app.commands import BAD_INPUT, COMMANDS, INTERRUPTED, PROGRAM, READER_GONE, Parser, complain
from app.jobs import EXIT_SECONDS, native_calls_ended
from app.records import UserError

EXAMPLES = f"""examples:
  {PROGRAM} match a.jpg b.jpg --matcher sift --set match.ratio=0.8 --out m.csv --figure m.svg
  {PROGRAM} evaluate graf --matchers sift,orb --csv graf.csv
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program with these arguments (by default those of the process) and return its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a console that lacks a character shows ? instead of failing
            stream.reconfigure(errors="replace")
    try:
        code = _run(arguments)
        if sys.stdout is not None:  # a program without a console has none
            sys.stdout.flush()
        return code
    except UserError as error:
        return complain(str(error), BAD_INPUT)
    except KeyboardInterrupt:
        return complain("Interrupted.", INTERRUPTED)
    except BrokenPipeError:
        _drop_output()
        return READER_GONE
    except OSError as error:  # the files of the user are UserErrors; this is the output itself, or the system
        _drop_output()
        return complain(f"Cannot go on: {error.strerror or error}.", BAD_INPUT)
    except SystemExit as stop:  # argparse ends --help and --version this way
        return stop.code if isinstance(stop.code, int) else 0


def run() -> NoReturn:
    """Run the program and end the process."""
    code = main()
    if not native_calls_ended(EXIT_SECONDS):
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
        os._exit(code)
    sys.exit(code)


def _drop_output() -> None:
    """Send what is still buffered nowhere; it would raise again at exit."""
    with contextlib.suppress(OSError, ValueError, AttributeError):  # no console, or not a real one: nothing to drop
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _run(arguments: list[str]) -> int:
    command = next((command for command in COMMANDS if arguments[:1] == [command.name]), None)
    if command is None or command.matches:
        asked = Parser(prog=PROGRAM, add_help=False, allow_abbrev=False)
        _add_questions(asked)
        options, _ = asked.parse_known_args(arguments)
        if options.list_matchers:
            return _list_matchers()
        if options.list_settings:
            return _list_settings(options.matcher)
    if command is not None:
        return command.run(arguments[1:])
    _check_command(arguments)
    return _window(arguments)


def _check_command(arguments: list[str]) -> None:
    """Raise :class:`UserError` if the first word looks like a mistyped command and there is no such file."""
    word = arguments[0] if arguments else ""
    if word and word == os.path.basename(word) and not os.path.lexists(word):  # noqa: PTH119 - a word, not a path
        near = difflib.get_close_matches(word, [command.name for command in COMMANDS], n=1, cutoff=0.7)
        if near:
            raise UserError(f"There is no command and no file called {word}; did you mean {near[0]}?")


# --------------------------------------------------------------------------------- window


def _window(arguments: list[str]) -> int:
    """Open the window, take its picture, or answer a question about matchers and settings."""
    parser = Parser(
        prog=PROGRAM,
        description="See visual correspondence: open two images, a folder, or a list of pairs in the window.",
        epilog=_help_on_commands(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("paths", nargs="*", metavar="PATH", help="two images, a folder, or a list of pairs (.txt)")
    parser.add_argument("--all-pairs", action="store_true", help="pair each image with each other, not with the next")
    parser.add_argument("--workspace", metavar="NAME", help="the workspace to open, e.g. match")
    parser.add_argument("--theme", choices=("dark", "light"), help="instead of the last session's")
    parser.add_argument("--screenshot", metavar="FILE", help="write a picture of the window and end; needs no display")
    parser.add_argument("--size", metavar="WxH", default="1600x1000", help="of the screenshot (default 1600x1000)")
    _add_questions(parser)
    parser.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")
    options = parser.parse_intermixed_args(arguments)
    size = _size(options.size)
    from app import pairs

    found = pairs.find(options.paths, every=options.all_pairs) if options.paths else pairs.Found(())
    for note in found.notes:
        complain(note, 0)
    from app.ui import launch

    launch.check_workspace(options.workspace)
    if options.screenshot is None:
        from app.ui.session_state import Opened

        opened = Opened.of(options.paths, every=options.all_pairs).worth_keeping(len(found.refs))
        return launch.start(found.refs, options.theme, options.workspace, notes=found.notes, opened=opened)
    from app.formats.export import check_place

    check_place(options.screenshot, options.paths)
    launch.screenshot(
        options.screenshot, refs=found.refs, workspace=options.workspace, size=size, theme=options.theme or "dark"
    )
    return 0


def _help_on_commands() -> str:
    lines = [f"  {command.name + ' ' + command.operands:<20} {command.purpose}" for command in COMMANDS]
    return "\n".join(["without a window (each has its own --help):", *lines, "", EXAMPLES])


def _add_questions(parser: argparse.ArgumentParser) -> None:
    """Add what every command answers instead of working."""
    parser.add_argument("--list-matchers", action="store_true", help="print all matchers, with why one is disabled")
    parser.add_argument("--list-settings", action="store_true", help="print the settings of --matcher")
    parser.add_argument("--matcher", metavar="KEY", default="sift", help="for --list-settings (default sift)")


def _size(text: str) -> tuple[int, int]:
    """Return (width, height) of ``1600x1000``."""
    width, _, height = text.lower().replace("×", "x").partition("x")
    if not (width.isdecimal() and height.isdecimal() and 200 <= int(width) <= 8000 and 200 <= int(height) <= 8000):
        raise UserError(f"--size {text}: write it as 1600x1000, each side 200 to 8000.")
    return int(width), int(height)


def _list_matchers() -> int:
    from app import matchers

    entries = matchers.discover()
    width = max(len(entry.key) for entry in entries)
    for entry in entries:
        print(f"{entry.key:<{width}}  {entry.title}" + (f"  (disabled: {entry.reason})" if entry.reason else ""))
    return 0


def _list_settings(key: str) -> int:
    """Print name, default, range or options, and help of every setting of a matcher."""
    from app import matchers
    from app.formats.summary import settings_text

    print("\n".join(settings_text(matchers.get(key).defaults())))
    return 0
