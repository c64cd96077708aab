"""``match LEFT RIGHT``: match two images, write the matches and a figure."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence

from app.commands import PROGRAM, Parser, add_matcher, add_settings, check_output, settings_of
from app.records import MatchRequest, MatchResult


def run(arguments: list[str]) -> int:
    """Match two images; print a summary, write what was asked for."""
    parser = Parser(prog=f"{PROGRAM} match", description="Match two images and write the result.")
    parser.add_argument("images", nargs="*", metavar="IMAGE", help="the left and the right image")
    add_matcher(parser)
    add_settings(parser)
    parser.add_argument("--truth", metavar="FILE", help="text file with the true 3x3 homography, left to right")
    parser.add_argument("--out", metavar="FILE", help="write the matches as .csv, .npz (SuperGlue's layout) or .json")
    parser.add_argument("--figure", metavar="FILE", help="draw the matches as .png, .svg or .pdf")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of sentences")
    options = parser.parse_intermixed_args(arguments)
    if len(options.images) != 2:
        parser.error(f"two images are needed, found {len(options.images)}")
    from app.formats import export

    inputs = [*options.images, *([options.truth] if options.truth else ())]
    check_output(options.out, export.MATCH_SUFFIXES, inputs)
    check_output(options.figure, export.FIGURE_SUFFIXES, inputs)
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
    settings = settings_of([spec], options.assignments)[spec.key]
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
