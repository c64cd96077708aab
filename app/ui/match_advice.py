"""What to try when there is nothing to see: one sentence for every way a result can be empty.

What lives here: :func:`advice`. What does not: widgets; no Qt. May import: records, ``match_state``.
"""

from __future__ import annotations

from app.records import MatchResult
from app.ui.match_state import MatchState


def advice(result: MatchResult | None, state: MatchState, drawn: int) -> str:
    """Return what to try if nothing is listed, empty if something is or the result is still on its way."""
    if drawn or result is None or result.matches is None or result.left is None or result.right is None:
        return ""
    empty = [side for side, f in (("left", result.left), ("right", result.right)) if not len(f.keypoints)]
    if empty:
        where = "either picture" if len(empty) == 2 else f"the {empty[0]} picture"
        cure = "Lower the detector's threshold, enlarge the working size, or try another matcher."
        return f"No keypoints in {where}. {cure}"
    if not len(result.matches):
        return f"No match survived ({_lost(result)}). {_cure(result)}"
    if state.filter and state.only_inliers:
        return f"No inlier satisfies the filter “{state.filter}”. Clear or widen it, or switch Inliers only off (I)."
    if state.filter:
        return f"None of {len(result.matches):,} matches satisfies the filter “{state.filter}”. Clear or widen it."
    note = result.verification.note if result.verification is not None else ""
    return f"No match is an inlier. {note or 'Raise the threshold under Verify, or choose another model.'}"


def _lost(result: MatchResult) -> str:
    steps = result.matches.funnel if result.matches is not None else ()
    return " → ".join(f"{count:,} {name}" for name, count in steps) or "0 matches"


def _cure(result: MatchResult) -> str:
    """Name the step that dropped the last ones."""
    steps = dict(result.matches.funnel) if result.matches is not None else {}
    killer = next((name for name, count in steps.items() if count == 0), "")
    return {
        "after distance": "Raise the distance cut under Match.",
        "after ratio": "Raise the ratio under Match, or set it to 0 to switch the test off.",
        "mutual": "Switch off Mutual under Match.",
        "confident": "Lower the confidence cut under Match.",
    }.get(killer, "Use more keypoints, or another matcher.")
