"""What stands under the pages: formula, what to look at, what to try, and the slide's own wording.

What lives here: the words, and what the slides say of a learner or a measure. What does not: numbers. May import:
``explanation``.
"""

from __future__ import annotations

from app.ui.explanation import Words

ELLIPSE = Words(
    "One matrix, one ellipse",
    "ρ(x, y) = √((x − y)ᵀ M (x − y)) = ‖L x − L y‖,  M = LᵀL;  ρ = 1: semi-axes 1/√λᵢ along the eigenvectors of M",
    "All points on the ellipse are equally far from the chosen one. Where it is long, differences count little; the "
    "regions follow. M sets L only up to a turn: every Q L with QᵀQ = I measures the same.",
    "Drag an end of an axis, then pull it out of the picture: the axis is endless, its eigenvalue 0, and M only a "
    "pseudometric. Set M₁₂ beyond √(M₁₁ M₂₂): an eigenvalue turns negative, and the projection cuts it off.",
    "“ρ = √(W(x)−(y)·W(x)−(y))”: the brackets are lost. Read √([W(x − y)]·[W(x − y)]); with weights w_i inside the "
    "root W = diag(√w_i), so that M = WᵀW = diag(w), whose ellipse is not turned.",
)
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

# What to try with a learner.
LEARNER_TRIES: dict[str, str] = {
    "naive": "Set λ to 0, to 1, and near λ* of the notes. Add what fixes the scale: each ends in its closed form.",
    "mmc": "Take three groups and change to the squared objective: the ellipse becomes a strip, and the error jumps.",
    "mmc-lecture": "Take three groups: one is projected onto another. Then take Xing’s root and compare the errors.",
    "relative": "Raise C from its least value: from M = 0 the metric grows until its hinges are met.",
    "nca": "Play the iterations: the eigenvalues grow on and on, for a larger L makes the soft neighbours hard ones.",
    "lmnn": (
        "Drag an impostor across the dashed margin: ring and metric follow at once. Move pull ←→ push to its ends: "
        "only pulling draws everything into one point. Paint another class into the way."
    ),
    "itml": "Raise γ: bounds count more, the ellipse leaves the circle of Euclid; with the least γ it hardly does.",
}
AXIOM_TRY = (
    "Type norm(x - y), then square it: the triangle breaks, at points as plain as 0, 1, 2. Then abs(x1 - y1), blind in "
    "one direction. 1 − NCC breaks it with patches of the open picture."
)
# What the slide says of a learner, quoted, and what is right.
LEARNER_SLIDES: dict[str, str] = {
    "lmnn": (
        "“Target neighbors: points with similar labels”: they are the k nearest of the same class, chosen before "
        "training and then fixed, which is what makes the problem convex. “Impostors are points x_j closer to x_i "
        "than x_k”: an index has slipped and the unit margin is missing. l is "
        "an impostor of the pair (i, j) if y_l ≠ y_i and ρ²(x_i, x_l) &lt; ρ²(x_i, x_j) + 1. Ψ_push stands there "
        "without [·]₊: then it has no lower bound, unless only the active impostors are summed, and which these are "
        "changes with M; here the sum runs over all l of another class, with the hinge. λ Ψ_pull + (1 − λ) Ψ_push: "
        "Weinberger and Saul (2009) write (1 − μ) pull + μ push, the opposite knob, λ = 1 − μ."
    ),
    "naive": "“Find stationary points!” The gradient is the constant A: there are none unless A = 0. See Recipes.",
    "mmc": (
        "“Margin maximisation” is max Σ_D ρ² there, squared, whose best M has rank one. Xing and others take the root, "
        "Σ_D ρ, for that reason; and there is no margin in it, the usual name is MMC."
    ),
    "mmc-lecture": (
        "“Margin maximisation: max Σ_D ρ² subject to Σ_S ρ² ≤ 1”, as here. Linear in M, so its best M has rank one; "
        "Xing and others take Σ_D ρ for that reason. The usual name is MMC."
    ),
}
_MAPPED = (
    "“‖f(x) − f(y)‖” is called a metric. The losses there square it, and d² is no metric; an f that maps two points to "
    "one gives only a pseudometric, and so does an M with a null space."
)
_WEIGHTED = (
    "“ρ = √(W(x)−(y)·W(x)−(y))”: the brackets are lost. Read √([W(x − y)]·[W(x − y)]); with weights w_i inside the "
    "root W = diag(√w_i), so that M = WᵀW = diag(w)."
)
# The same of a measure of the axioms page.
MEASURE_SLIDES: dict[str, str] = {
    "lecture": (
        "“x² y² is not a metric”: right, and here is why. Identity fails, f(1, 1) = 1 although x = y, and f(0, 1) = 0 "
        "although x ≠ y; the triangle fails, f(1, 0) + f(0, 1) = 0 &lt; f(1, 1) = 1. Non-negative and symmetric it is."
    ),
    "ssd": _MAPPED,
    "network": _MAPPED,
    "singular": _MAPPED,
    "weighted": _WEIGHTED,
    "mahalanobis": _WEIGHTED,
}
