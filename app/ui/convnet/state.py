"""What the ConvNet workspace wants back, as one frozen value. Each page has a state of its own besides."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ConvNetState:
    """The page in front."""

    page: str = "reconstruction"
