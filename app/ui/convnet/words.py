"""What stands under the pages of the ConvNet workspace: formula, what to look at, what to try, and the slide's wording.

What lives here: the words. What does not: numbers. May import: ``explanation``.
"""

from __future__ import annotations

from app.ui.explanation import Words

RECONSTRUCTION = Words(
    "Top-k reconstruction: does a layer know where, or only what?",
    "sees ← sees + (kernel − 1) · jump,  jump ← jump · stride;  pasted at a cell: (1/k) Σ of the patches around the k "
    "cells of largest cosine ⟨f,\u00a0g⟩\u00a0/\u00a0(‖f‖\u00a0‖g‖)",
    "A deep layer sees much more than the patch that is pasted. Had it lost the place within its field, every patch "
    "of the field would do as well: that is “uniform rf”, mush. Layers that err far less than the control still know "
    "the place. Average of k: fewer wild patches, less detail; the error may fall while the picture blurs.",
    "Click a cell, then other columns: what does each layer take for alike? Set the weights to random: how much is "
    "architecture alone? Take patches from both pictures: k = 1 finds each cell itself. Take the photographs: a cup "
    "made of cats and coins.",
    "The table of receptive fields is right for CaffeNet (conv1 to conv5: 11, 51, 99, 131, 163 px). Its “stride” is "
    "the product of all strides so far, here called jump, and the rows of pool1 (19 / 8) and pool2 (67 / 16) are left "
    "out. The towers here have smaller fields, for patches of 32 px; the paper’s patch is the jump, 16 px.",
)
