"""How the program looks: the tokens, and what follows from them (palette, style sheet, icons).

What lives here: colours, sizes and the :class:`Style` that widgets ask for them. What does not: any
widget. May import: ``app.locate`` and Qt's core, gui, widgets; what icons are made of (svg too) with the first icon,
which comes after the first paint.

Fusion with an own palette, dark and light, following the system; one accent; a grid of 8 px. Colours of
verdicts are safe for colour-blind eyes (Okabe and Ito) and always doubled by a mark or a dash.
"""

from __future__ import annotations

from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, NamedTuple

from PySide6.QtCore import QByteArray, QObject, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication

from app import locate

if TYPE_CHECKING:
    from PySide6.QtGui import QIcon, QPixmap

GRID = 8
RADIUS = 4
POINT_SIZE = 10.0
PRESENT_SCALE = 1.6
FUSION = "in Fusion"  # property of an application that has this style already
THEMES = ("system", "dark", "light")


class Tokens(NamedTuple):
    """The colours of one theme, as ``#rrggbb`` (a named tuple: the first paint waits for this class to be made)."""

    name: str
    background: str
    surface: str
    raised: str
    hover: str
    rule: str
    edge: str
    text: str
    muted: str
    accent: str
    on_accent: str
    canvas: str
    right: str
    wrong: str
    consistent: str
    undecided: str
    selected: str
    error: str

    def colours(self) -> dict[str, str]:
        """Return name -> colour of every token."""
        return {name: colour for name, colour in self._asdict().items() if name != "name"}


DARK = Tokens(
    name="dark",
    background="#14161b",
    surface="#1b1e25",
    raised="#242832",
    hover="#2d3340",
    rule="#2f3540",
    edge="#6b7482",
    text="#e8ebf0",
    muted="#97a0af",
    accent="#7c8cff",
    on_accent="#0b0d1a",
    canvas="#0e1014",
    right="#56b4e9",
    wrong="#e69f00",
    consistent="#4fc3a1",
    undecided="#8b93a1",
    selected="#f0e442",
    error="#ff8a80",
)
LIGHT = Tokens(
    name="light",
    background="#f4f5f7",
    surface="#ffffff",
    raised="#eceef2",
    hover="#e0e3ea",
    rule="#d5d9e0",
    edge="#7d8694",
    text="#1b1f27",
    muted="#565f6e",
    accent="#4453d6",
    on_accent="#ffffff",
    canvas="#e3e6eb",
    right="#0072b2",
    wrong="#b85200",
    consistent="#00795a",
    undecided="#616875",
    selected="#b8a000",
    error="#b3261e",
)


def luminance(colour: str) -> float:
    """Return the relative luminance of ``#rrggbb`` in [0, 1] (WCAG 2.2)."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Return the contrast ratio of two colours, 1 to 21 (WCAG 2.2)."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


class Style(QObject):
    """The look in use: ask it for tokens, fonts and icons; ``changed`` tells when to ask again."""

    changed = Signal(object)

    def __init__(self, theme: str = "system", parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._theme = theme if theme in THEMES else "system"
        self._presenting = False
        self._icons: dict[tuple[str, str, str], QIcon] = {}
        hints = QGuiApplication.styleHints()
        if hints is not None:
            hints.colorSchemeChanged.connect(self._system_changed)

    @property
    def theme(self) -> str:
        """``system``, ``dark`` or ``light``, as chosen."""
        return self._theme

    @property
    def tokens(self) -> Tokens:
        """The colours in use."""
        if self._theme == "system":
            return DARK if _system_is_dark() else LIGHT
        return DARK if self._theme == "dark" else LIGHT

    @property
    def presenting(self) -> bool:
        """Whether the window is in presentation mode: larger type, thicker lines."""
        return self._presenting

    @property
    def scale(self) -> float:
        """Factor of type and control sizes: 1, or 1.6 while presenting."""
        return PRESENT_SCALE if self._presenting else 1.0

    @property
    def line_scale(self) -> float:
        """Factor of line widths and marks in the pictures: 1, or 2 while presenting."""
        return 2.0 if self._presenting else 1.0

    def colour(self, name: str) -> QColor:
        """Return the colour of a token by its name."""
        return QColor(getattr(self.tokens, name))

    def font(self, factor: float = 1.0, *, bold: bool = False) -> QFont:
        """Return the interface's font at ``factor`` times the usual size."""
        font = QFont(QApplication.font())
        font.setPointSizeF(POINT_SIZE * self.scale * factor)
        font.setBold(bold)
        return font

    def px(self, units: float) -> int:
        """Return ``units`` steps of the 8-px grid in pixels at the present scale."""
        return round(GRID * units * self.scale)

    def icon(self, name: str, token: str = "text") -> QIcon:
        """Return ``resources/icons/NAME.svg`` tinted by a token, muted where it is disabled."""
        key = (name, token, self.tokens.name)
        if key not in self._icons:
            self._icons[key] = _tinted(name, self.tokens, token)
        return self._icons[key]

    def set_theme(self, theme: str) -> None:
        """Choose ``system``, ``dark`` or ``light``."""
        if theme in THEMES and theme != self._theme:
            self._theme = theme
            self.apply()

    def set_presenting(self, presenting: bool) -> None:
        """Switch the presentation mode's larger type on or off."""
        if presenting != self._presenting:
            self._presenting = presenting
            self.apply()

    def apply(self) -> None:
        """Give the application this look and tell everybody."""
        app = QApplication.instance()
        if isinstance(app, QApplication):
            if not app.property(FUSION):
                app.setStyle("Fusion")
                app.setProperty(FUSION, True)
            app.setPalette(palette(self.tokens))
            app.setFont(self.font())
            app.setStyleSheet(style_sheet(self.tokens, self.scale))
        self.changed.emit(self)

    def _system_changed(self) -> None:
        if self._theme == "system":
            self.apply()


def _system_is_dark() -> bool:
    hints = QGuiApplication.styleHints()
    # Where the desktop says nothing the program is dark: the pictures are then the brightest thing.
    return hints is None or hints.colorScheme() != Qt.ColorScheme.Light


def palette(tokens: Tokens) -> QPalette:
    """Return Qt's palette of a theme, for everything that a style sheet does not reach."""
    roles = QPalette.ColorRole
    result = QPalette()
    for role, colour in (
        (roles.Window, tokens.surface),
        (roles.WindowText, tokens.text),
        (roles.Base, tokens.raised),
        (roles.AlternateBase, tokens.surface),
        (roles.Text, tokens.text),
        (roles.Button, tokens.raised),
        (roles.ButtonText, tokens.text),
        (roles.BrightText, tokens.error),
        (roles.ToolTipBase, tokens.raised),
        (roles.ToolTipText, tokens.text),
        (roles.PlaceholderText, tokens.muted),
        (roles.Highlight, tokens.accent),
        (roles.HighlightedText, tokens.on_accent),
        (roles.Link, tokens.accent),
        (roles.Light, tokens.hover),
        (roles.Midlight, tokens.raised),
        (roles.Mid, tokens.rule),
        (roles.Dark, tokens.rule),
        (roles.Shadow, tokens.background),
    ):
        result.setColor(role, QColor(colour))
    for role in (roles.WindowText, roles.Text, roles.ButtonText):
        result.setColor(QPalette.ColorGroup.Disabled, role, QColor(tokens.muted))
    return result


def style_sheet(tokens: Tokens, scale: float = 1.0) -> str:
    """Return the style sheet of a theme at a scale, from ``resources/style.qss``."""
    folder = locate.resources()
    sizes = {f"u{n}": f"{round(n * scale)}px" for n in (2, 4, 6, 8, 10, 12, 14, 16, 20, 24, 28, 32, 40)}
    knob = round(12 * scale)  # a slider's handle: its border adds 2 px a side, its groove is 4 px high
    sizes |= {"knob": f"{knob}px", "knob_over": f"{knob // 2}px", "knob_round": f"{(knob + 4) // 2}px"}
    icons = (folder / "icons").as_posix()
    text = (folder / "style.qss").read_text(encoding="utf-8")
    return Template(text).substitute(
        tokens.colours(), **sizes, icons=icons, theme=tokens.name,
        small=f"{(POINT_SIZE - 1.5) * scale:g}pt",
    )  # fmt: skip


def _svg(path: Path, colour: str) -> QByteArray:
    """Return an icon's source with ``currentColor`` replaced, as a browser would."""
    return QByteArray(path.read_bytes().replace(b"currentColor", colour.encode()))


def _tinted(name: str, tokens: Tokens, token: str) -> QIcon:
    """Return the icon in a token's colour, with a disabled look."""
    from PySide6.QtGui import QIcon

    icon = QIcon()
    path = locate.resources() / "icons" / f"{name}.svg"
    for mode, colour in ((QIcon.Mode.Normal, tokens.colours()[token]), (QIcon.Mode.Disabled, tokens.edge)):
        for side in (16, 24, 32, 48):
            icon.addPixmap(_pixmap(_svg(path, colour), side), mode)
    return icon


def _pixmap(svg: QByteArray, side: int) -> QPixmap:
    from PySide6.QtGui import QPainter, QPixmap
    from PySide6.QtSvg import QSvgRenderer

    pixmap = QPixmap(QSize(side, side))
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    QSvgRenderer(svg).render(painter)
    painter.end()
    return pixmap
