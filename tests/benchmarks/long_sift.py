"""SIFT as a job meets it on a large picture, for as long as a benchmark needs it."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

from app import matchers
from app.matchers import MatcherSpec


class LongSift:
    """SIFT that describes its picture over and over until it is enough: busy on a machine of any speed.

    Attributes:
        begun: it is at work.
        enough: the round under way is the last.
    """

    def __init__(self) -> None:
        self.begun, self.enough = threading.Event(), threading.Event()
        self._get = matchers.get
        sift = self._get("sift")
        assert sift.extract is not None
        self._extract, self._spec = sift.extract, replace(sift, extract=self.extract)

    def again(self) -> None:
        """Go on for long the next time too."""
        self.begun.clear()
        self.enough.clear()

    def extract(self, *arguments: Any) -> Any:
        """Return what SIFT finds, once it is enough."""
        self.begun.set()
        made = self._extract(*arguments)
        while not self.enough.is_set():
            made = self._extract(*arguments)
        return made

    def get(self, key: str) -> MatcherSpec:
        """Return a matcher as :func:`app.matchers.get` does, with this in the place of SIFT's extraction."""
        return self._spec if key == "sift" else self._get(key)
