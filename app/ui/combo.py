"""A combo box that says when its words do not fit.

What lives here: :class:`Combo`. What does not: any particular choice. May import: QtGui, QtWidgets.
"""

from __future__ import annotations

import html

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QHelpEvent, QPaintEvent
from PySide6.QtWidgets import QComboBox, QStyle, QStyleOptionComboBox, QStylePainter, QToolTip


class Combo(QComboBox):
    """Words too long for the box end in an ellipsis and stand in full in the tooltip; the list shows all of them."""

    @property
    def shown(self) -> str:
        """The words in the box, shortened to the room that there is."""
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        control, field = QStyle.ComplexControl.CC_ComboBox, QStyle.SubControl.SC_ComboBoxEditField
        room = self.style().subControlRect(control, option, field, self).width()
        return self.fontMetrics().elidedText(self.currentText(), Qt.TextElideMode.ElideRight, room)

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the box with its shortened words."""
        painter = QStylePainter(self)
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        # The style sets type fields that the stubs do not name.
        option.currentText = self.shown  # type: ignore[attr-defined, unused-ignore]
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)
        painter.end()

    def event(self, event: QEvent) -> bool:
        """Put the words in full before the help where the box has shortened them."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip and self.shown != self.currentText():
            QToolTip.showText(
                event.globalPos(), f"<p><b>{html.escape(self.currentText())}</b></p>{self.toolTip()}", self
            )
            return True
        return super().event(event)

    def showPopup(self) -> None:
        """Open a list that is as wide as its longest words."""
        view = self.view()
        bar = view.verticalScrollBar().sizeHint().width() if self.count() > self.maxVisibleItems() else 0
        view.setMinimumWidth(max(self.width(), view.sizeHintForColumn(0) + bar + 16))
        super().showPopup()
