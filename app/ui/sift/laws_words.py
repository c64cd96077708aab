"""What stands under the Laws page: the law, what to look at, what to try, and what the lecture's slide says.

What lives here: the words and :class:`WordsPanel`, which shows those of one part in columns. What does not: the parts.
May import: ``facts``, ``settings_panel``, QtWidgets.
"""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QScrollArea, QWidget

from app.ui.facts import sentence
from app.ui.panel import heading

COLUMNS = {"THE LAW": 5, "LOOK AT": 4, "TRY": 4, "ON THE SLIDE": 3}  # head -> share of the width
WORDS: dict[str, tuple[str, str, str, str]] = {
    "line": (
        "On a line a Gaussian never makes a new maximum or minimum: a maximum and the minimum beside it vanish "
        "together. With the discrete Gaussian e⁻ᵗ Iₙ(t), t = σ², exactly so in every row.",
        "The arches: each is a maximum and a minimum that merge, at a scale that belongs to the size of the detail. "
        "The counts at the right only fall.",
        "Drag the row over an edge, a texture and a flat place. Fine texture is gone at 4 px; the outline of the large "
        "things reaches the top.",
        "“No spurious extrema” is right on a line only. In a picture new maxima can appear; see Axioms.",
    ),
    "dog": (
        "DoG = G(kσ) − G(σ) is the Laplacian averaged over log σ from σ to kσ. The middle of that interval gives "
        "ln k · σₑ² ∇²G(σₑ) with σₑ = √k σ. Both Gaussians need the constant 1 / (2πσ²).",
        "The two errors against the difference's own norm: at k = 2^(1/3) the first order is off by 34 %, the middle "
        "by 1.4 %. Same cost.",
        "Drag k: the first order leaves at once, the middle stays. Switch on the slide normalisation and watch the "
        "flat region answer where nothing is.",
        "G(kσ) − G(σ) ≈ (k − 1) σ² ∇²G, and 1 / (√(2π) σ) before the exponential: the first is a first order, the "
        "second the constant of one dimension.",
    ),
    "axioms": (
        "The Gaussian scale space is linear, commutes with shifts and with turns, and its blurs add: a then b is "
        "√(a² + b²). Causality: no region brighter or darker than a level appears without one under it.",
        "The largest difference of each trial, as a share of the picture's range: rounding for shifts and quarter "
        "turns, interpolation for other angles, the sampling of the kernel for the semigroup at small σ.",
        "Turn by 30° and by 90°. Lower σ to 0.5: the sampled kernel is too narrow there, and the blurs no longer add. "
        "Read how many maxima are new, and that no region is.",
        "“No spurious extrema” in two dimensions: it is causality that holds, and that extrema are not enhanced.",
    ),
}


class WordsPanel(QScrollArea):
    """Four short texts side by side; they wrap, and scroll only in a very low dock."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWidgetResizable(True)
        self.setFrameShape(QScrollArea.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName("What this page shows")
        inner = QWidget()
        grid = QGridLayout(inner)
        grid.setContentsMargins(16, 8, 16, 8)
        grid.setHorizontalSpacing(24)
        grid.setVerticalSpacing(4)
        self.texts = []
        for column, (title, share) in enumerate(COLUMNS.items()):
            text = sentence("")
            grid.addWidget(heading(title), 0, column)
            grid.addWidget(text, 1, column)
            grid.setColumnStretch(column, share)
            self.texts.append(text)
        grid.setRowStretch(1, 1)
        self.setWidget(inner)

    def show_part(self, part: str) -> None:
        """Show the words of a part."""
        for label, text in zip(self.texts, WORDS[part], strict=True):
            label.setText(text)
