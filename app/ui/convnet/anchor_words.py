"""What stands under the AnchorNet page.

What lives here: the words. What does not: numbers. May import: ``explanation``.
"""

from __future__ import annotations

from dataclasses import replace

from app.ui.explanation import Words

DISCR = {
    "bounded": "L_Discr, bounded: mean over k of ψ(−y max z_k)",
    "paper": "L_Discr = −y times the mean over k of max ψ_k",
}
ANCHORS = Words(
    "AnchorNet: filters that are discriminative and diverse become detectors of parts",
    "z_k = F_k ∗ Φ + b_k,  ψ_k = ψ(z_k) = log(1 + exp z_k);  "
    "L_DivB = mean over i ≠ j of (⟨ψ_i, ψ_j⟩ / (‖ψ_i‖ ‖ψ_j‖))²;  {discr}, y = ±1",
    "A colour is the filter with most to say at a place; its number points to where it answers most. Only “there is "
    "one” or “there is none” is told, never where. With diversity each colour settles on a part and finds it again on "
    "the other objects. Without it all numbers share one place. In a picture without the object none should answer.",
    "Play the iterations: all filters start alike, and diversity parts them. Point at a number to see that filter "
    "alone. Set λ = 0. Take the paper’s L_Discr without decay: the loss falls without end. Compare PCK: a few filters "
    "cannot replace 48 features; the paper has 200 for each class.",
    "In the paper’s Fig. 3 (Novotny, Larlus and Vedaldi, CVPR 2017) the loss symbols in the boxes “diversity” and "
    "“discriminability” are interchanged; above they stand as the paper’s text defines them. Its denoising "
    "auto-encoder, which shares filters among classes, is left out here.",
)


def words_of(form: str) -> Words:
    """Return the words with the form of L_Discr that is minimised."""
    return replace(ANCHORS, formula=ANCHORS.formula.format(discr=DISCR[form]))
