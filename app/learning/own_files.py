"""Folders of the user's own files of one kind: trained networks, detectors, metrics.

What lives here: :class:`OwnFolder`, where such files lie and what they may be called. What does not: the files
themselves (``model_store``, ``detector_store``, ``metric_store``). May import: records; platformdirs when used.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from app.records import UserError


@dataclass(frozen=True)
class OwnFolder:
    """The folder of one kind of files in the program's data folder.

    Attributes:
        kind: what a file holds, in a word: ``"model"``; the folder is called by its plural.
        variable: of the environment; names another folder.
        suffix: that the names of its files end in.
    """

    kind: str
    variable: str
    suffix: str

    @property
    def path(self) -> Path:
        """Where it is, or would be: it need not exist."""
        if named := os.environ.get(self.variable):
            return Path(named)
        import platformdirs

        return Path(platformdirs.user_data_dir("correspondence-explorer", appauthor=False)) / f"{self.kind}s"

    def made(self) -> Path:
        """Return it, made if it is missing.

        Raises:
            UserError: if it cannot be made.
        """
        path = self.path
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"Cannot make the folder of {self.kind}s {path}: {error.strerror or error}.") from None
        return path

    def stems(self) -> list[str]:
        """Return the names of its files without their ending, in alphabetical order; none if there is no folder."""
        return sorted(file.stem for file in self.path.glob(f"*{self.suffix}"))

    def check_name(self, name: str, taken: Collection[str]) -> None:
        """Complain about a name that is no plain file name, or is taken.

        Raises:
            UserError: saying which.
        """
        if not re.fullmatch(r"[\w][\w .+-]{0,79}", name):
            raise UserError(f"{name!r} cannot be a {self.kind}'s name; use letters, digits, spaces, . + - and _.")
        if name in taken:
            raise UserError(f"There is a {self.kind} {name} already; choose another name.")
