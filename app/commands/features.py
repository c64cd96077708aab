"""``features IMAGE``: detect and describe one image."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.commands import PROGRAM, Parser, add_matcher, add_settings, check_output, settings_of
from app.records import StageSettings, UserError

if TYPE_CHECKING:
    from app.matchers import MatcherSpec
    from app.records import Features, Image


def run(arguments: list[str]) -> int:
    """Detect and describe one image; write keypoints and descriptors."""
    parser = Parser(prog=f"{PROGRAM} features", description="Detect and describe one image.")
    parser.add_argument("images", nargs="*", metavar="IMAGE", help="one image")
    add_matcher(parser)
    add_settings(parser)
    parser.add_argument("--out", metavar="FILE", help="write .csv (keypoints) or .npz (keypoints and descriptors)")
    options = parser.parse_intermixed_args(arguments)
    if len(options.images) != 1:
        parser.error(f"one image is needed, found {len(options.images)}")
    from app import matchers
    from app.formats import export
    from app.vision.images import read_image

    check_output(options.out, export.FEATURE_SUFFIXES)
    spec = matchers.get(options.matcher)
    settings = settings_of([spec], options.assignments, stages=("detect", "describe"))[spec.key]
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
