"""The list of pairs at the left: filter, thumbnails made only for the rows in view, two-line rows.

What lives here: the model, the delegate and :class:`PairBrowser`. What does not: making a thumbnail
(``app.pairs``, in the thumbnail lane). May import: ``app.pairs`` inside functions, ``app.ui.about_pair``,
``app.ui.session``, ``app.ui.style``, Qt's core, gui and widgets.

One list view and one delegate, never a widget per row, so that thousands of pairs cost what thirty do.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Sequence
from functools import partial
from typing import Any

import numpy as np
from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QSize,
    QSortFilterProxyModel,
    Qt,
    QTimer,
    Signal,
)
from PySide6.QtGui import QAction, QFontMetrics, QImage, QPainter, QPixmap
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListView,
    QMenu,
    QPushButton,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from app.jobs import Progress, native
from app.records import PairRef, UInt8
from app.ui.about_pair import AboutPair
from app.ui.lane import Event
from app.ui.panel import heading
from app.ui.session import Session
from app.ui.style import Style

log = logging.getLogger(__name__)
THUMBNAIL_SIDE = 96
KEPT_THUMBNAILS = 600
LEAST_WORDS = 6.0  # steps of the grid: where less room is beside the thumbnail, a few letters of a title say nothing
REF_ROLE = Qt.ItemDataRole.UserRole
Index = QModelIndex | QPersistentModelIndex
MakeThumbnail = Callable[[PairRef, int], UInt8]
Made = tuple[tuple[PairRef, "UInt8 | None"], ...]


def matches_filter(ref: PairRef, text: str) -> bool:
    """Whether every word of ``text`` occurs in the pair's title, tags or file names, in any case."""
    hay = " ".join((ref.title, *ref.tags, ref.left, ref.right)).casefold()
    return all(word in hay for word in text.casefold().split())


def thumbnails(refs: Sequence[PairRef], side: int, make: MakeThumbnail) -> Generator[Progress, None, Made]:
    """Make thumbnails one after another; a job whose payload is all made so far.

    A pair that cannot be read counts as made, with None: the message comes when it is opened.
    """
    made: list[tuple[PairRef, UInt8 | None]] = []
    for number, ref in enumerate(refs):
        yield Progress(number, len(refs), "Making thumbnails", tuple(made))
        try:
            progress = Progress(number, len(refs), "Making thumbnails", tuple(made))
            (picture,) = yield from native(partial(make, ref, side), progress=progress)
        except Exception as error:  # a decoder may fail in any way on a broken file
            log.info("no thumbnail of %s: %s", ref.title, error)
            picture = None
        made.append((ref, picture))
    return tuple(made)


class PairModel(QAbstractListModel):
    """The pairs and the thumbnails made so far."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.refs: tuple[PairRef, ...] = ()
        self.pictures: dict[PairRef, QPixmap | None] = {}

    def set_refs(self, refs: Sequence[PairRef]) -> None:
        """Replace the pairs."""
        self.beginResetModel()
        self.refs = tuple(refs)
        self.endResetModel()

    def add_pictures(self, made: Made) -> None:
        """Take thumbnails over; the oldest go when there are many."""
        for ref, rgb in made:
            if ref not in self.pictures:
                self.pictures[ref] = None if rgb is None else pixmap_of(rgb)
        while len(self.pictures) > KEPT_THUMBNAILS:
            del self.pictures[next(iter(self.pictures))]
        if made and self.refs:
            self.dataChanged.emit(self.index(0), self.index(len(self.refs) - 1), [Qt.ItemDataRole.DecorationRole])

    def rowCount(self, parent: Index | None = None) -> int:
        """Return the number of pairs."""
        return 0 if parent is not None and parent.isValid() else len(self.refs)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return a row's title, reference, tooltip or thumbnail."""
        if not index.isValid() or index.row() >= len(self.refs):
            return None
        ref = self.refs[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return ref.title
        if role == REF_ROLE:
            return ref
        if role == Qt.ItemDataRole.DecorationRole:
            return self.pictures.get(ref)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return ", ".join((ref.title, *ref.tags))
        if role == Qt.ItemDataRole.ToolTipRole:
            lines = [ref.title, " · ".join(ref.tags), ref.left, ref.right]
            return "\n".join(line for line in lines if line)
        return None


class _Filter(QSortFilterProxyModel):
    """Lets through the pairs whose title or tags hold every word typed."""

    text = ""

    def filterAcceptsRow(self, row: int, _parent: Index) -> bool:
        """Whether this row is shown."""
        source = self.sourceModel()
        return matches_filter(source.refs[row], self.text) if isinstance(source, PairModel) else True


class PairDelegate(QStyledItemDelegate):
    """Paints a row: thumbnail, title, and the tags on a line of their own."""

    def __init__(self, look: Style, missing: Callable[[], None], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look = look
        self._missing = missing

    def sizeHint(self, _option: QStyleOptionViewItem, _index: Index) -> QSize:
        """Return a row's size: all alike, with room for two lines of each."""
        return QSize(self._look.px(24), self._look.px(8))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Paint one row."""
        look, ref = self._look, index.data(REF_ROLE)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        state: Any = option.state
        row: QRect = option.rect.adjusted(look.px(0.5), 1, -look.px(0.5), -1)
        selected = bool(state & QStyle.StateFlag.State_Selected)
        if selected or state & QStyle.StateFlag.State_MouseOver:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(look.colour("hover" if selected else "raised"))
            painter.drawRoundedRect(row, 4, 4)
        if selected:
            painter.setBrush(look.colour("accent"))
            painter.drawRoundedRect(QRect(row.left(), row.top() + 8, 3, row.height() - 16), 1.5, 1.5)
        box = QRect(row.left() + look.px(1), row.top() + look.px(0.75), look.px(9), row.height() - look.px(1.5))
        self._paint_picture(painter, box, index)
        beside = QRect(QPoint(box.right() + look.px(1.25), row.top()), row.bottomRight())
        if beside.width() >= look.px(LEAST_WORDS):
            self._paint_text(painter, beside, ref)
        painter.restore()

    def _paint_picture(self, painter: QPainter, box: QRect, index: Index) -> None:
        ref = index.data(REF_ROLE)
        picture = index.data(Qt.ItemDataRole.DecorationRole)
        if isinstance(picture, QPixmap):
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
            size = picture.size().scaled(box.size(), Qt.AspectRatioMode.KeepAspectRatio)
            place = QRect(QPoint(0, 0), size)
            place.moveCenter(box.center())
            painter.drawPixmap(place, picture)
            return
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._look.colour("raised"))
        painter.drawRoundedRect(box, 3, 3)
        source = index.model()
        known = source.sourceModel() if isinstance(source, QSortFilterProxyModel) else source
        if isinstance(known, PairModel) and ref in known.pictures:
            self._look.icon("warning", "muted").paint(painter, box.adjusted(8, 8, -8, -8))
        else:
            self._missing()

    def _paint_text(self, painter: QPainter, box: QRect, ref: PairRef) -> None:
        """Paint title and tags; each takes a second line only if it must."""
        box.adjust(0, self._look.px(0.5), -self._look.px(0.5), -self._look.px(0.5))
        title_font, tag_font = self._look.font(0.95), self._look.font(0.82)
        title_lines = wrapped(ref.title, QFontMetrics(title_font), box.width(), 2)
        tags = " · ".join(ref.tags) or "own images"
        tag_lines = wrapped(tags, QFontMetrics(tag_font), box.width(), 2)
        lines = [(text, title_font, "text") for text in title_lines]
        lines += [(text, tag_font, "muted") for text in tag_lines]
        heights = [QFontMetrics(font).height() for _, font, _ in lines]
        top = box.top() + (box.height() - sum(heights)) // 2
        for (text, font, token), height in zip(lines, heights, strict=True):
            painter.setFont(font)
            painter.setPen(self._look.colour(token))
            painter.drawText(QRect(box.left(), top, box.width(), height), Qt.AlignmentFlag.AlignLeft, text)
            top += height


def wrapped(text: str, metrics: QFontMetrics, width: int, lines: int) -> list[str]:
    """Return ``text`` broken between words into at most ``lines`` lines, elided where they must be.

    A path is elided in its middle: its end tells most.
    """

    def fitting(line: str) -> str:
        mode = Qt.TextElideMode.ElideMiddle if "/" in line else Qt.TextElideMode.ElideRight
        return metrics.elidedText(line, mode, width)

    result: list[str] = []
    words = text.split()
    while words and len(result) < lines - 1:
        count = len(words)
        while count > 1 and metrics.horizontalAdvance(" ".join(words[:count])) > width:
            count -= 1
        result.append(fitting(" ".join(words[:count])))
        words = words[count:]
    rest = " ".join(words)
    return [*result, fitting(rest)] if rest else result


def pixmap_of(rgb: UInt8) -> QPixmap:
    """Return an (H, W, 3) uint8 array as a pixmap."""
    array = np.ascontiguousarray(rgb)
    height, width = array.shape[:2]
    image = QImage(array.data, width, height, 3 * width, QImage.Format.Format_RGB888)
    return QPixmap.fromImage(image)  # copies, so that the array may go


class PairBrowser(QWidget):
    """The filter, the list and the button for own images; follows and sets the session's pair.

    Signals:
        moved_out: the user pressed Return in the list; the picture may take the focus.
    """

    moved_out = Signal()

    def __init__(
        self, session: Session, look: Style, make: MakeThumbnail | None = None, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("panel")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._session, self._look, self._make = session, look, make
        self.model = PairModel(self)
        self.filtered = _Filter(self)
        self.filtered.setSourceModel(self.model)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(30)  # one job for all rows that a paint or a scroll found without a picture
        self._timer.timeout.connect(self._make_missing)
        self._build()
        session.pairs_changed.connect(self._show_pairs)
        session.pair_changed.connect(self._show_current)
        session.thumbnail_lane.progressed.connect(self._on_made)
        session.thumbnail_lane.finished.connect(self._on_made)
        look.changed.connect(lambda _: self.view.doItemsLayout())
        self._show_pairs(session.pairs)

    def _build(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 12, 8, 8)
        column.setSpacing(8)
        head = QHBoxLayout()
        head.setContentsMargins(4, 0, 4, 0)
        self.count = QLabel()
        self.count.setProperty("role", "muted")
        head.addWidget(heading("PAIRS"))
        head.addStretch(1)
        head.addWidget(self.count)
        column.addLayout(head)
        self.search = QLineEdit()
        self.search.setPlaceholderText("Filter by name or tag")
        self.search.setClearButtonEnabled(True)
        self.search.setAccessibleName("Filter pairs by name or tag")
        self.search.setToolTip("Show only the pairs that have these words in their name or tags")
        self.search.textChanged.connect(self._filter)
        column.addWidget(self.search)
        column.addWidget(self._list(), 1)
        self.empty = QLabel("No pair has these words in its name or tags. Clear the filter to see all.")
        self.empty.setProperty("role", "help")
        self.empty.setWordWrap(True)
        self.empty.hide()
        column.addWidget(self.empty)
        self.about = AboutPair(self._session)
        column.addWidget(self.about)
        self.open_button = QPushButton("Open images")
        self.open_button.setToolTip("Open two images, a folder, a list of pairs, or the built-in pairs")
        column.addWidget(self.open_button)

    def set_open_actions(self, actions: Sequence[QAction]) -> None:
        """Give the button below the list its menu."""
        menu = QMenu(self.open_button)
        menu.addActions(actions)
        self.open_button.setMenu(menu)

    def _list(self) -> QListView:
        self.view = QListView()
        self.view.setModel(self.filtered)
        self.view.setItemDelegate(PairDelegate(self._look, self._request, self))
        self.view.setUniformItemSizes(True)
        self.view.setMouseTracking(True)
        self.view.setVerticalScrollMode(QListView.ScrollMode.ScrollPerPixel)
        self.view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.view.setAccessibleName("Pairs")
        self.view.selectionModel().currentChanged.connect(self._chosen)
        self.view.activated.connect(lambda _: self.moved_out.emit())
        return self.view

    def _filter(self, text: str) -> None:
        # QSortFilterProxyModel filters anew on this call alone; the text itself is ours.
        self.filtered.text = text
        self.filtered.invalidate()
        self._show_count()
        self._show_current(self._session.state.pair)

    def _show_count(self) -> None:
        shown, total = self.filtered.rowCount(), len(self.model.refs)
        self.count.setText(f"{total}" if shown == total else f"{shown} of {total}")
        self.empty.setVisible(shown == 0 and total > 0)

    def _show_pairs(self, refs: Sequence[PairRef]) -> None:
        self.model.set_refs(refs)
        self._show_count()
        self._show_current(self._session.state.pair)

    def _show_current(self, ref: PairRef | None) -> None:
        """Mark the session's pair; a list that does not show it marks nothing."""
        selection = self.view.selectionModel()
        selection.blockSignals(True)
        try:
            row = self.model.refs.index(ref) if ref in self.model.refs else -1
            place = self.filtered.mapFromSource(self.model.index(row)) if row >= 0 else QModelIndex()
            self.view.setCurrentIndex(place)
            if place.isValid():
                self.view.scrollTo(place)
        finally:
            selection.blockSignals(False)
        self.view.viewport().update()

    def _chosen(self, index: QModelIndex) -> None:
        ref = index.data(REF_ROLE)
        if isinstance(ref, PairRef):
            self._session.set_pair(ref)

    def _request(self) -> None:
        """A row in view has no picture: make it soon, in the lane."""
        if not self._timer.isActive() and not self._session.thumbnail_lane.busy:
            self._timer.start()

    def missing_rows(self) -> list[PairRef]:
        """Return the pairs in view that have no thumbnail yet, from the top."""
        area = self.view.viewport().rect()
        first = self.view.indexAt(area.topLeft() + QPoint(4, 4)).row()
        last = self.view.indexAt(area.bottomLeft() + QPoint(4, -4)).row()
        last = self.filtered.rowCount() - 1 if last < 0 else last
        rows = range(max(0, first), last + 1)
        refs = [self.filtered.index(row, 0).data(REF_ROLE) for row in rows]
        return [ref for ref in refs if ref is not None and ref not in self.model.pictures]

    def _make_missing(self) -> None:
        refs, make = self.missing_rows(), self._make or _make_thumbnail
        if refs and self.isVisible():
            side = round(THUMBNAIL_SIDE * self._look.scale)
            self._session.thumbnail_lane.start(lambda: thumbnails(refs, side, make))

    def _on_made(self, event: Event) -> None:
        made = event.value.payload if isinstance(event.value, Progress) else event.value
        self.model.add_pictures(made or ())
        # Rows scrolled into view meanwhile ask again when they are painted with the new pictures.
        self.view.viewport().update()


def _make_thumbnail(ref: PairRef, side: int) -> UInt8:
    from app import pairs

    picture: UInt8 = pairs.thumbnail(ref, side)
    return picture
