"""Where the patches of a training in the window come from, as jobs.

What lives here: :class:`DataPlan`, :class:`Prepared` and :func:`prepare`, with the copy on disk that makes a second
start quick. What does not: cutting patches (``app.learning``), Qt. May import: learning, pairs, vision, jobs.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from app.jobs import Job, Progress
from app.learning import patch_sources
from app.learning.patch_data import WarpSettings, warped_patches
from app.learning.patch_set import PatchSet, load_patches, save_patches, split
from app.learning.photographs import SCIKIT_IMAGE, find_photographs, read_photographs
from app.records import PairRef, UInt8, UserError
from app.settings import to_json
from app.ui.train.state import NEEDS_PATH, OF_PAIR, TITLES, WARPED, DataState

# What the built-in pairs show most of; a network trained on them has seen those pictures.
BUILTIN_PHOTOGRAPHS = ("coffee", "chelsea", "brick", "gravel", "motorcycle_left", "retina")
SPAN = 3.0

Ids = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class DataPlan:
    """What to train on; hashable.

    Attributes:
        data: the source and its path.
        warp: how photographs become patches; counts where the source is warped.
        ref: the open pair, for sources that take it, else None.
    """

    data: DataState
    warp: WarpSettings
    ref: PairRef | None = None

    @property
    def origin(self) -> str:
        """All that decides the patches, as text."""
        from app.pairs import ref_to_json

        warp = to_json(self.warp) if self.data.source in WARPED else {}
        ref = ref_to_json(self.ref) if self.ref is not None and self.data.source in OF_PAIR else {}
        path = self.data.path if self.data.source in NEEDS_PATH else ""
        return json.dumps([self.data.source, path, warp, ref], sort_keys=True)


@dataclass(frozen=True, eq=False)
class Prepared:
    """Patches ready to be trained on.

    Attributes:
        plan, seed: what they were made from, and the seed that chose what is held out.
        patches: all of them.
        held_out: the part that judging is done on; a judgement's rows are of this.
        ids: (name, sha256) of the photographs.
        span: side of the patches in units of the keypoint's size.
    """

    plan: DataPlan
    seed: int
    patches: PatchSet
    held_out: PatchSet
    ids: Ids
    span: float


def check(plan: DataPlan) -> None:
    """Complain about what is missing before anything is started.

    Raises:
        UserError: one sentence: no folder chosen, no pair open.
    """
    source = plan.data.source
    if source in NEEDS_PATH and not plan.data.path:
        raise UserError(f"“{TITLES[source]}” needs a folder: choose one with the button beside it.")
    if source in OF_PAIR and plan.ref is None:
        raise UserError(f"“{TITLES[source]}” needs an open pair: choose one at the left.")


def prepare(plan: DataPlan, seed: int, kept: Path | None = None) -> Job[Prepared]:
    """Return the patches, from the copy on disk if it is of the same plan.

    Args:
        plan: what to make them from.
        seed: of the training; it decides which are held out.
        kept: file of the copy.

    Raises:
        UserError: if a file cannot be read, or gives no patches.
    """
    from app.learning.train import JUDGE_SHARE

    check(plan)
    yield Progress(0, None, "Reading")
    origin = plan.origin
    found = load_patches(kept, origin) if kept is not None else None
    ids: Ids = ()
    if found is None:
        ids, found = yield from _made(plan)
        if kept is not None and len(found):
            try:
                kept.parent.mkdir(parents=True, exist_ok=True)
                save_patches(kept, found, origin)
                _ids_file(kept).write_text(json.dumps(ids), encoding="utf-8")
            except (UserError, OSError):
                kept.unlink(missing_ok=True)  # only a copy: without it the next start takes longer
    elif kept is not None:
        ids = _read_ids(_ids_file(kept))
    return Prepared(plan, seed, found, split(found, JUDGE_SHARE, seed)[1], ids, _span(plan))


def _ids_file(kept: Path) -> Path:
    return kept.with_suffix(".ids.json")


def _read_ids(path: Path) -> Ids:
    try:
        return tuple((str(name), str(digest)) for name, digest in json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return ()


def _span(plan: DataPlan) -> float:
    return 6.0 if plan.data.source in WARPED and plan.warp.spans == "6" else SPAN


def _made(plan: DataPlan) -> Job[tuple[Ids, PatchSet]]:
    source = plan.data.source
    if source in _PHOTOGRAPHS:
        names, ids = yield from _PHOTOGRAPHS[source](plan)
        return ids, (yield from warped_patches(names, plan.warp, name=_name(plan)))
    if source == "pair":
        return (yield from _of_pair(plan))
    key = {"classes": "folders", "other": patch_sources.guessed(Path(plan.data.path))}.get(source, source)
    patches = yield from patch_sources.SOURCES[key].load(Path(plan.data.path), plan.warp)
    return (), patches


def _name(plan: DataPlan) -> str:
    source = plan.data.source
    if source == "folder":
        return Path(plan.data.path).name
    if source == "pictures" and plan.ref is not None:
        return f"pictures of {plan.ref.title}"
    return TITLES[source].lower()


_Photographs = tuple[list[tuple[str, UInt8]], Ids]


def photograph_files(plan: DataPlan) -> list[Path]:
    """Return the photographs that a plan warps, scene by scene; none where patches are of the open pair or of sets.

    Raises:
        UserError: if the folder is gone, or there is no image in it.
    """
    from app import locate
    from app.vision.photographs import FILES

    source = plan.data.source
    if source == "photographs":
        return find_photographs([SCIKIT_IMAGE])
    if source == "folder":
        return find_photographs([plan.data.path])
    if source == "builtin":
        return [locate.photographs() / FILES.get(name, f"{name}.png") for name in BUILTIN_PHOTOGRAPHS]
    return []


def _warped(plan: DataPlan) -> Job[_Photographs]:
    return (yield from _from_files(photograph_files(plan)))


def _from_files(files: list[Path]) -> Job[_Photographs]:
    read = yield from read_photographs(files)
    return [(p.name, p.grey) for p in read], tuple((p.name, p.sha256) for p in read)


def _from_pictures(plan: DataPlan) -> Job[_Photographs]:
    from app import pairs
    from app.vision.images import grey8

    assert plan.ref is not None
    yield Progress(0, None, "Reading the pair")
    pair = pairs.load(plan.ref)
    images = [pair.left] if pair.left.id == pair.right.id else [pair.left, pair.right]
    return [(image.name, grey8(image.rgb)) for image in images], tuple((i.name, i.id) for i in images)


_PHOTOGRAPHS: dict[str, Callable[[DataPlan], Job[_Photographs]]] = {
    "photographs": _warped,
    "folder": _warped,
    "builtin": _warped,
    "pictures": _from_pictures,
}


def _of_pair(plan: DataPlan) -> Job[tuple[Ids, PatchSet]]:
    from app import pairs
    from app.learning.pair_data import pair_patches

    assert plan.ref is not None
    yield Progress(0, None, "Reading the pair")
    pair = pairs.load(plan.ref)
    patches = yield from pair_patches(pair, span=SPAN)
    return tuple((image.name, image.id) for image in (pair.left, pair.right)), patches
