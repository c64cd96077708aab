"""The grid of all levels: a row per octave, a column per level, one cursor through all of them.

What lives here: :class:`LevelGrid` and its layout. What does not: how the pictures are made (``level_jobs``). May
import: that, ``app.ui.style``, Qt.
"""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QEvent, QLineF, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFontMetricsF,
    QHelpEvent,
    QImage,
    QKeyEvent,
    QLinearGradient,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from app.records import Point
from app.text import minus, significant
from app.ui.sift.grid_shape import GridShape
from app.ui.sift.level_jobs import Cell, LevelPicture
from app.ui.style import Style
from app.vision.diverging import table

GAP = 4
BAR = 10
ARM = 9  # half the side of the small cursor


class LevelGrid(QWidget):
    """Shows small pictures of all levels; a click or a drag in one moves the cursor of all.

    Signals:
        moved: (x, y) in image pixels while dragged.
        chosen: (x, y) when let go.
        cell_chosen: the (octave, level) that was pressed, or stepped to by Up and Down.
    """

    moved = Signal(object)
    chosen = Signal(object)
    cell_chosen = Signal(object)

    def __init__(self, look: Style, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look = look
        self.shape: GridShape | None = None
        self.pictures: Mapping[Cell, LevelPicture] = {}
        self._pixmaps: dict[Cell, tuple[LevelPicture, QPixmap]] = {}
        self._laid: tuple[tuple[object, ...], tuple[float, float, float, float]] | None = None
        self._cross: tuple[tuple[object, ...], QPixmap] | None = None
        self._drawn: tuple[tuple[object, ...], QPixmap] | None = None
        self.cell: Cell = (0, 1)
        self.point: Point | None = None
        self.radius = 0.0
        self._dragged: Cell | None = None
        self.setAccessibleName("Grid of levels")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setMinimumSize(220, 140)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        look.changed.connect(self._forget)

    def sizeHint(self) -> QSize:
        """Return a comfortable size."""
        return QSize(560, 480)

    # ------------------------------------------------------------------------- showing

    def set_shape(self, shape: GridShape | None) -> None:
        """Lay out another scale space; pictures of the old one are forgotten."""
        if shape != self.shape:
            self.shape, self.pictures = shape, {}
            self._forget()

    def set_pictures(self, pictures: Mapping[Cell, LevelPicture]) -> None:
        """Show these cells, as many as there are."""
        self.pictures, self._drawn = pictures, None
        self._pixmaps = {c: kept for c, kept in self._pixmaps.items() if pictures.get(c) is kept[0]}
        self.update()

    def set_cell(self, cell: Cell) -> None:
        """Mark the cell that is shown large."""
        if cell != self.cell:
            self.cell = cell
            self.update()

    def set_point(self, point: Point | None) -> None:
        """Move the cursor of all cells."""
        if point != self.point:
            self.point = point
            self.update()

    def _forget(self, _look: object = None) -> None:
        self._pixmaps.clear()
        self._drawn = None
        self.update()

    # -------------------------------------------------------------------------- layout

    def _layout(self, shape: GridShape) -> tuple[float, float, float, float]:
        """Return (width of the row heads, height of the column heads, width of a cell, its height)."""
        key = (shape, self.size(), self._look.scale)
        if self._laid is None or self._laid[0] != key:
            metrics = QFontMetricsF(self._look.font(0.85))
            left, top = metrics.horizontalAdvance("0000 × 0000") + 8, 2 * metrics.height() + 6
            foot = 2 * metrics.height() + BAR + 14
            columns, rows = len(shape.sigmas), len(shape.octaves)
            wide = (self.width() - left - 8 - GAP * (columns - 1)) / columns
            high = (self.height() - top - foot - GAP * (rows - 1)) / rows
            ratio = shape.image[1] / shape.image[0]
            width = max(4.0, min(wide, high / ratio))
            self._laid = (key, (left, top, width, max(4.0, width * ratio)))
        return self._laid[1]

    def rect_of(self, cell: Cell) -> QRectF:
        """Return where a cell lies in the widget."""
        if self.shape is None or cell[0] not in self.shape.octaves:
            return QRectF()
        left, top, width, height = self._layout(self.shape)
        row = self.shape.octaves.index(cell[0])
        return QRectF(left + cell[1] * (width + GAP), top + row * (height + GAP), width, height)

    def cells(self) -> list[Cell]:
        """Return all cells, row by row."""
        shape = self.shape
        return [] if shape is None else [(o, level) for o in shape.octaves for level in range(len(shape.sigmas))]

    def cell_at(self, x: float, y: float) -> Cell | None:
        """Return the cell under a widget's point."""
        return next((cell for cell in self.cells() if self.rect_of(cell).contains(x, y)), None)

    def screen_of(self, cell: Cell, point: Point) -> QPointF:
        """Return the widget's point of an image point in a cell."""
        rect = self.rect_of(cell)
        scale = rect.width() / (self.shape.image[0] if self.shape is not None else 1)
        return QPointF(rect.left() + (point[0] + 0.5) * scale, rect.top() + (point[1] + 0.5) * scale)

    def point_in(self, cell: Cell, x: float, y: float) -> Point:
        """Return the image point of a widget's point, moved into the cell if it lies outside."""
        rect, shape = self.rect_of(cell), self.shape
        if shape is None:
            return (0.0, 0.0)
        scale = rect.width() / shape.image[0]
        px, py = (x - rect.left()) / scale - 0.5, (y - rect.top()) / scale - 0.5
        return min(max(px, 0.0), shape.image[0] - 1.0), min(max(py, 0.0), shape.image[1] - 1.0)

    # ------------------------------------------------------------------------ painting

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint heads, cells, cursors and the legend."""
        painter = QPainter(self)
        if self.shape is not None:
            painter.drawPixmap(0, 0, self._background(self.shape))
            self._paint_cursors(painter)
        painter.end()

    def _background(self, shape: GridShape) -> QPixmap:
        """Return everything but the cursors, which move while all else stays."""
        ratio = self.devicePixelRatioF()
        key = (shape, self.cell, self.size(), ratio, self._look.tokens, self._look.scale, id(self.pictures))
        if self._drawn is None or self._drawn[0] != key:
            pixmap = QPixmap(self.size() * ratio)
            pixmap.setDevicePixelRatio(ratio)
            pixmap.fill(Qt.GlobalColor.transparent)
            painter = QPainter(pixmap)
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            painter.setFont(self._look.font(0.85))
            metrics = QFontMetricsF(painter.font())
            self._paint_heads(painter, metrics, shape)
            for cell in self.cells():
                self._paint_cell(painter, cell)
            self._paint_frame(painter)
            self._paint_legend(painter, metrics, shape)
            painter.end()
            self._drawn = (key, pixmap)
        return self._drawn[1]

    def _paint_heads(self, painter: QPainter, metrics: QFontMetricsF, shape: GridShape) -> None:
        for column, sigma in enumerate(shape.sigmas):
            rect = self.rect_of((shape.octaves[0], column))
            here = column == self.cell[1]
            name = f"{'layer' if shape.kind == 'dog' else 'level'} {column}"
            if column not in shape.searched and shape.kind == "dog" and rect.width() >= 130:
                name += " · not searched"
            # The blur of the row of the cell shown large, so that the heads hold true numbers, not multiples.
            lines = (name, f"σ {sigma * 2.0 ** self.cell[0]:.3g}")
            for index, text in enumerate(lines):
                painter.setPen(self._look.colour("text" if here else "muted"))
                place = QPointF(rect.left(), rect.top() - 6 - (1 - index) * metrics.height() - metrics.descent() + 2)
                painter.drawText(place, metrics.elidedText(text, Qt.TextElideMode.ElideRight, rect.width()))
        for octave, size in zip(shape.octaves, shape.sizes, strict=True):
            rect = self.rect_of((octave, 0))
            here = octave == self.cell[0]
            two = rect.height() >= 2 * metrics.height()
            base = rect.center().y() + (-metrics.descent() if two else metrics.ascent() / 2 - 1)
            painter.setPen(self._look.colour("text" if here else "muted"))
            painter.drawText(QPointF(4, base), minus(f"octave {octave}"))
            if two:
                painter.setPen(self._look.colour("muted"))
                painter.drawText(QPointF(4, base + metrics.height()), f"{size[0]} × {size[1]}")

    def _paint_cell(self, painter: QPainter, cell: Cell) -> None:
        rect, picture = self.rect_of(cell), self.pictures.get(cell)
        painter.fillRect(rect, self._look.colour("raised"))
        if picture is None or self.shape is None:
            return
        pixmap = self._pixmap(cell, picture)
        scale = rect.width() / self.shape.image[0]
        lead = (0.5 - 0.5 * picture.step) * scale
        size = (pixmap.width() * picture.step * scale, pixmap.height() * picture.step * scale)
        painter.save()
        painter.setClipRect(rect)
        painter.drawPixmap(rect, pixmap, QRectF(pixmap.rect()))  # shows at the far border, where rows were dropped
        painter.drawPixmap(
            QRectF(rect.left() + lead, rect.top() + lead, *size), pixmap, QRectF(0, 0, pixmap.width(), pixmap.height())
        )
        painter.restore()

    def _pixmap(self, cell: Cell, picture: LevelPicture) -> QPixmap:
        kept = self._pixmaps.get(cell)
        if kept is None or kept[0] is not picture:
            height, width = picture.rgb.shape[:2]
            image = QImage(picture.rgb.data, width, height, 3 * width, QImage.Format.Format_RGB888)
            kept = (picture, QPixmap.fromImage(image))
            self._pixmaps[cell] = kept
        return kept[1]

    def _paint_cursors(self, painter: QPainter) -> None:
        """Stamp one small cross into every cell."""
        if self.point is None or self.shape is None:
            return
        sprite = self._sprite()
        left, top, width, height = self._layout(self.shape)
        scale = width / self.shape.image[0]
        left, top = left + (self.point[0] + 0.5) * scale - ARM, top + (self.point[1] + 0.5) * scale - ARM
        for row in range(len(self.shape.octaves)):
            for column in range(len(self.shape.sigmas)):
                painter.drawPixmap(QPointF(left + column * (width + GAP), top + row * (height + GAP)), sprite)

    def _sprite(self) -> QPixmap:
        ratio = self.devicePixelRatioF()
        key = (self._look.tokens, ratio)
        if self._cross is None or self._cross[0] != key:
            pixmap = QPixmap(QSize(2 * ARM, 2 * ARM) * ratio)
            pixmap.setDevicePixelRatio(ratio)
            pixmap.fill(Qt.GlobalColor.transparent)
            painter = QPainter(pixmap)
            for width, colour in ((3.0, "canvas"), (1.4, "selected")):
                painter.setPen(QPen(self._look.colour(colour), width))
                for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
                    start, stop = QPointF(ARM + 2 * dx, ARM + 2 * dy), QPointF(ARM + 6 * dx, ARM + 6 * dy)
                    painter.drawLine(QLineF(start, stop))
            painter.end()
            self._cross = (key, pixmap)
        return self._cross[1]

    def _paint_frame(self, painter: QPainter) -> None:
        """Frame the cell shown large, and thinly the two planes its extrema are compared with."""
        assert self.shape is not None
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if self.shape.kind == "dog":
            for level in (self.cell[1] - 1, self.cell[1] + 1):
                if 0 <= level < len(self.shape.sigmas) and self.cell[1] in self.shape.searched:
                    painter.setPen(QPen(self._look.colour("selected"), 1, Qt.PenStyle.DashLine))
                    painter.drawRect(self.rect_of((self.cell[0], level)).adjusted(-1, -1, 0, 0))
        painter.setPen(QPen(self._look.colour("selected"), 2))
        painter.drawRect(self.rect_of(self.cell).adjusted(-1, -1, 0, 0))

    def _paint_legend(self, painter: QPainter, metrics: QFontMetricsF, shape: GridShape) -> None:
        """Draw the bar of colours with grey values, under the grid."""
        left, head, width, height = self._layout(shape)
        rows, columns = len(shape.octaves), len(shape.sigmas)
        top = head + rows * (height + GAP) + 4
        picture = self.pictures.get(self.cell)
        limit = 0.0 if picture is None else picture.limit
        if shape.kind == "dog":
            marks = ((0.0, f"−{significant(limit)}"), (0.5, "0"), (1.0, f"+{significant(limit)}")) if limit else ()
            words = "grey levels · blue: bright blobs · orange: dark blobs"
        else:
            marks, words = ((0.0, "0"), (0.5, "128"), (1.0, "255")), "grey levels"
        # Columns of a narrow picture are narrower together than the numbers below the bar.
        least = 2.5 * sum(metrics.horizontalAdvance(text) for _, text in marks)
        bar = QRectF(left, top, min(260.0, max(columns * (width + GAP) - GAP, least)), BAR)
        gradient = QLinearGradient(bar.topLeft(), bar.topRight())
        if shape.kind == "dog":
            colours = table(dark=self._look.tokens.name == "dark")
            for index in range(0, 255, 6):
                gradient.setColorAt(index / 254, QColor(*(int(c) for c in colours[index])))
        else:
            gradient.setColorAt(0, QColor("#000000"))
            gradient.setColorAt(1, QColor("#ffffff"))
        painter.setPen(QPen(self._look.colour("rule"), 1))
        painter.setBrush(gradient)
        painter.drawRect(bar)
        painter.setPen(self._look.colour("text"))
        base = bar.bottom() + metrics.ascent() + 3
        for share, text in marks:
            span = metrics.horizontalAdvance(text)
            painter.drawText(QPointF(bar.left() + share * (bar.width() - span), base), text)
        painter.setPen(self._look.colour("muted"))
        room = self.width() - bar.left() - 4
        line = metrics.elidedText(words, Qt.TextElideMode.ElideRight, room)
        painter.drawText(QPointF(bar.left(), base + metrics.height()), line)

    # -------------------------------------------------------------------------- events

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Choose the cell and move the cursor."""
        self.setFocus(Qt.FocusReason.MouseFocusReason)
        cell = self.cell_at(event.position().x(), event.position().y())
        if cell is None or event.button() != Qt.MouseButton.LeftButton:
            return
        self._dragged = cell
        if cell != self.cell:
            self.cell_chosen.emit(cell)
        self._move(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Drag the cursor."""
        if self._dragged is not None:
            self._move(event)
        else:
            over = self.cell_at(event.position().x(), event.position().y()) is not None
            self.setCursor(Qt.CursorShape.CrossCursor if over else Qt.CursorShape.ArrowCursor)

    def mouseReleaseEvent(self, _event: QMouseEvent) -> None:
        """Let the cursor go."""
        if self._dragged is not None:
            self._dragged = None
            self.chosen.emit(self.point)

    def _move(self, event: QMouseEvent) -> None:
        assert self._dragged is not None
        self.set_point(self.point_in(self._dragged, event.position().x(), event.position().y()))
        self.moved.emit(self.point)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Step to the next coarser or finer level with Down and Up, also from octave to octave."""
        step = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}.get(Qt.Key(event.key()))
        cells = self.cells()
        if step is None or self.cell not in cells or event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            super().keyPressEvent(event)
            return
        place = cells.index(self.cell) + step
        if 0 <= place < len(cells):
            self.cell_chosen.emit(cells[place])

    def event(self, event: QEvent) -> bool:
        """Tell a cell's octave, layer and blur in its tooltip."""
        if isinstance(event, QHelpEvent) and self.shape is not None:
            cell = self.cell_at(event.pos().x(), event.pos().y())
            if cell is not None:
                QToolTip.showText(event.globalPos(), self.shape.words(cell), self)
                return True
        return super().event(event)
