"""``evaluate FOLDER``: compare matchers on many pairs with known truth."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from app.commands import PROGRAM, SOME_FAILED, Parser, add_settings, check_output, complain, settings_of
from app.records import PairRef, StageSettings, UserError

if TYPE_CHECKING:
    from app.benchmark import Table
    from app.jobs import Progress


def run(arguments: list[str]) -> int:
    """Compare matchers on many pairs; print the means, write one row per pair and matcher."""
    parser = Parser(prog=f"{PROGRAM} evaluate", description="Compare matchers on pairs with known truth.")
    parser.add_argument("paths", nargs="*", metavar="FOLDER", help="Oxford or HPatches folders, or lists of pairs")
    parser.add_argument("--builtin", action="store_true", help="the built-in pairs")
    parser.add_argument("--matchers", metavar="KEYS", default="sift", help="comma-separated, e.g. sift,orb")
    parser.add_argument("--csv", metavar="FILE", help="write one row per pair and matcher")
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="pairs at once (default 1: honest times)")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    add_settings(parser)
    options = parser.parse_intermixed_args(arguments)
    if not options.paths and not options.builtin:
        parser.error("a folder, a list of pairs, or --builtin is needed")
    if not 1 <= options.workers <= 64:
        parser.error(f"--workers {options.workers}: use 1 to 64")
    check_output(options.csv, (".csv",), options.paths)
    return _evaluated(options)


def _evaluated(options: argparse.Namespace) -> int:
    from app import benchmark, matchers, pairs

    keys = dict.fromkeys(key.strip() for key in options.matchers.split(",") if key.strip())
    specs = [matchers.get(key) for key in keys]
    if not specs:
        raise UserError("--matchers: name at least one, e.g. --matchers sift,orb.")
    settings = settings_of(specs, options.assignments)
    found = pairs.find(options.paths) if options.paths else pairs.Found(())
    for note in found.notes:
        complain(note, 0)
    refs = [*found.refs, *(pairs.builtin() if options.builtin else ())]
    table = _compared(refs, settings, options)
    print(benchmark.summary_text(table, settings[specs[0].key].evaluate.threshold))
    if options.csv is not None:
        benchmark.write_table(options.csv, table, settings)
        print(f"Wrote {options.csv}")
    for row in table.rows:
        if row.learned_from:
            complain(f"{row.matcher} on {row.pair}: {row.learned_from}", 0)
    for row in table.failed:
        complain(f"{row.matcher} on {row.pair}: {row.error}", SOME_FAILED)
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
            """Move the bar, and keep the rows for a user who interrupts."""
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
