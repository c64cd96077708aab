"""The pictures with the filters' colours over them, one row for each run, and the single maps below.

What lives here: :class:`AnchorView` and :class:`FilterStrip`: painting, mouse and keys. What does not: learning
(``anchor_state``) and colours (``anchor_paint``). May import: those, style, Qt.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPixmap, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.ui.convnet.anchor_frame import ALL, ORDER, Frame
from app.ui.convnet.anchor_paint import badge, colour_of, gathered, greyed
from app.ui.style import Style

KEPT = 40  # pictures in grey, each at one size
MOVES = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}
LEFT = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
MIDDLE = int(Qt.AlignmentFlag.AlignCenter)
WORDS = {True: "with diversity", False: "without diversity"}


class _Shown(QWidget):
    """What both widgets show: an iteration of both runs, some of its rows, a filter chosen or pointed at.

    Signals:
        chosen: a filter was clicked, -1 for all.
        pointed: the filter under the mouse, -1 for none.
    """

    chosen = Signal(object)
    pointed = Signal(object)

    def __init__(self, look: Style, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look = look
        self.frame: Frame | None = None
        self.rows: tuple[bool, ...] = (True, False)
        self.filter = ALL
        self._greys: dict[tuple[int, int, int], QPixmap] = {}
        self.setMouseTracking(True)
        look.changed.connect(lambda _look: self.update())

    def show_frame(self, frame: Frame | None, rows: tuple[bool, ...], filter_: int) -> None:
        """Show an iteration; ``filter_`` is the only one drawn in colour, -1 draws all."""
        if frame is None or self.frame is None or frame.run.made is not self.frame.run.made:
            self._greys.clear()
        self.frame, self.rows, self.filter = frame, rows, filter_
        self.update()

    def _draw_grey(self, painter: QPainter, area: QRectF, picture: int) -> None:
        """Draw a picture in grey; what it is at this size is kept."""
        assert self.frame is not None
        dots = self.devicePixelRatioF()
        key = (picture, round(area.width() * dots), round(area.height() * dots))
        if key not in self._greys:
            if len(self._greys) > KEPT:
                self._greys.clear()
            grey = greyed(self.frame.run.made.pictures[picture])
            how = Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation
            self._greys[key] = QPixmap.fromImage(grey.scaled(max(1, key[1]), max(1, key[2]), *how))
        painter.drawPixmap(area, self._greys[key], QRectF(self._greys[key].rect()))

    def filter_at(self, at: QPointF) -> int:
        """Return the filter at a point of the widget, -1 if there is none."""
        raise NotImplementedError

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Point at the filter under the mouse."""
        self.pointed.emit(self.filter_at(event.position()))

    def leaveEvent(self, _event: QEvent) -> None:
        """Point at nothing."""
        self.pointed.emit(-1)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose the filter under the mouse, or all."""
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        self.chosen.emit(self.filter_at(event.position()))


class AnchorView(_Shown):
    """A row of pictures for each run; each filter's number stands where it answers most."""

    def __init__(self, look: Style, parent: QWidget | None = None) -> None:
        super().__init__(look, parent)
        self.setMinimumSize(260, 160)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Pictures with the answers of all filters in colours")
        self.setToolTip("<p>Point at a number to see one filter alone, click to keep it; click beside to see all.</p>")

    def sizeHint(self) -> QSize:
        """Return a comfortable size."""
        return QSize(800, 480)

    # ------------------------------------------------------------------------- layout

    def tiles(self) -> list[tuple[bool, int, QRectF]]:
        """Return (run, picture, area) of all pictures drawn: as many, in one line or two, as fill the most room."""
        if self.frame is None:
            return []
        head, gap = self._look.px(3), self._look.px(1)
        width, height = self.frame.run.columns[0].size
        room = (self.height() - gap) / len(self.rows) - head - gap

        def side_of(count: int, lines: int) -> float:
            """Return the width a map gets with so many to a line and so many lines."""
            tall = (room - (lines - 1) * gap) / lines
            return max(1.0, min((self.width() - gap) / count - gap, tall * width / height))

        ways = [(count, lines) for lines in (1, 2) for count in range(3, 1 + len(ORDER) // lines)]
        count, lines = max(ways, key=lambda way: way[0] * way[1] * side_of(*way) ** 2)
        side = side_of(count, lines)
        tall = side * height / width
        left = (self.width() - count * (side + gap) + gap) / 2
        spare = (room - lines * (tall + gap) + gap) / 2
        found: list[tuple[bool, int, QRectF]] = []
        for row, diverse in enumerate(self.rows):
            top = gap + row * (head + room + gap) + head + spare
            for place in range(count * lines):
                line, column = divmod(place, count)
                area = QRectF(left + column * (side + gap), top + line * (tall + gap), side, tall)
                found.append((diverse, ORDER[place], self._inside(ORDER[place], area)))
        return found

    def _inside(self, picture: int, area: QRectF) -> QRectF:
        """Return the area of a picture of another shape in its tile: nothing is stretched."""
        assert self.frame is not None
        width, height = self.frame.run.columns[picture].size
        scale = min(area.width() / width, area.height() / height)
        size = QRectF(0, 0, width * scale, height * scale)
        size.moveCenter(area.center())
        return size

    def peak(self, diverse: bool, picture: int, index: int, area: QRectF) -> QPointF:
        """Return where in its area the highest answer of a filter lies."""
        assert self.frame is not None
        x, y = self.frame.peaks[diverse, picture][index]
        return QPointF(area.left() + x * area.width(), area.top() + y * area.height())

    def plates(self, diverse: bool, picture: int, area: QRectF) -> list[tuple[list[int], QPointF, QPointF]]:
        """Return (filters, middle of their plate, place they answer most) of all numbers in a picture.

        A plate stands above its place, so that the colour there stays in view; filters that share a place share one.
        """
        assert self.frame is not None
        radius = self._radius()
        peaks = [self.peak(diverse, picture, index, area) for index in range(self.frame.count)]
        found = []
        for group in gathered(peaks, 1.2 * radius):
            at, half = peaks[group[0]], len(group) * radius
            x = min(max(at.x(), area.left() + half), max(area.left() + half, area.right() - half))
            above = at.y() - 2.2 * radius
            found.append((group, QPointF(x, above if above > area.top() else at.y() + 2.2 * radius), at))
        return found

    def _radius(self) -> float:
        return self._look.px(0.9)

    def filter_at(self, at: QPointF) -> int:
        """Return the filter whose number is under a point of the widget, -1 if there is none."""
        radius = self._radius()
        for diverse, picture, area in self.tiles():
            if self._labelled(picture):
                for group, middle, _ in self.plates(diverse, picture, area):
                    along = at.x() - middle.x() + len(group) * radius
                    if abs(at.y() - middle.y()) <= 1.2 * radius and 0 <= along < 2 * radius * len(group):
                        return group[int(along / (2 * radius))]
        return -1

    def _labelled(self, picture: int) -> bool:
        return self.frame is not None and self.frame.run.made.labels[picture] > 0

    # ----------------------------------------------------------------------- painting

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw rows, pictures, colours and numbers."""
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        painter.fillRect(event.rect(), self._look.colour("canvas"))
        if self.frame is None:
            painter.setPen(self._look.colour("muted"))
            painter.drawText(QRectF(self.rect()), MIDDLE, "Learning …")
        told: set[bool] = set()
        for diverse, picture, area in self.tiles():
            if diverse not in told:
                told.add(diverse)
                self._head(painter, diverse, area)
            self._tile(painter, diverse, picture, area)
        painter.end()

    def _head(self, painter: QPainter, diverse: bool, area: QRectF) -> None:
        assert self.frame is not None
        step = self.frame.at[diverse]
        painter.setFont(self._look.font(1.0, bold=True))
        painter.setPen(self._look.colour("text"))
        line = QRectF(area.left(), area.top() - self._look.px(3), self.width(), self._look.px(3))
        words = WORDS[diverse].capitalize()
        painter.drawText(line, LEFT, words)
        line.setLeft(line.left() + painter.fontMetrics().horizontalAdvance(words + "   "))
        painter.setFont(self._look.font(0.85))
        painter.setPen(self._look.colour("muted"))
        painter.drawText(line, LEFT, f"mean L_DivB {step.diversity:.2f}")

    def _tile(self, painter: QPainter, diverse: bool, picture: int, area: QRectF) -> None:
        assert self.frame is not None
        self._draw_grey(painter, area, picture)
        painter.drawImage(area, self.frame.tint(diverse, picture, self.filter))
        painter.setFont(self._look.font(0.8))
        metrics = painter.fontMetrics()
        text = self.frame.run.made.names[picture] + ("" if self._labelled(picture) else ", no object")
        label = QRectF(area.left(), area.top(), metrics.horizontalAdvance(text) + 12, metrics.height() + 4)
        ground = self._look.colour("canvas")
        ground.setAlphaF(0.75)
        painter.fillRect(label, ground)
        painter.setPen(self._look.colour("text"))
        painter.drawText(label, MIDDLE, text)
        if not self._labelled(picture):
            painter.setPen(QPen(self._look.colour("undecided"), 1.5, Qt.PenStyle.DashLine))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(area)
            return
        radius, font = self._radius(), self._look.font(0.75, bold=True)
        for group, middle, at in reversed(self.plates(diverse, picture, area)):
            here = self.filter in group
            if self.filter < 0 or here:
                painter.setPen(QPen(colour_of(self.filter if here else group[0]), 1.5 * self._look.line_scale))
                painter.drawLine(middle, at)
            badge(painter, middle, group, radius, font, chosen=self.filter)


class FilterStrip(_Shown):
    """One cell for each filter: its maps alone on the pair's two pictures, a row for each run."""

    def __init__(self, look: Style, parent: QWidget | None = None) -> None:
        super().__init__(look, parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("The map of each filter alone")
        self.setToolTip("<p>Each filter’s map on both pictures. Point at one to see it alone above; click, or ← →, "
                        "keeps it; Home shows all again.</p>")  # fmt: skip
        look.changed.connect(lambda _look: self._fit())

    def sizeHint(self) -> QSize:
        """Return the size that the small maps need."""
        return QSize(600, self._look.px(3) + len(self.rows) * (self._tall() + self._look.px(0.5)) + self._look.px(1))

    def _side(self) -> float:
        """Return the width of a small map: two fit into a cell, and none is higher than need be."""
        if self.frame is None:
            return float(self._look.px(7))
        width, height = self.frame.run.columns[0].size
        return min((self.cell(0).width() - self._look.px(0.5)) / 2, self._look.px(6) * width / height)

    def _tall(self) -> int:
        if self.frame is None:
            return self._look.px(6)
        width, height = self.frame.run.columns[0].size
        return max(1, round(self._side() * height / width))

    def show_frame(self, frame: Frame | None, rows: tuple[bool, ...], filter_: int) -> None:
        """Show an iteration, as the base does; another number of rows asks for another height."""
        before = self.sizeHint().height()
        super().show_frame(frame, rows, filter_)
        if self.sizeHint().height() != before:
            self._fit()

    def _fit(self) -> None:
        self.updateGeometry()
        self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Ask for the height that the maps have in another width."""
        super().resizeEvent(event)
        self._fit()

    def count(self) -> int:
        """Return the number of filters."""
        return 0 if self.frame is None else self.frame.count

    def cell(self, index: int) -> QRectF:
        """Return the area of a filter's cell."""
        gap, left = self._look.px(1), self._look.px(8)
        width = (self.width() - left) / max(1, self.count())
        return QRectF(left + index * width, 0, width - gap, self.height() - gap / 2)

    def filter_at(self, at: QPointF) -> int:
        """Return the filter whose cell holds a point."""
        return next((k for k in range(self.count()) if self.cell(k).contains(at)), -1)

    def event(self, event: QEvent) -> bool:
        """Keep the keys of the strip from the keys of the window."""
        keys = {*MOVES, Qt.Key.Key_Home}
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and event.key() in keys:
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Choose the next filter with the arrow keys, all of them with Home."""
        move = MOVES.get(Qt.Key(event.key()))
        if event.key() == Qt.Key.Key_Home:
            self.chosen.emit(-1)
        elif move is not None and self.count():
            self.chosen.emit(min(max(self.filter + move, -1), self.count() - 1))
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw a cell for each filter."""
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        painter.fillRect(event.rect(), self._look.colour("canvas"))
        head, tall, gap = self._look.px(3), self._tall(), self._look.px(0.5)
        painter.setFont(self._look.font(0.85))
        painter.setPen(self._look.colour("muted"))
        for line, diverse in enumerate(self.rows):
            words = QRectF(8, head + line * (tall + gap), self._look.px(8) - 8, tall)
            painter.drawText(words, LEFT, WORDS[diverse].split()[0])
        for index in range(self.count()):
            self._paint_cell(painter, index, head, tall, gap)
        painter.end()

    def _paint_cell(self, painter: QPainter, index: int, head: int, tall: int, gap: int) -> None:
        assert self.frame is not None
        cell = self.cell(index)
        radius = self._look.px(1.05)
        at = QPointF(cell.left() + radius + 2, cell.top() + head / 2)
        badge(painter, at, [index], radius, self._look.font(0.8, bold=True))
        painter.setFont(self._look.font(0.85))
        painter.setPen(self._look.colour("text"))
        words = QRectF(at.x() + radius + 6, cell.top(), cell.width(), head)
        painter.drawText(words, LEFT, "F" if cell.width() < self._look.px(8) else f"filter {index + 1}")
        side = self._side()
        for line, diverse in enumerate(self.rows):
            for picture in (0, 1):
                area = QRectF(cell.left() + picture * (side + gap), head + line * (tall + gap), side, tall)
                self._draw_grey(painter, area, picture)
                painter.drawImage(area, self.frame.small[diverse, picture, index])
        if index == self.filter:
            painter.setPen(QPen(self._look.colour("selected"), 2 if self.hasFocus() else 1.5))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(QRectF(cell.left() - 3, 1, 2 * side + gap + 6, self.height() - 3))
