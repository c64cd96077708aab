"""Where Tab goes: through everything that can be seen and used, part by part, in the order of reading.

What lives here: :func:`stops` and :func:`step`. What does not: which parts there are (the window). May import: QtCore,
QtWidgets.

Qt's own order is that in which widgets were made; and a page that hands its focus to its picture is a stop of its own
there, behind which Tab never gets to what stands before the picture.
"""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QScrollArea, QWidget

ROW = 10  # pixels: tops that differ by less stand in one row


def stops(parts: Sequence[QWidget]) -> list[QWidget]:
    """Return what Tab stops at: the parts in their order, within each row by row, and from left to right."""
    found: list[QWidget] = []
    for part in parts:
        if part.isVisible():
            found += _by_rows([child for child in part.findChildren(QWidget) if _takes_focus(child)], part)
    return list(dict.fromkeys(found))


def step(parts: Sequence[QWidget], at: QWidget | None, *, on: bool) -> bool:
    """Give the keyboard to the next stop, or to the one before; return whether there is any."""
    order = stops(parts)
    if not order:
        return False
    if at in order:
        chosen = order[(order.index(at) + (1 if on else -1)) % len(order)]
    else:  # a page as a whole: what stands in it comes next
        inside = [stop for stop in order if at is not None and at.isAncestorOf(stop)] or order
        chosen = inside[0 if on else -1]
    chosen.setFocus(Qt.FocusReason.TabFocusReason if on else Qt.FocusReason.BacktabFocusReason)
    _bring_into_view(chosen)
    return True


def _takes_focus(widget: QWidget) -> bool:
    """Whether Tab stops at a widget: one that hands its focus on is none, the receiver is found by itself."""
    wanted = bool(widget.focusPolicy() & Qt.FocusPolicy.TabFocus)
    return wanted and widget.focusProxy() is None and widget.isEnabled() and widget.isVisible()


def _by_rows(widgets: list[QWidget], part: QWidget) -> list[QWidget]:
    places = sorted(((place.y(), place.x(), i) for i, w in enumerate(widgets) for place in [w.mapTo(part, QPoint())]))
    rows: list[list[tuple[int, int]]] = []
    top = -(10**9)
    for y, x, index in places:
        if y - top >= ROW:
            rows.append([])
            top = y
        rows[-1].append((x, index))
    return [widgets[index] for row in rows for _, index in sorted(row)]


def _bring_into_view(widget: QWidget) -> None:
    parent = widget.parentWidget()
    while parent is not None:
        if isinstance(parent, QScrollArea) and parent.isAncestorOf(widget):
            parent.ensureWidgetVisible(widget)
        parent = parent.parentWidget()
