"""What is done with model files, as jobs: listing, exporting, and what all files of the user's own have.

What lives here: :class:`Listed`, the jobs, and the words of a card. What does not: the files themselves
(``app.learning.model_store``), Qt. May import: model_store, matchers, jobs, records, ``app.ui.own_work``,
``app.ui.numbers``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from app import matchers
from app.jobs import Job, Progress
from app.learning import model_store, towers
from app.learning.model_store import ModelCard
from app.records import UserError
from app.text import shortened
from app.ui.numbers import duration
from app.ui.own_work import FileText, FileWork

LANE = "learn-models"
MOST_WORDS = 34
SHIPPED = "This model comes with the program and stays as it is"
BROKEN = "This file cannot be read"


@dataclass(frozen=True, eq=False)
class Listed:
    """A model in the list.

    Attributes:
        name: of the file.
        path: of it.
        shipped: whether it comes with the program.
        card: what is known of it; None if it cannot be read.
        fault: why not.
    """

    name: str
    path: Path
    shipped: bool
    card: ModelCard | None
    fault: str = ""

    @property
    def title(self) -> str:
        """The words of its line in the list."""
        fpr = None if self.card is None else self.card.numbers.get("held-out FPR95")
        number = "" if fpr is None else f"   FPR95 {fpr:.3f}"
        return f"{self.name}{number}{'   shipped' if self.shipped else ''}{'   damaged' if self.card is None else ''}"


def listing() -> Job[tuple[Listed, ...]]:
    """Return all models, the shipped ones first."""
    yield Progress(0, None, "Reading the models")
    found = []
    for name in model_store.names():
        path = model_store.find(name)
        shipped = path.parent == model_store.shipped_folder()
        try:
            found.append(Listed(name, path, shipped, model_store.read_card(path)))
        except UserError as error:
            found.append(Listed(name, path, shipped, None, str(error)))
        yield Progress(len(found), None, "Reading the models")
    return tuple(found)


def _rename(name: str, new: str) -> str:
    model_store.rename(name, new)
    matchers.refresh()
    return new


def _delete(name: str) -> None:
    model_store.delete(name)
    matchers.refresh()


def _take(path: Path) -> str:
    name = model_store.import_file(path)
    matchers.refresh()
    return name


MODELS = FileWork(
    "model", "network", model_store.SUFFIX, LANE, _rename, _delete, _take, "Copy a network with its card into the list"
)


def exported(path: Path, target: Path) -> Job[Path]:
    """Write a model as ONNX and return the file."""
    yield Progress(0, 1, f"Exporting {path.stem}")
    model_store.export_onnx(path, target)
    return target


def text_of(model: Listed) -> FileText:
    """Return what is said of a model."""
    return FileText(
        model.name,
        model.name,
        tuple(card_rows(model)),
        fixed=SHIPPED if model.shipped else "",
        broken="" if model.card is not None else BROKEN,
    )


def card_rows(model: Listed) -> list[tuple[str, str]]:
    """Return what a card says, as rows."""
    card = model.card
    if card is None:
        return [("damaged", _short(model.fault))]
    seen = towers.receptive_field(towers.PLANS[card.network])[-1][0]
    rows = [
        ("network", towers.PLANS[card.network].title),
        ("patch", f"{card.side} px, {card.span:g} × size"),
        ("sees", f"{seen} × {seen} px of it, then all"),
        ("descriptor", f"{card.dimensions} numbers"),
        ("loss", _short(card.loss or "not stated")),
        *((("negatives", _short(card.miner)),) if card.miner else ()),
        ("margin", f"{card.margin:g}"),
        ("seed", f"{card.seed}"),
        ("trained on", _short(card.data or "not stated")),
        ("photographs", f"{len(card.data_ids)}" if card.data_ids else "not stated"),
        ("started from", f"{card.start[0]} ({card.start[1][:8]}…)" if card.start else "random weights"),
        ("trained for", _short(_trained_for(card))),
    ]
    rows += [(_short(name), f"{number:.4f}") for name, number in card.numbers.items()]
    rows.append(("sha256", f"{card.sha256[:16]}…"))
    return rows


def _trained_for(card: ModelCard) -> str:
    """Return how long a training was, and what it ran on."""
    time = f", {duration(card.seconds)}" if card.seconds else ""
    return f"{card.epochs} epochs{time}" + (f" on {card.device}" if card.device else "")


def _short(text: str) -> str:
    return shortened(text, MOST_WORDS)
