"""The page of costs: n² joint passes against 2 n passes of a tower and one product, measured while you watch.

What lives here: :class:`CostPage`. What does not: measuring and the formulas (``app.learning.cost``). May import: the
chart, the page's parts, errand, the trainer, Qt.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from app.jobs import Progress
from app.learning import towers
from app.learning.cost import MEASURED, CostTable, design_costs, measure
from app.text import minus
from app.ui.chart import Chart, Curve, Drawing
from app.ui.errand import Errand
from app.ui.facts import Facts, sentence
from app.ui.panel import heading
from app.ui.train.page import Headed, TrainPage

if TYPE_CHECKING:
    from app.ui.session import Message, Session
    from app.ui.style import Style
    from app.ui.train.trainer import Trainer

NETWORK, SIDE = "tiny", 32
SHORT = {"joint": "joint", "head": "tower + head", "siamese": "tower + product"}
LOOKS = {"joint": ("wrong", "dash"), "head": ("undecided", "dot"), "siamese": ("right", "solid")}
FRESH = "Press Measure: n patches are compared with n others by the three designs, for growing n."
COUNTS = (100, 1000, 10000)
LESSON = (
    "A joint network looks at every pair, so it passes n² times. A Siamese tower passes 2n times, and one matrix "
    "product compares everything with everything. With both axes logarithmic the one rises with slope 2, the other "
    "with slope 1 until the product counts."
)
SLIDE = (
    "<b>On the slide</b> a Siamese network costs “O(n²) feed-forward passes”. That is true of a joint network, or of a "
    "tower run anew for every pair: shared, it passes 2n times, and only the cheap head, n² products, is quadratic."
)


def drawing(table: CostTable | None) -> Drawing:
    """Return the seconds against n, both by ratios."""
    if table is None or not any(np.isfinite(values).any() for values in table.seconds.values()):
        return Drawing(empty=FRESH if table is None else "The first measurement comes in a moment.")
    curves = []
    for design in MEASURED:
        values = table.seconds[design]
        known = np.isfinite(values) & (values > 0)
        colour, dash = LOOKS[design]
        curves.append(Curve(table.points[known], values[known], SHORT[design], colour, dash, points=True))
    return Drawing(
        curves=tuple(curve for curve in curves if len(curve.x)),
        x_range=(float(table.points[0]), float(table.points[-1])),
        log_x=True,
        log_y=True,
        x_label="n patches against n",
        y_label="seconds",
    )


class CostPage(TrainPage):
    """The chart, and at its right the slopes and the operations by formula."""

    key: ClassVar[str] = "cost"
    title: ClassVar[str] = "Cost"

    def __init__(self, session: Session, look: Style, trainer: Trainer, parent: QWidget | None = None) -> None:
        super().__init__(session, look, trainer, parent)
        self.table: CostTable | None = None
        self.chart = Chart(look, "Seconds of comparing n with n patches")
        self.chart.set_drawing(drawing(None))
        self.part = Headed("SECONDS OF COMPARING n WITH n", self.chart)
        self.run = QPushButton("Measure")
        self.run.clicked.connect(self._run_or_cancel)
        self.slopes = Facts(look, "Slopes of the measured curves")
        self.formula = Facts(look, "Operations by formula")
        self.formula.setToolTip("Multiply-adds of the joint network against tower + product, by formula")
        self._lay_out()
        self._show_formula()
        self._measuring = Errand(trainer.lane, self)
        self._measuring.progressed.connect(self._progressed)
        self._measuring.finished.connect(self._finished)
        self._measuring.failed.connect(self._failed)
        self._measuring.cancelled.connect(self._show_running)
        trainer.changed.connect(self._show_running)
        self._show_running()

    def _lay_out(self) -> None:
        lesson, slide = sentence(LESSON), sentence(SLIDE)
        for words in (lesson, slide):
            words.setProperty("role", "help")
        side = QVBoxLayout()
        side.setContentsMargins(8, 8, 8, 8)
        side.setSpacing(8)
        side.addWidget(self.run)
        for title, widget in (("MEASURED", self.slopes), ("OPERATIONS, JOINT / PRODUCT", self.formula)):
            side.addWidget(heading(title))
            side.addWidget(widget)
        side.addWidget(lesson)
        side.addWidget(slide)
        side.addStretch(1)
        self.lay_beside(self.part, side, 34)

    def _show_formula(self) -> None:
        plan = towers.PLANS[NETWORK]
        rows = []
        for n in COUNTS:
            costs = design_costs(n, SIDE, plan)
            joint, siamese = costs["joint"], costs["siamese"]
            rows.append((f"n = {n:,}", f"{_operations(joint)} / {_operations(siamese)} = {joint / siamese:,.0f}"))
        self.formula.set_rows(rows)

    def _run_or_cancel(self) -> None:
        if self.trainer.phase == "measuring":
            self.trainer.lane.cancel()
            return
        self.trainer.lend(self._measuring, lambda: measure(network=NETWORK, side=SIDE))
        self._show_running()

    def _show_running(self) -> None:
        phase = self.trainer.phase
        why_not = self.trainer.unavailable
        if phase in ("training", "paused"):
            why_not = "A network is being trained: stop that first, both need the processor to themselves"
        self.run.setEnabled(not why_not)
        self.run.setText("Cancel" if phase == "measuring" else "Measure")
        self.run.setToolTip(why_not or "Takes up to half a minute; a design is not measured on once it took 4 s")

    def _progressed(self, progress: Progress) -> None:
        if isinstance(progress.payload, CostTable):
            self._take(progress.payload)
            self.part.set_value(progress.text)

    def _finished(self, table: CostTable) -> None:
        self._take(table)
        self.part.set_value("")
        self._show_running()

    def _failed(self, message: Message) -> None:
        self.session.message.emit(message)
        self._show_running()

    def _take(self, table: CostTable) -> None:
        self.table = table
        self.chart.set_drawing(drawing(table))
        rows: list[tuple[str, str]] = []
        for design in MEASURED:
            slope = table.slope(design)
            rows.append((SHORT[design], "–" if np.isnan(slope) else minus(f"slope {slope:.2f}")))
        self.slopes.set_rows(rows)

    def show_training(self) -> None:
        """Nothing here follows a training but whether it may be measured."""
        self._show_running()
        if not self.slopes.rows:
            self.slopes.set_rows([(SHORT[design], "not yet") for design in MEASURED])

    @property
    def busy(self) -> bool:
        """Whether it is being measured."""
        return self.trainer.phase == "measuring"

    def picture(self) -> QWidget:
        """Return the chart."""
        return self.chart


def _operations(count: int) -> str:
    for power, name in ((15, "P"), (12, "T"), (9, "G"), (6, "M")):
        if count >= 10**power:
            return f"{count / 10**power:.3g} {name}"
    return f"{count:,}"
