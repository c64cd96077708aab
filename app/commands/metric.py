"""``metric``: learn a metric from labelled data, or from descriptors of image pairs, and say whether it helps."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Generator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from app.commands import PROGRAM, Parser, check_output
from app.records import UserError

if TYPE_CHECKING:
    from app.jobs import Job, Progress
    from app.learning.data_files import DataSet
    from app.learning.evaluation import CrossValidation
    from app.learning.iterates import Learned
    from app.records import Float64, ImagePair

MOST_LINES = 12


def run(arguments: list[str]) -> int:
    """Learn, judge, print and write."""
    options = _parser().parse_args(arguments)
    if options.list_settings:
        return _list_settings(options.learner)
    from app.jobs import run_to_end
    from app.learning import learners, metric_store

    if (options.data is None) == (not options.pairs):
        raise UserError(
            "Name either --data (wine, iris, digits, faces, a .csv or .npz) or --pairs (a folder or list of pairs)."
        )
    check_output(options.out, (".npz",), options.pairs or [options.data])
    learners.learner(options.learner)
    settings = learners.with_assignments(options.learner, options.assignments)
    show = _ProgressLine(hidden=options.json or sys.stderr is None)
    data, details, ids = run_to_end(_data(options), show)
    learned = run_to_end(learners.learn(options.learner, data, settings), show)
    judged = run_to_end(_judged(options, data, settings), show)
    show.end()
    report = _report(options, data, learned, judged)
    metric = _named(learned, {**details, **_kept_numbers(report)}, ids)
    if options.out is not None:
        metric_store.write_metric(options.out, metric)
    kept = metric_store.keep(metric) if options.keep else None
    if options.json:
        print(json.dumps({**report, "kept_as": kept}))
        return 0
    print("\n".join(_lines(report, learned)))
    for sentence in (f"Wrote {options.out}" if options.out else "", f"Kept as {kept}" if kept else ""):
        if sentence:
            print(sentence)
    return 0


def _parser() -> argparse.ArgumentParser:
    from app.learning.data_sets import BUILT_IN
    from app.learning.learners import runnable

    parser = Parser(prog=f"{PROGRAM} metric", description="Learn a metric and compare k-NN errors with and without it.")
    learners = f"{', '.join(runnable())} (default lmnn)"
    parser.add_argument("--learner", metavar="KEY", default="lmnn", help=learners)
    sets = f"{', '.join(BUILT_IN)}, toy:NAME, a .csv or .npz file"
    parser.add_argument("--data", metavar="NAME", help=sets)
    parser.add_argument("--pairs", nargs="+", default=[], metavar="PATH", help="image pairs with truth: descriptors")
    parser.add_argument("--descriptor", choices=("sift", "rootsift"), default="sift", help="for --pairs")
    parser.add_argument("--keypoints", type=int, default=1000, metavar="N", help="per image, for --pairs")
    parser.add_argument("--standardise", action="store_true", help="mean 0, spread 1 in every feature first")
    parser.add_argument("--k", type=int, default=3, metavar="N", help="neighbours of the k-NN errors (default 3)")
    parser.add_argument("--folds", type=int, default=10, metavar="N", help="of the cross-validation; 0 for none")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the folds")
    parser.add_argument("--out", metavar="FILE", help="write the metric as .npz")
    parser.add_argument("--keep", action="store_true", help="keep it for the matcher learned-metric")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of sentences")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        dest="assignments",
        metavar="LEARNER.NAME=VALUE",
        help="change a setting, e.g. lmnn.k=5 (repeatable; all names: --list-settings)",
    )
    parser.add_argument("--list-settings", action="store_true", help="print the settings of --learner")
    return parser


def _list_settings(key: str) -> int:
    """Print name, default, range or options, and help of every setting of a learner."""
    from app.formats.summary import fields_text
    from app.learning import learners

    print("\n".join(fields_text(key, learners.with_assignments(key, []))))
    return 0


class _ProgressLine:
    """The progress of a job on one line of stderr."""

    def __init__(self, *, hidden: bool) -> None:
        self._hidden = hidden or not sys.stderr.isatty()
        self._width = 0

    def __call__(self, progress: Progress) -> None:
        if not self._hidden:
            print(f"\r{progress.text:<{self._width}}", end="", file=sys.stderr, flush=True)
            self._width = max(self._width, len(progress.text))

    def end(self) -> None:
        """Clear the line."""
        if self._width:
            print(f"\r{'':<{self._width}}\r", end="", file=sys.stderr, flush=True)


# -------------------------------------------------------------------------------------- data


def _data(options: argparse.Namespace) -> Job[tuple[DataSet, dict[str, Any], tuple[str, ...]]]:
    """Return the data set, what its metric's card says besides, and the ids of images it was made from."""
    from app.learning import data_sets
    from app.learning.descriptor_data import DescriptorSettings, descriptors, image_ids

    if options.data is not None:
        data = data_sets.load(options.data)
        return (data.standardised() if options.standardise else data), {}, (data.key,)
    pairs = _loaded(options.pairs)
    settings = DescriptorSettings(descriptor=options.descriptor, count=options.keypoints)
    data = yield from descriptors(pairs, settings)
    return data, {"descriptor": options.descriptor}, image_ids(pairs)


def _loaded(paths: Sequence[str]) -> list[ImagePair]:
    from app import pairs

    return [pairs.load(ref) for ref in pairs.from_paths(list(paths))]


def _judged(options: argparse.Namespace, data: DataSet, settings: Any) -> Job[CrossValidation | None]:
    """Return the cross-validation, None if it was not asked for or the classes are too small for it."""
    import numpy as np

    from app.learning.evaluation import cross_validated

    smallest = int(np.bincount(data.y).min())
    if options.folds == 0 or options.pairs or smallest < 2:
        return None
    fit = partial(_fitted, options.learner, settings, data.classes)
    return (
        yield from cross_validated(
            data.x, data.y, fit, k=options.k, folds=options.folds, seed=options.seed, standardise=options.standardise
        )
    )


def _fitted(key: str, settings: Any, classes: Sequence[str], x: Float64, y: Any) -> Generator[Progress, None, Float64]:
    from app.learning import learners

    row = learners.learner(key)
    assert row.learn is not None
    learned = yield from learners.with_class_names(row.learn(x, y, settings), classes)
    return learned.metric.factor


# ------------------------------------------------------------------------------------ report


def _report(
    options: argparse.Namespace, data: DataSet, learned: Learned, judged: CrossValidation | None
) -> dict[str, Any]:
    """Return everything that is printed, as JSON holds it."""
    from app.learning.mahalanobis import rank_of
    from app.learning.neighbours import leave_one_out_error

    k = 1 if options.pairs else options.k
    report: dict[str, Any] = {
        "learner": options.learner,
        "learned_by": learned.metric.learned_by,
        "data": data.key,
        "points": len(data),
        "features": data.x.shape[1],
        "classes": len(data.classes),
        "objective": [item.objective for item in learned.history],
        "seconds_at": [round(item.seconds, 4) for item in learned.history],
        "seconds": round(learned.last.seconds, 4),
        "converged": learned.converged,
        "rank": rank_of(learned.metric.factor),
        "k": k,
        "training_error_before": leave_one_out_error(data.x, data.y, k),
        "training_error_after": leave_one_out_error(data.x, data.y, k, factor=learned.metric.factor),
        "cross_validation": None,
        "notes": list(learned.notes),
    }
    if judged is not None:
        compared = judged.comparison
        report["cross_validation"] = {
            "folds": judged.folds,
            "seed": judged.seed,
            "error_before": compared.before,
            "error_after": compared.after,
            "p_value": compared.p_value,
            "sentence": compared.sentence(),
        }
    return report


def _kept_numbers(report: dict[str, Any]) -> dict[str, Any]:
    names = ("seconds", "rank", "k", "training_error_before", "training_error_after", "cross_validation")
    return {name: report[name] for name in names}


def _named(learned: Learned, details: dict[str, Any], ids: tuple[str, ...]) -> Any:
    from dataclasses import replace

    return replace(learned.metric, details={**learned.metric.details, **details}, trained_on=ids)


def _lines(report: dict[str, Any], learned: Learned) -> list[str]:
    """Return the report in sentences."""
    lines = [
        f"{report['learned_by']} on {report['data']}: {report['points']} points, {report['features']} features, "
        f"{report['classes']} classes"
    ]
    history = learned.history
    step = max(1, (len(history) - 1) // MOST_LINES)
    shown = [*history[:-1:step], history[-1]]
    lines += [f"  iteration {item.step:>4}  objective {item.objective:.6g}  {item.seconds:.2f} s" for item in shown]
    end = "converged" if report["converged"] else "stopped at the limit of iterations"
    lines.append(f"{end} after {report['seconds']:.2f} s; rank {report['rank']}")
    before, after = 100 * report["training_error_before"], 100 * report["training_error_after"]
    lines.append(f"{report['k']}-NN error on the data learned from (leave-one-out): {before:.1f} % → {after:.1f} %")
    judged = report["cross_validation"]
    if judged is not None:
        lines.append(f"{report['k']}-NN error, {judged['folds']}-fold cross-validation: {judged['sentence']}")
    return [*lines, *report["notes"]]
