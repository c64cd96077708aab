"""``detector``: train the miniature of SuperPoint's detector on drawn shapes, and write it with its card."""

from __future__ import annotations

import math
import shlex
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from app.commands import PROGRAM, Parser, check_output
from app.formats.summary import option_text
from app.settings import fields_of, with_value

if TYPE_CHECKING:
    from app.jobs import Progress

TOLD_EVERY = 100


def run(arguments: list[str]) -> int:
    """Train; print the loss as it falls, then what the detector reaches on shapes it never saw."""
    from app.jobs import run_to_end
    from app.learning.detector_store import DetectorCard, save_detector
    from app.learning.superpoint_network import CornerDetector
    from app.learning.superpoint_training import DetectorSettings, judge, train_superpoint

    parser = Parser(prog=f"{PROGRAM} detector", description="Train a small detector of corners on drawn shapes.")
    parser.add_argument("--out", required=True, metavar="FILE", help="the detector to write, .safetensors")
    for spec in fields_of(DetectorSettings):
        parser.add_argument(f"--{spec.name}", default=None, metavar="X", help=option_text(spec))
    options = parser.parse_args(arguments)
    check_output(options.out, (".safetensors",))
    settings = DetectorSettings()
    for spec in fields_of(DetectorSettings):
        if (given := getattr(options, spec.name)) is not None:
            settings = with_value(settings, spec.name, given)
    done = run_to_end(train_superpoint(settings), _tell)
    numbers = run_to_end(judge(CornerDetector(done.weights)))
    card = DetectorCard(
        name="",
        sha256="",
        data="drawn shapes (app/learning/synthetic_shapes.py), 160 × 120, no photograph",
        settings=asdict(settings),
        seconds=round(done.seconds, 1),
        numbers={
            f"held-out shapes, {name.replace('_', ' ')}": round(value, 4)
            for name, value in asdict(numbers).items()
            if math.isfinite(value)
        },
        command=shlex.join(["detector", *arguments]),
    )
    save_detector(Path(options.out), card, done.weights)
    for name, value in card.numbers.items():
        print(f"{name}: {value:g}")
    return 0


def _tell(progress: Progress) -> None:
    losses = progress.payload
    if losses is not None and len(losses) and len(losses) % TOLD_EVERY == 0:
        print(f"{progress.text}, loss {losses[-TOLD_EVERY:].mean():.4f}", flush=True)
