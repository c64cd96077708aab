"""``features IMAGE``: detect and describe one image."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.commands import PROGRAM, Parser, add_matcher, add_settings, check_output, settings_of
from app.records import StageSettings, UserError

EXPLAINED = "sift-explained"  # the matcher that keeps a history

if TYPE_CHECKING:
    import argparse

    from app.matchers import MatcherSpec
    from app.records import Features, Image


def run(arguments: list[str]) -> int:
    """Detect and describe one image; write keypoints and descriptors."""
    parser = Parser(prog=f"{PROGRAM} features", description="Detect and describe one image.")
    parser.add_argument("images", nargs="*", metavar="IMAGE", help="one image")
    add_matcher(parser)
    add_settings(parser)
    parser.add_argument("--out", metavar="FILE", help="write .csv (keypoints) or .npz (keypoints and descriptors)")
    parser.add_argument(
        "--history", metavar="FILE", help="with sift-explained: write every candidate with its stage and reason as .csv"
    )
    options = parser.parse_intermixed_args(arguments)
    if len(options.images) != 1:
        parser.error(f"one image is needed, found {len(options.images)}")
    from app import matchers
    from app.formats import export
    from app.vision.images import read_image

    check_output(options.out, export.FEATURE_SUFFIXES)
    check_output(options.history, export.HISTORY_SUFFIXES)
    spec = matchers.get(options.matcher)
    if options.history is not None and spec.key != EXPLAINED:
        raise UserError(f"--history: {spec.title} keeps no history; use --matcher {EXPLAINED}.")
    settings = settings_of([spec], options.assignments, stages=("detect", "describe"))[spec.key]
    image = read_image(options.images[0])
    features = _extracted(spec, image, settings) if options.history is None else _history(image, settings, options)
    described = features.descriptors
    kind = "" if described is None else f", descriptors of {described.values.shape[1]} numbers ({described.metric})"
    print(f"{image.name} ({image.width} × {image.height}): {len(features.keypoints)} keypoints by {spec.title}{kind}")
    if options.out is not None:
        export.write_features(options.out, image, features, matcher=spec.key, settings=settings)
        print(f"Wrote {options.out}")
    if options.history is not None:
        print(f"Wrote {options.history}")
    return 0


def _history(image: Image, settings: StageSettings, options: argparse.Namespace) -> Features:
    """Write the history of every SIFT candidate, print the funnel, and return the features of the same run."""
    from dataclasses import replace

    from app.formats.history_csv import write_history_csv
    from app.formats.results import Origin, picture_info, settings_items
    from app.jobs import run_to_end
    from app.vision.sift_matching import explanation_of, features_of
    from app.vision.sift_stages import WORDS

    work, explanation = run_to_end(explanation_of(image, settings.detect, settings.describe))
    used = settings_items(settings, stages=("detect", "describe"))
    write_history_csv(options.history, explanation, work, Origin((("image", picture_info(image)),), EXPLAINED, used))
    print(" → ".join(f"{count} {WORDS[stage]}" for stage, count in explanation.funnel))
    features = features_of(explanation, settings.detect, settings.describe)
    return replace(features, keypoints=work.to_original(features.keypoints))


def _extracted(spec: MatcherSpec, image: Image, settings: StageSettings) -> Features:
    """Return the features as the pipeline finds them, in pixels of the original image."""
    from dataclasses import replace

    from app.vision.images import working_image

    if spec.joint is not None:
        raise UserError(f"{spec.title} looks at both images at once; it has no features of one image.")
    work = working_image(image, getattr(settings.detect, "max_side", 0))
    features = None if spec.extract is None else spec.extract(work, settings.detect, settings.describe)
    if features is None:
        features = spec.describe(work, spec.detect(work, settings.detect), settings.describe)
    return replace(features, keypoints=work.to_original(features.keypoints))
