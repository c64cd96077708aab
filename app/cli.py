"""The command line: ``match``, ``features`` and ``evaluate`` without a window; otherwise the window.

What lives here: arguments, what is printed, exit codes. What does not: the work itself. May import: everything but Qt;
the window and figures (``app.ui``) only inside the functions that show or draw, OpenCV and numpy only once there is
work, so that ``--help`` answers at once.

Exit codes: 0 done; 1 ``evaluate`` finished but some pairs failed; 2 bad input or no display, with one sentence on
stderr; 130 interrupted; 141 the reader of the output went away.
"""

from __future__ import annotations

import argparse
import contextlib
import difflib
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from app import __version__
from app.jobs import EXIT_SECONDS, native_calls_ended
from app.records import MatchRequest, PairRef, StageSettings, UserError

if TYPE_CHECKING:
    from app.benchmark import Table
    from app.jobs import Progress
    from app.matchers import MatcherSpec
    from app.records import Features, Image, MatchResult

PROGRAM = "correspondence-explorer"
STAGES = ("detect", "describe", "match", "verify", "evaluate")
SOME_FAILED, BAD_INPUT, INTERRUPTED, READER_GONE = 1, 2, 130, 141
COMMANDS = """without a window (each has its own --help):
  match LEFT RIGHT     match two images, write matches and a figure
  features IMAGE       detect and describe one image
  evaluate FOLDER      compare matchers on many pairs with known truth

examples:
  {0} match a.jpg b.jpg --matcher sift --set match.ratio=0.8 --out m.csv --figure m.svg
  {0} evaluate graf --matchers sift,orb --csv graf.csv
"""


class _Parser(argparse.ArgumentParser):
    """A parser whose complaints are user errors like all others."""

    def error(self, message: str) -> NoReturn:
        raise UserError(f"{message[:1].lower()}{message[1:]}; see {self.prog} --help.")


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
        return _complain(str(error), BAD_INPUT)
    except KeyboardInterrupt:
        return _complain("Interrupted.", INTERRUPTED)
    except BrokenPipeError:
        _drop_output()
        return READER_GONE
    except OSError as error:  # the files of the user are UserErrors; this is the output itself, or the system
        _drop_output()
        return _complain(f"Cannot go on: {error.strerror or error}.", BAD_INPUT)
    except SystemExit as stop:  # argparse ends --help and --version this way
        return stop.code if isinstance(stop.code, int) else 0


def run() -> NoReturn:
    """Run the program and end the process; what the installed commands call."""
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


def _complain(sentence: str, code: int) -> int:
    if sys.stderr is not None:
        print(f"{PROGRAM}: {sentence}", file=sys.stderr)
    return code


def _run(arguments: list[str]) -> int:
    asked = _Parser(prog=PROGRAM, add_help=False, allow_abbrev=False)
    _add_questions(asked)
    options, _ = asked.parse_known_args(arguments)
    if options.list_matchers:
        return _list_matchers()
    if options.list_settings:
        return _list_settings(options.matcher)
    commands: dict[str, Callable[[list[str]], int]] = {"match": _match, "features": _features, "evaluate": _evaluate}
    if arguments and arguments[0] in commands:
        return commands[arguments[0]](arguments[1:])
    return _window(arguments)


# --------------------------------------------------------------------------------- window


def _window(arguments: list[str]) -> int:
    """Open the window, take its picture, or answer a question about matchers and settings."""
    parser = _Parser(
        prog=PROGRAM,
        description="See visual correspondence: open two images, a folder, or a list of pairs in the window.",
        epilog=COMMANDS.format(PROGRAM),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("paths", nargs="*", metavar="PATH", help="two images, a folder, or a list of pairs (.txt)")
    parser.add_argument("--workspace", metavar="NAME", help="the workspace to open, e.g. match")
    parser.add_argument("--theme", choices=("dark", "light"), help="instead of the last session's")
    parser.add_argument("--screenshot", metavar="FILE", help="write a picture of the window and end; needs no display")
    parser.add_argument("--size", metavar="WxH", default="1600x1000", help="of the screenshot (default 1600x1000)")
    _add_questions(parser)
    parser.add_argument("--version", action="version", version=f"{PROGRAM} {__version__}")
    options = parser.parse_intermixed_args(arguments)
    size = _size(options.size)
    from app import pairs

    refs = pairs.from_paths(options.paths) if options.paths else []
    from app.ui import launch

    if options.screenshot is None:
        return launch.start(refs, theme=options.theme, workspace=options.workspace)
    launch.screenshot(
        options.screenshot, refs=refs, workspace=options.workspace, size=size, theme=options.theme or "dark"
    )
    return 0


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


# ------------------------------------------------------------------------------- settings


def _add_settings(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        dest="assignments",
        metavar="STAGE.NAME=VALUE",
        help="change a setting, e.g. match.ratio=0.8 (repeatable; all names: --list-settings)",
    )


def _add_matcher(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--matcher", metavar="KEY", default="sift", help="default sift; all: --list-matchers")


def _settings(
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


def _check_output(path: str | None, suffixes: Sequence[str]) -> None:
    """Complain before any work about a file that could not be written afterwards."""
    if path is not None:
        from app.formats.export import check_target

        check_target(path, suffixes)


# ---------------------------------------------------------------------------------- match


def _match(arguments: list[str]) -> int:
    """Match two images; print a summary, write what was asked for."""
    parser = _Parser(prog=f"{PROGRAM} match", description="Match two images and write the result.")
    parser.add_argument("images", nargs="*", metavar="IMAGE", help="the left and the right image")
    _add_matcher(parser)
    _add_settings(parser)
    parser.add_argument("--truth", metavar="FILE", help="text file with the true 3x3 homography, left to right")
    parser.add_argument("--out", metavar="FILE", help="write the matches as .csv, .npz (SuperGlue's layout) or .json")
    parser.add_argument("--figure", metavar="FILE", help="draw the matches as .png, .svg or .pdf")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of sentences")
    options = parser.parse_intermixed_args(arguments)
    if len(options.images) != 2:
        parser.error(f"two images are needed, found {len(options.images)}")
    from app.formats import export

    _check_output(options.out, export.MATCH_SUFFIXES)
    _check_output(options.figure, export.FIGURE_SUFFIXES)
    result = _matched(options)
    if options.out is not None:
        export.write_matches(options.out, result)
    if options.figure is not None:
        _draw(result, options.figure)
    written = [name for name in (options.out, options.figure) if name is not None]
    _show_match(result, written, as_json=options.json)
    return 0


def _matched(options: argparse.Namespace) -> MatchResult:
    from app import matchers, pairs, pipeline
    from app.jobs import run_to_end

    spec = matchers.get(options.matcher)
    settings = _settings([spec], options.assignments)[spec.key]
    ref = pairs.from_files(*options.images, homography=options.truth or "")
    return run_to_end(pipeline.run_pair(MatchRequest(ref, spec.key, settings)))


def _draw(result: MatchResult, path: str) -> None:
    """Draw the figure; that needs Qt but no display, even where DISPLAY names a dead one."""
    if sys.platform not in ("win32", "darwin"):
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
    from app.ui import display

    display.import_qt()
    from app.ui.figure import save_figure

    save_figure(result, path)


def _show_match(result: MatchResult, written: Sequence[str], *, as_json: bool) -> None:
    from app.formats.matches_json import summary_of
    from app.formats.summary import sentences

    if as_json:
        print(json.dumps(summary_of(result)))
        return
    print("\n".join([*sentences(result), *(f"Wrote {name}" for name in written)]))


# ------------------------------------------------------------------------------- features


def _features(arguments: list[str]) -> int:
    """Detect and describe one image; write keypoints and descriptors."""
    parser = _Parser(prog=f"{PROGRAM} features", description="Detect and describe one image.")
    parser.add_argument("images", nargs="*", metavar="IMAGE", help="one image")
    _add_matcher(parser)
    _add_settings(parser)
    parser.add_argument("--out", metavar="FILE", help="write .csv (keypoints) or .npz (keypoints and descriptors)")
    options = parser.parse_intermixed_args(arguments)
    if len(options.images) != 1:
        parser.error(f"one image is needed, found {len(options.images)}")
    from app import matchers
    from app.formats import export
    from app.vision.images import read_image

    _check_output(options.out, export.FEATURE_SUFFIXES)
    spec = matchers.get(options.matcher)
    settings = _settings([spec], options.assignments, stages=("detect", "describe"))[spec.key]
    image = read_image(options.images[0])
    features = _extracted(spec, image, settings)
    described = features.descriptors
    kind = "" if described is None else f", descriptors of {described.values.shape[1]} numbers ({described.metric})"
    print(f"{image.name} ({image.width} × {image.height}): {len(features.keypoints)} keypoints by {spec.title}{kind}")
    if options.out is not None:
        export.write_features(options.out, image, features, matcher=spec.key, settings=settings)
        print(f"Wrote {options.out}")
    return 0


def _extracted(spec: MatcherSpec, image: Image, settings: StageSettings) -> Features:
    """Return the features as the pipeline finds them, in pixels of the original image."""
    from dataclasses import replace

    from app.vision.images import working_image

    if spec.joint is not None:
        raise UserError(f"{spec.title} looks at both images at once; it has no features of one image.")
    work = working_image(image, getattr(settings.detect, "max_side", 0))
    if spec.extract is not None:
        features = spec.extract(work, settings.detect, settings.describe)
    else:
        features = spec.describe(work, spec.detect(work, settings.detect), settings.describe)
    return replace(features, keypoints=work.to_original(features.keypoints))


# ------------------------------------------------------------------------------- evaluate


def _evaluate(arguments: list[str]) -> int:
    """Compare matchers on many pairs; print the means, write one row per pair and matcher."""
    parser = _Parser(prog=f"{PROGRAM} evaluate", description="Compare matchers on pairs with known truth.")
    parser.add_argument("paths", nargs="*", metavar="FOLDER", help="Oxford or HPatches folders, or lists of pairs")
    parser.add_argument("--builtin", action="store_true", help="the built-in pairs")
    parser.add_argument("--matchers", metavar="KEYS", default="sift", help="comma-separated, e.g. sift,orb")
    parser.add_argument("--csv", metavar="FILE", help="write one row per pair and matcher")
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="pairs at once (default 1: honest times)")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    _add_settings(parser)
    options = parser.parse_intermixed_args(arguments)
    if not options.paths and not options.builtin:
        parser.error("a folder, a list of pairs, or --builtin is needed")
    if not 1 <= options.workers <= 64:
        parser.error(f"--workers {options.workers}: use 1 to 64")
    _check_output(options.csv, (".csv",))
    return _evaluated(options)


def _evaluated(options: argparse.Namespace) -> int:
    from app import benchmark, matchers, pairs

    keys = dict.fromkeys(key.strip() for key in options.matchers.split(",") if key.strip())
    specs = [matchers.get(key) for key in keys]
    if not specs:
        raise UserError("--matchers: name at least one, e.g. --matchers sift,orb.")
    settings = _settings(specs, options.assignments)
    refs = pairs.from_paths(options.paths) if options.paths else []
    refs = [*refs, *(pairs.builtin() if options.builtin else ())]
    table = _compared(refs, settings, options)
    print(benchmark.summary_text(table, settings[specs[0].key].evaluate.threshold))
    if options.csv is not None:
        benchmark.write_table(options.csv, table, settings)
        print(f"Wrote {options.csv}")
    for row in table.failed:
        _complain(f"{row.matcher} on {row.pair}: {row.error}", SOME_FAILED)
    return SOME_FAILED if table.failed else 0


def _compared(refs: Sequence[PairRef], settings: dict[str, StageSettings], options: argparse.Namespace) -> Table:
    """Run the comparison under a progress bar; when interrupted, keep the rows so far in a file of their own."""
    from tqdm import tqdm

    from app import benchmark
    from app.jobs import run_to_end

    so_far = benchmark.Table((), 0)
    total = len(refs) * len(settings)
    hidden = options.quiet or sys.stderr is None
    with tqdm(total=total, unit="pair", dynamic_ncols=True, disable=hidden, file=sys.stderr) as bar:

        def show(progress: Progress) -> None:
            nonlocal so_far
            so_far = progress.payload
            bar.set_description_str(progress.text, refresh=False)
            bar.update(int(progress.done) - bar.n)

        try:
            return run_to_end(benchmark.run(refs, settings, workers=options.workers), show)
        except KeyboardInterrupt:
            if options.csv is not None and so_far.rows:
                partial = Path(options.csv).with_suffix(".partial.csv")
                benchmark.write_table(partial, so_far, settings)
                bar.write(f"{len(so_far.rows)} of {so_far.total} rows are in {partial}", file=sys.stderr)
            raise
