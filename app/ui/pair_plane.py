"""Two pictures on one plane, with their names above: what the first paint needs of the picture canvas.

What lives here: :class:`PairPlane`. What does not: its view of the plane (``plane_view``), lines, keypoints, marks,
legend and what the mouse does (``pair_view``), the pictures (``pictures``), where they stand (``scene``). May import:
all but ``pair_view``, ``canvas_words``, records, Qt.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.records import Image, ImagePair, Side
from app.ui import canvas_words
from app.ui.picture_part import Part, StillPicture
from app.ui.pictures import PairPictures
from app.ui.plane_view import PlaneView
from app.ui.scene import Placed, Scene, arranged

if TYPE_CHECKING:
    from app.ui.overlays import Colours
    from app.ui.remembered import Remembered, RememberedPicture

SIDES: tuple[Side, Side] = ("left", "right")


class PairPlane(PlaneView):
    """Two pictures, fitted into the widget, with words above them."""

    def __init__(self, tokens: Colours, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.tokens = tokens
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumSize(160, 120)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setAccessibleName("Image pair")
        self.images: dict[Side, Image] = {}
        self.pictures = PairPictures()
        self.dimmed = False
        self.message = ""
        self.captions: dict[Side, str] = {}
        self._font_scale = 1.0

    # ------------------------------------------------------------------- what is shown

    def set_images(self, left: Image | None, right: Image | None) -> None:
        """Show two pictures (or nothing); the view is fitted when they are others than before."""
        new = {side: image for side, image in (("left", left), ("right", right)) if image is not None}
        same = {s: i.id for s, i in self.images.items()} == {s: i.id for s, i in new.items()}
        self.images = {side: new[side] for side in SIDES if side in new}
        if same:
            return
        self.pictures.set_images(self.images)
        self._forget()
        self._arrange()
        self.fit()

    def _forget(self) -> None:
        """Forget what belonged to the pictures shown before."""

    def set_pair(self, pair: ImagePair | None) -> None:
        """Show the pictures of a pair with their names and sizes above, or nothing."""
        self.set_images(None if pair is None else pair.left, None if pair is None else pair.right)
        if pair is not None:
            named = zip(SIDES, (pair.left, pair.right), strict=True)
            self.set_captions(*(f"{side} · {image.name} · {image.width} × {image.height}" for side, image in named))

    def remembered(self) -> Remembered | None:
        """Return what is shown when both pictures are seen whole, None without them."""
        from app.ui.remembered import Remembered

        scene = self.scene
        return None if scene is None else Remembered(*(self._remembered(side, scene) for side in SIDES))

    def _remembered(self, side: Side, scene: Scene) -> RememberedPicture:
        from app.ui.remembered import RememberedPicture

        at = scene.of(side)
        part = self.pictures.whole(side, at, self.fitted(scene))
        place = (at.width, at.height, at.scale, at.x, at.y)
        return RememberedPicture(place, self.captions.get(side, ""), part.data, part.size, part.scale, part.x, part.y)

    def show_remembered(self, shown: Remembered) -> None:
        """Show what is left of a pair that is not there yet."""
        named = dict(zip(SIDES, shown, strict=True))
        parts = {s: Part(p.pixels, p.size, p.scale, p.x, p.y, inside=False) for s, p in named.items()}
        self.pictures.set_stills({side: StillPicture(part, named[side].place[:2]) for side, part in parts.items()})
        self.scene = Scene(Placed(*shown.left.place), Placed(*shown.right.place))
        self.set_captions(shown.left.caption, shown.right.caption)
        self.fit()

    def set_captions(self, left: str, right: str) -> None:
        """Write words above either picture."""
        self.captions = {"left": left, "right": right}
        self.update()

    def caption_of(self, side: Side) -> str:
        """Return the words above a picture; the left one's say when the right picture lies over it."""
        if side == "right" or self.pictures.mode == "none":
            return self.captions.get(side, "")
        return f"right over left · {self.pictures.mode}"

    def set_message(self, text: str) -> None:
        """Write a sentence over an empty or failed view."""
        self.message = text
        self.update()

    def set_dimmed(self, dimmed: bool) -> None:
        """Show the pictures darker: a newer result is on its way."""
        if dimmed != self.dimmed:
            self.dimmed = dimmed
            self.update()

    def _view_moved(self) -> None:
        self.update()

    def _arrange(self) -> None:
        """Place the pictures."""
        if len(self.images) < 2:
            self.scene = None
        else:
            self.scene = self._arranged(self.images["left"].size, self.images["right"].size)

    def _arranged(self, left: tuple[int, int], right: tuple[int, int]) -> Scene:
        """Return the places of pictures of these sizes."""
        return arranged(left, right, "auto", (self.width(), self.height()))

    # ------------------------------------------------------------------------- painting

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Paint the canvas."""
        painter = QPainter(self)
        self.paint(painter)
        painter.end()

    def paint(self, painter: QPainter) -> None:
        """Draw everything the widget shows with a painter in the widget's coordinates."""
        painter.save()
        painter.setClipRegion(self._beside())
        # Not fillRect: to look whether it is meant for a gradient makes the list of all 169 presets, 4 ms.
        painter.setBackground(QColor(self.tokens.canvas))
        painter.eraseRect(self.rect())
        painter.restore()
        if self.scene is None:
            canvas_words.message(painter, self, self.message or "Open two pictures, or drop them here.")
            return
        self._paint_pictures(painter, self.scene)
        if self.dimmed:
            shade = QColor(self.tokens.canvas)
            shade.setAlpha(130)
            painter.fillRect(self.rect(), shade)
        self._paint_over(painter)
        if self.hasFocus():
            canvas_words.focus_ring(painter, self.width(), self.height(), self.tokens.accent)

    def _paint_pictures(self, painter: QPainter, scene: Scene) -> None:
        for side in SIDES:
            self.pictures.paint(painter, side, scene.of(side), self.view)

    def _paint_over(self, painter: QPainter) -> None:
        """Draw what lies over the pictures."""
        canvas_words.captions(painter, self)

    def ui_font(self, factor: float = 1.0) -> QFont:
        """Return the font of captions and legend."""
        font = QFont(self.font())
        font.setPointSizeF(10.0 * self._font_scale * factor)
        return font

    def resizeEvent(self, _event: QResizeEvent) -> None:
        """Keep a fitted view fitted."""
        if self.scene is not None and self._fitted:
            if self.images:
                self._arrange()
            self.fit()
