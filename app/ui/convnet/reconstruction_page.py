"""The Reconstruction page: a picture made of the patches that each layer of a network takes for alike.

What lives here: :class:`ReconstructionPage`: state, lane, numbers. What does not: the work (``reconstruction_state``),
painting (``field_view``, ``layer_table``). May import: those, the form, the session, Qt.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from PySide6.QtWidgets import QProgressBar, QVBoxLayout, QWidget

from app.jobs import Progress
from app.records import Point
from app.text import shortened
from app.ui.convnet.cell_widget import CellWidget
from app.ui.convnet.field_view import FieldView
from app.ui.convnet.layer_table import LayerTable
from app.ui.convnet.page import ConvNetPage
from app.ui.convnet.reconstruction_state import (
    RECONSTRUCTION_KEY,
    Answer,
    ReconstructionState,
    answer,
)
from app.ui.convnet.words import RECONSTRUCTION
from app.ui.errand import Errand
from app.ui.explanation import Words
from app.ui.form import Form, build
from app.ui.session import Message, Session
from app.ui.status import ElidedLabel
from app.ui.style import Style
from app.vision.half_pixel import to_original

LANE = "convnet"
NO_PAIR = "Open two pictures: each is then made of patches of the other, layer by layer."
WAIT = "Every cell of the query looks for its nearest in the other picture, layer by layer."
STOPPED = "Stopped. Change a setting or press Again."
HINT = "Yellow: the pasted patch. Squares: what each layer sees. Dotted: what is replaced. Click cells and columns."
SHORT = "Yellow: the pasted patch. Squares: what each layer sees."


class ReconstructionPage(ConvNetPage):
    """The cell looked at above, the reconstructions below, and a line that says what is being computed."""

    key: ClassVar[str] = "reconstruction"
    title: ClassVar[str] = "Reconstruction"
    section: ClassVar[str] = "RECONSTRUCTION"

    def __init__(self, session: Session, look: Style, parent: QWidget | None = None) -> None:
        super().__init__(session, look, parent)
        self.state = ReconstructionState()
        self.answer: Answer | None = None
        self.fault = ""
        self._asked: tuple[object, ...] = ()
        self._pointed: Point | None = None
        self.form: Form = build(self.state)
        self.field = FieldView(look)
        self.table = LayerTable(look)
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.setAccessibleName("Reconstructing")
        self.stop = self._button("Stop", "Stop searching; the last picture stays", self._stop_or_again)
        self.told = ElidedLabel(HINT)
        self.told.setProperty("role", "muted")
        self.told.setToolTip(HINT)
        self._arrange()
        self._connect()
        self._show_running()

    def _arrange(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.field, 5)
        column.addWidget(self.table, 6)
        column.addLayout(self._bar((self.stop, self.progress), self.told))
        self.setFocusProxy(self.table)
        self._fit_bar()
        self.look.changed.connect(lambda _look: self._fit_bar())

    def _connect(self) -> None:
        self.session.state_changed.connect(lambda _state: self._take())
        self.session.busy_changed.connect(lambda _busy: self._take(anew=True))
        self.form.changed.connect(self._set_form)
        for view in (self.field, self.table):
            self._listen(view)
        self._work = Errand(self.session.lane(LANE), self)
        self._work.progressed.connect(self._progressed)
        self._work.finished.connect(self._finished)
        self._work.failed.connect(self._complain)
        self._work.cancelled.connect(self._stopped)

    def _listen(self, view: CellWidget) -> None:
        view.chosen.connect(lambda found: self._choose(*found))
        view.pointed.connect(self._point)
        view.stepped.connect(self._step)
        view.layer_stepped.connect(self._step_layer)
        view.held.connect(self.session.hold_undo)

    # ---------------------------------------------------------------------- state

    @property
    def busy(self) -> bool:
        """Whether something is being reconstructed."""
        return self._work.busy

    @property
    def words(self) -> Words:
        """What the page shows, in words."""
        return RECONSTRUCTION

    def _set(self, state: ReconstructionState) -> None:
        self.session.set_workspace_state(RECONSTRUCTION_KEY, state)

    def _set_form(self, settings: Any) -> None:
        state = self.state
        self._set(replace(settings, place=state.place, layer=state.layer))

    def _take(self, *, anew: bool = False) -> None:
        if self.isVisible() and (anew or self._saved() != self.state):
            self._pointed = None
            self.refresh()

    def _saved(self) -> ReconstructionState:
        state: ReconstructionState = self.session.workspace_state(RECONSTRUCTION_KEY, ReconstructionState())
        return state

    def _choose(self, point: Point, layer: int | None = None) -> None:
        if self.answer is None:
            return
        x, y = to_original(point, self.answer.query.scale)
        place = (max(0.0, round(x, 2)), max(0.0, round(y, 2)))
        self._set(replace(self.state, place=place, layer=self.state.layer if layer is None else layer))

    def _point(self, point: Point | None) -> None:
        if point != self._pointed:
            self._pointed = point
            self._show()

    def _step(self, step: tuple[int, int]) -> None:
        """Go to a neighbouring cell of the grid; at its border stay there."""
        if self.answer is None:
            return
        study = self.answer.study
        x, y = study.centres[self.answer.cell(self.state)].tolist()
        cell = study.cell_at(x + step[0] * study.tile - 0.5, y + step[1] * study.tile - 0.5)
        u, v = study.centres[cell].tolist()
        self._choose((u - 0.5, v - 0.5))

    def _step_layer(self, step: int) -> None:
        if self.answer is not None:
            layer = self.answer.column(self.state.layer) + step
            self._set(replace(self.state, layer=min(max(0, layer), self.answer.depth - 1)))

    # ----------------------------------------------------------------------- lane

    def deactivate(self) -> None:
        """Nothing is searched for a page that is not seen."""
        self._work.cancel()

    def activate(self) -> None:
        """Ask again for what was not finished."""
        if not self._fits():
            self._asked = ()

    def refresh(self) -> None:
        """Show the state; ask for what the answer lacks."""
        self.state = self._saved()
        if self.form.settings != self.state:
            self.form.set_values(self.state)
        ref = self.session.state.pair
        question = (ref, self.state.question)
        if ref is not None and question != self._asked and not self._pair_comes():
            self._asked, self.fault = question, ""
            if not self._fits():
                known, state = self._known(), self.state
                self._work.start(lambda: answer(ref, known, state))
            else:
                self._work.cancel()
            self._show_running()
        self._show()

    def _fits(self) -> bool:
        """Whether the answer is the whole one to what is asked."""
        shown = self.answer
        return shown is not None and shown.whole and (shown.ref, shown.question) == self._asked

    def _progressed(self, progress: Progress) -> None:
        # A busy bar has no end; the search of the layers has.
        self.progress.setRange(0, 0 if progress.total is None else 1000)
        if progress.total:
            self.progress.setValue(round(1000 * progress.done / progress.total))
        self.told.setText(f"{progress.text} …")
        if isinstance(progress.payload, Answer):
            self._take_partial(progress.payload)

    def _take_partial(self, partial: Answer) -> None:
        """Show the layers that are done of a picture not seen yet; else the last whole answer stays."""
        shown = self.answer
        if shown is not None and shown.whole and shown.ref == partial.ref:
            return
        if shown is None or shown.whole or len(shown.study.layers) != len(partial.study.layers):
            self.answer = partial
            self._show()

    def _finished(self, found: Answer) -> None:
        self.answer = found
        self._show_running()
        self._show()

    def _stopped(self) -> None:
        self._show_running()
        self.told.short = ""
        self.told.setText(STOPPED)

    def _complain(self, message: Message) -> None:
        self.fault = message.text
        if self.answer is not None and self.answer.ref != self.session.state.pair:
            self.answer = None
        self.session.message.emit(message)
        self._show_running()
        self._show()

    def _stop_or_again(self) -> None:
        if self._work.busy:
            self._work.cancel()
        else:
            self._asked, self.answer = (), None
            self.refresh()

    def _show_running(self) -> None:
        busy = self._work.busy
        self.progress.setVisible(busy)
        self.stop.setText("Stop" if busy else "Again")
        self.stop.setToolTip("Stop searching; the last picture stays" if busy else "Reconstruct once more")
        self.told.short = "" if busy or self.fault else SHORT
        if not busy:
            self.told.setText(HINT if not self.fault else "" if self.answer is None else self.fault)

    def _fit_bar(self) -> None:
        self.progress.setFixedWidth(self.look.px(14))

    # -------------------------------------------------------------------- showing

    def _show(self) -> None:
        """Draw what there is with the cell pointed at, or else the chosen one."""
        shown = self.answer
        empty = shown is None or not shown.study.layers
        if empty == self.field.isVisibleTo(self):  # words alone stand in the middle
            self.field.setVisible(not empty)
        if shown is None or empty:
            self.field.show_cell(None, 0, 0, 1)
            self.table.show_answer(None, 0, 0, self.fault or (WAIT if self.session.state.pair else NO_PAIR))
            self.facts.emit(([], self.fault))
            return
        cell = shown.study.cell_at(*self._pointed) if self._pointed is not None else shown.cell(self.state)
        layer = shown.column(self.state.layer)
        self.field.show_cell(shown, cell, layer, shown.question.k)
        self.table.show_answer(shown, cell, layer)
        self._show_facts(shown, cell, layer)

    def _show_facts(self, shown: Answer, cell: int, layer: int) -> None:
        study = shown.study
        result = study.layers[layer]
        x, y = to_original(tuple(study.centres[cell].tolist()), shown.query.scale)
        rows = [
            ("network", f"{shortened(Path(shown.question.network).stem, 20)}, {shown.question.weights}"),
            ("working size", f"{study.grey.shape[1]} × {study.grey.shape[0]} px"),
            ("cells replaced", f"{len(study.centres):,}"),
            ("cells to choose from", f"{study.cells[layer]:,}"),
            ("cell", f"({x:.0f}, {y:.0f})"),
        ]
        for index in range(min(shown.question.k, result.picture.shape[1])):
            picture = int(result.picture[cell, index])
            u, v = to_original(tuple(result.xy[cell, index].tolist()), shown.scales[picture])
            name = shown.names[picture].removesuffix(" picture")
            cosine = result.nearest.cosine[cell, index]
            rows.append((f"nearest {index + 1}", f"{name} ({u:.0f}, {v:.0f}), cos {cosine:.3f}"))
        self.facts.emit((rows, self.fault or sentence_of(shown, layer)))


def sentence_of(shown: Answer, layer: int) -> str:
    """Return what the numbers of a layer say about the place."""
    result = shown.study.layers[layer]
    own = shown.question.database == "both"
    k = shown.question.k if own else 1
    error, control = result.error[k], result.control_error[k]
    start = "Each cell finds itself, so k = 1 gives the query back. " if own else ""
    words = (
        f"{start}With k = {k}, {result.name} errs by {error:.1f} grey levels, patches of the query from anywhere in "
        f"its {result.layer.side} px by {control:.1f}: "
    )
    if error < control:
        return f"{words}it knows the place better than its field."
    if shown.question.database == "photographs":
        return f"{words}foreign patches do no better than the query's own from a wrong place."
    return f"{words}no better than not knowing the place within its field."
