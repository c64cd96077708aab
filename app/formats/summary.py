"""A result and settings in words, as the command line prints them.

What lives here: :func:`sentences`, :func:`corner_error_text`, :func:`settings_text`, :func:`credit_text`. What does
not: files. May import: records, settings, ``formats.results``.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from app.formats.results import STAGES, printable
from app.records import Evaluation, ImagePair, MatchResult, StageSettings, Verdict, Verification
from app.settings import FieldSpec, fields_of, format_number


def sentences(result: MatchResult) -> list[str]:
    """Return what came out, line by line: images, funnel, model, truth, times, notes.

    A partial result gives the lines of what there is.
    """
    lines = []
    if result.pair is not None:
        both = [f"{printable(i.name)} ({i.width} × {i.height})" for i in (result.pair.left, result.pair.right)]
        lines.append(f"{both[0]} and {both[1]}, {result.request.matcher}")
    if result.funnel:
        lines.append("  ".join(f"{name} {count:,}" for name, count in result.funnel))
    if result.verification is not None and result.verification.model != "none":
        lines.append(_model(result.verification))
    if result.evaluation is not None and result.evaluation.truth_kind != "none":
        lines.extend(_truth(result.evaluation, result.verification))
    if result.seconds:
        lines.append("seconds: " + "  ".join(f"{name} {value:.3f}" for name, value in result.seconds.items()))
    return [*lines, *(f"note: {printable(note)}" for note in result.notes)]


def _model(fitted: Verification) -> str:
    if fitted.matrix is None:
        return f"{fitted.model}: none found"
    n, inliers = len(fitted.inlier), int(np.count_nonzero(fitted.inlier))
    residual = float(np.median(fitted.residual_px[fitted.inlier])) if inliers else math.nan
    share = f" ({100 * inliers / n:.1f} %)" if n else ""
    middle = f", median residual {residual:.2f} px" if inliers else ""
    return f"{fitted.model} ({fitted.method}, {fitted.threshold_px:g} px): {inliers} of {n} inliers{share}{middle}"


def _truth(judged: Evaluation, fitted: Verification | None) -> list[str]:
    """Return the verdicts and, where places are known, what was possible."""
    names = ("consistent", "wrong") if judged.truth_kind == "epipolar" else ("right", "wrong", "undecided")
    counts = ", ".join(f"{judged.count(Verdict[name.upper()])} {name}" for name in names)
    first = f"truth ({judged.truth_kind}), within {judged.threshold_px:g} px: {counts}"
    if judged.truth_kind == "epipolar":
        return [first]
    rates = [
        f"precision {_percent(judged.precision)}",
        f"recall {_percent(judged.recall)} of {judged.possible} possible",
    ]
    if not math.isnan(judged.repeatability):
        rates.append(f"repeatability {_percent(judged.repeatability)}")
    if not math.isnan(judged.corner_error_px):
        rates.append(f"corner error {corner_error_text(judged.corner_error_px, fitted)}")
    return [first, ", ".join(rates)]


def corner_error_text(error_px: float, fitted: Verification | None) -> str:
    """Return a corner error in words, which say why it is infinite; a dash if it is unknown."""
    if math.isfinite(error_px):
        return f"{error_px:.2f} px"
    if math.isnan(error_px):
        return "–"
    found = fitted is not None and fitted.matrix is not None
    return "infinite (a corner lies beyond the horizon)" if found else "infinite (no homography found)"


def _percent(share: float) -> str:
    return "unknown" if math.isnan(share) else f"{100 * share:.1f} %"


def settings_text(settings: StageSettings) -> list[str]:
    """Return two lines per setting: ``stage.name`` with its value and what it may be, and its help."""
    return [line for stage in STAGES for line in fields_text(stage, getattr(settings, stage))]


def fields_text(prefix: str, settings: Any) -> list[str]:
    """Return two lines per field of one settings object, named ``prefix.name``."""
    lines = []
    for spec in fields_of(settings):
        shown = value_text(spec, getattr(settings, spec.name))
        lines += [f"{prefix}.{spec.name}  default {shown}  ({allowed(spec)})", f"    {spec.help}"]
    return lines


def option_text(spec: FieldSpec) -> str:
    """Return label, help, values and default of a field, as the help of an option of its own (``argparse``)."""
    return f"{spec.label}: {spec.help} [{allowed(spec)}; default {value_text(spec, spec.default)}]".replace("%", "%%")


def value_text(spec: FieldSpec, value: Any) -> str:
    """Return the value of a setting as one writes it on the command line."""
    if spec.kind == "number":
        return format_number(value)
    if spec.kind == "choice" and value == "":  # what stands for the first there is
        return spec.options[0][0] if spec.options else "none"
    return str(value).lower() if spec.kind == "flag" else str(value)


def allowed(spec: FieldSpec) -> str:
    """Return which values a setting takes, in words."""
    if spec.kind == "flag":
        return "true or false"
    if spec.kind == "choice":
        return " | ".join(option for option, _ in spec.options)
    unit = f" {spec.unit}" if spec.unit else ""
    zero = f", 0 = {spec.zero_means}" if spec.zero_means else ""
    return f"{format_number(spec.low)} to {format_number(spec.high)}{unit}{zero}"


def credit_text(pair: ImagePair | None) -> str:
    """Return source and licence of a pair's pictures as a sentence, empty if they are not known."""
    if pair is None or not pair.source:
        return ""
    return f"Pictures: {pair.source}. Licence: {pair.licence}."
