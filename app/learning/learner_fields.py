"""Settings that the learners of a metric share, each told in one place.

What lives here: functions that make a field of a learner's settings. What does not: what a learner has of its own.
May import: settings.
"""

from __future__ import annotations

from typing import Any

from app.settings import number


def iterations_field(default: int) -> Any:
    """Return the field of the most steps."""
    return number(default, 1, 5000, 10, label="Iterations", help="Stop after this many steps at the latest.")


def tolerance_field(default: float, help: str) -> Any:
    """Return the field of the share at which a learner stops; ``help`` says the share of what."""
    return number(default, 0.0, 0.1, 1e-6, label="Tolerance", log_scale=True, help=help)


def components_field() -> Any:
    """Return the field of the principal components that the data are reduced to, 0 = automatic."""
    return number(
        0,
        0,
        2000,
        1,
        label="PCA",
        zero_means="automatic",
        help=(
            "Reduce the data to so many principal components first. Automatic: only above 200 features, "
            "to 95 % of the variance but at most 200."
        ),
    )


def seed_field(help: str) -> Any:
    """Return the field of the seed; ``help`` says what is drawn with it."""
    return number(0, 0, 2**31 - 1, 1, label="Seed", help=help)
