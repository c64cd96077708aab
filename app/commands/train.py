"""``train``: train a network on photographs (or another set) and write it with its card."""

from __future__ import annotations

import argparse
import shlex
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.commands import PROGRAM, Parser, check_output
from app.formats.summary import option_text
from app.records import UserError
from app.settings import fields_of, with_value

if TYPE_CHECKING:
    from app.jobs import Job, Progress
    from app.learning.patch_set import PatchSet
    from app.learning.train import TrainResult
    from app.learning.train_settings import TrainSettings

STATE = ".training.safetensors"
PATCHES = ".patches.safetensors"


def run(arguments: list[str]) -> int:
    """Train; print how it goes, write the network, its card, and after every epoch the state to go on from."""
    parser = _parser()
    options = parser.parse_args(arguments)
    check_output(options.out, (".safetensors",))
    out = Path(options.out)
    settings, warp = _settings(options)
    if settings.design == "joint":
        raise UserError(
            "--design joint: such a network sees patches in pairs and has no descriptor to write; choose embedding or "
            "head here, and watch a joint one learn in the window under Train."
        )
    state = out.with_name(out.stem + STATE)
    if state.exists() and not options.resume:
        raise UserError(f"{state} is of a training that was not finished; add --resume to go on, or delete it.")
    patches = out.with_name(out.stem + PATCHES)
    ids, data = _data(options, warp, patches)
    print(f"{data.name}: {len(data)} patches of {data.classes} points")
    for note in data.notes:
        print(note)
    from app.learning.train import train

    result = _shown(train(data, settings, autosave=state, resume=options.resume), _line)
    _write(out, result, warp, ids, shlex.join(["train", *arguments]))
    for file in (state, patches):
        file.unlink(missing_ok=True)
    if result.stopped:
        print(result.stopped)
    return 0


def _parser() -> Parser:
    from app.learning.patch_data import WarpSettings
    from app.learning.patch_sources import SOURCES
    from app.learning.train_settings import TrainSettings

    parser = Parser(prog=f"{PROGRAM} train", description="Train a network to describe patches, and write it.")
    parser.add_argument(
        "--data",
        nargs="+",
        default=[],
        metavar="FOLDER",
        help="folders of photographs, warped and relit (the word scikit-image takes those it brings), or a data set",
    )
    parser.add_argument(
        "--kind",
        metavar="X",
        help=f"what the data is, by default as it looks: {' | '.join(SOURCES)}",
    )
    parser.add_argument("--out", required=True, metavar="FILE", help="the network to write, .safetensors")
    parser.add_argument("--resume", action="store_true", help="go on with a training that was interrupted")
    for kind in (TrainSettings, WarpSettings):
        group = parser.add_argument_group("training" if kind is TrainSettings else "patches")
        for spec in fields_of(kind):
            flag = f"--{spec.name.replace('_', '-')}"
            if any(flag in action.option_strings for action in parser._actions):
                continue  # one seed for both
            group.add_argument(flag, default=None, metavar="X", help=option_text(spec))
    return parser


def _settings(options: argparse.Namespace) -> tuple[TrainSettings, Any]:
    from app.learning.patch_data import WarpSettings
    from app.learning.train_settings import TrainSettings, with_usual_miner

    given = {name: value for name, value in vars(options).items() if value is not None and name != "data"}
    made: list[Any] = []
    for kind in (TrainSettings, WarpSettings):
        settings: Any = kind()
        for spec in fields_of(kind):
            if spec.name in given:
                settings = with_value(settings, spec.name, given[spec.name])
        made.append(settings)
    train = made[0] if "miner" in given else with_usual_miner(made[0])
    return train, made[1]


def _data(options: argparse.Namespace, warp: Any, kept: Path) -> tuple[tuple[tuple[str, str], ...], PatchSet]:
    """Return the patches, and name and sha256 of every photograph they are of (of another set: of its patches).

    Raises:
        UserError: if the data is missing, or not of its kind.
    """
    from app.learning.patch_sources import SOURCES, guessed
    from app.learning.run_file import fingerprint

    places = [Path(place) for place in options.data]
    kind = options.kind or (guessed(places[0]) if len(places) == 1 else "photographs")
    if kind not in SOURCES:
        raise UserError(f"--kind {kind}: choose one of {', '.join(SOURCES)}.")
    if kind == "photographs":
        return _warped(options.data, warp, kept)
    if SOURCES[kind].needs and len(places) != 1:
        raise UserError(f"--data: {SOURCES[kind].title} needs one {SOURCES[kind].needs}.")
    data = _shown(SOURCES[kind].load(places[0] if places else Path(), warp), lambda progress: progress.text)
    return ((data.name, fingerprint(data)),), data


def _warped(places: list[str], warp: Any, kept: Path) -> tuple[tuple[tuple[str, str], ...], PatchSet]:
    """Return the patches of photographs, and name and sha256 of each.

    They are written beside the result while it is not finished, so that going on need not cut them again.
    """
    from app.learning.patch_data import warped_patches
    from app.learning.patch_set import load_patches, save_patches
    from app.learning.photographs import find_photographs, read_photographs
    from app.settings import to_json

    if not places:
        raise UserError("--data: give folders of photographs, or the word scikit-image.")
    photographs = _shown(read_photographs(find_photographs(places)), lambda progress: progress.text)
    ids = tuple((p.name, p.sha256) for p in photographs)
    origin = repr((to_json(warp), ids))
    data = load_patches(kept, origin)
    if data is None:
        name = f"{len(photographs)} photographs, warped"
        data = _shown(warped_patches([(p.name, p.grey) for p in photographs], warp, name=name), lambda p: p.text)
        save_patches(kept, data, origin)
    return ids, data


def _shown(job: Job[Any], line: Callable[[Progress], str]) -> Any:
    """Run a job with a progress bar on stderr (a line every half minute where that is no terminal)."""
    import sys

    from tqdm import tqdm

    from app.jobs import run_to_end

    quiet = not sys.stderr.isatty()
    with tqdm(total=None, bar_format="{l_bar}{bar}| {elapsed}<{remaining}", mininterval=30 if quiet else 0.1) as bar:
        last = 0.0

        def show(progress: Progress) -> None:
            """Move the bar, on a terminal ten times a second, in a log twice a minute."""
            nonlocal last
            if time.monotonic() - last < (30 if quiet else 0.1):
                return
            last = time.monotonic()
            bar.total = progress.total
            bar.n = progress.done
            bar.set_description(line(progress))

        return run_to_end(job, show)


def _line(progress: Progress) -> str:
    """Return where a training stands in one line."""
    state = progress.payload
    if state is None:
        return progress.text
    parts = [progress.text, f"step {state.step} on {state.device}"]
    if len(state.curves.loss):
        parts.append(f"loss {state.curves.loss[-20:].mean():.3f}")
    if state.judgements:
        parts.append(f"FPR95 {state.judgements[-1].fpr95:.4f}, rank-1 {state.judgements[-1].rank1:.3f}")
    if state.lamp.why:
        parts.append(state.lamp.why)
    return " · ".join(parts)


def _write(out: Path, result: TrainResult, warp: Any, ids: tuple[tuple[str, str], ...], command: str) -> None:
    from app.learning.model_store import card_of, save_checkpoint, tower_tensors
    from app.settings import to_json

    settings = {"training": to_json(result.settings), "patches": to_json(warp)}
    span = float(warp.spans.split("+")[0])
    card = card_of(result, out.stem, span=span, data_ids=ids, settings=settings, command=command)
    done = save_checkpoint(out, card, tower_tensors(result))
    reached = ", ".join(f"{name} {value:g}" for name, value in done.numbers.items())
    steps = "1 step" if done.steps == 1 else f"{done.steps:,} steps"
    print(f"Wrote {out} (sha256 {done.sha256[:12]}…) and its card: {steps}; {reached}")
