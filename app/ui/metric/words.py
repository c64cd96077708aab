"""What stands under the pages of losses, neighbours and recipes: formula, what to look at, what to try, the slide.

What lives here: the words. What does not: numbers. May import: nothing of the program.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Words:
    """One page in words; ``slide`` holds the slide's own wording beside what is right."""

    title: str
    formula: str
    look: str
    tries: str
    slide: str


CONTRASTIVE = Words(
    "Contrastive loss: pairs pull and push",
    "l = d² for a similar pair, [m² − d²]₊ or [m − d]₊² or [m − d]₊ for a dissimilar one; d = ‖x₁ − x₂‖",
    "Arrows are minus the gradient. With m² − d² the push is 2d: nothing at d = 0, most just before the margin, then "
    "at once none. With (m − d)² the nearest negatives are pushed most, and the push fades out at m.",
    "Drag n over the dashed circle: the arrow jumps or fades. Take “coincident negatives” and descend, then nudge "
    "them apart and change the loss.",
    "max(0, m² − d²): Bell and Bala’s form of 2015. Hadsell, Chopra and LeCun (2006) have ½ max(0, m − d)². Not "
    "the same forces. And s = 1 is “the same” on one slide, 0 on another; here a pair is called similar.",
)
TRIPLET = Words(
    "Triplet loss: one comparison, three forces",
    "l = [‖a − p‖² − ‖a − n‖² + m]₊;  while l > 0:  ∂l/∂a = 2(n − p),  ∂l/∂p = 2(p − a),  ∂l/∂n = 2(a − n)",
    "The three arrows sum to zero, and all vanish together where the loss reaches 0: n outside the dashed circle. "
    "An n that lies on a is not pushed at all, yet p is pulled.",
    "Drag n out of the dashed circle. Then take the batch with the hardest triplets, all moving together, and descend: "
    "everything shrinks into one point and the loss rests at m. With semi-hard triplets it does not.",
    "∂x_n = 2(x_a − x_n), ∂x_p = 2(x_p − x_a), ∂x_a = 2(x_n − x_p): all right, but only while the loss is above "
    "0. Hard negatives are “those the classifier thinks are positives”; the hardest of all can collapse training.",
)
NEIGHBOURS = Words(
    "Who is nearest? Euclid against a learned metric",
    "nearest under Euclid: min ‖x − x_j‖     nearest under M = LᵀL: min ‖L x − L x_j‖",
    "In each column an item, its nearest neighbour under Euclid, and that under a metric learned without the item. "
    "✓ same class, ✕ another. Errors are cross-validated; p says how often chance alone would differ as much.",
    "Faces: learning helps beyond noise. Digits: Euclid is hard to beat; raise the iterations and watch it get worse. "
    "The open pair: few changes, and often no gain.",
    "The slide shows columns where only the learned neighbour is right. Here all changes are counted, those for the "
    "worse too. Target neighbours are not just “points with similar labels”: they are the k nearest of the "
    "same class, fixed before learning.",
)
RECIPES = Words(
    "The naive objective, and the general recipe",
    "Ψ(M) = λ Σ_S ρ² − (1 − λ) Σ_D ρ² = ⟨A, M⟩,  A = λ C_S − (1 − λ) C_D.",
    "Ψ is linear in M, its gradient the constant A. Left of λ* A has a negative eigenvalue: the map explodes along "
    "its eigenvector. From λ* on A is PSD and the best map is zero: all points become one.",
    "Take λ just below and just above λ* and play. Then add what fixes the scale, one after another: the descent ends "
    "in the closed form. Double-click a row of the table to see that method learn.",
    "“An optimization problem: find stationary points!” There are none unless A = 0. What the slide calls margin "
    "maximisation has no margin in it; its usual name is MMC, and with squared distances on both sides its best M has "
    "rank one. LMNN is convex in M, not in L.",
)
