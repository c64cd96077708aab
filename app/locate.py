"""Where files that come with the program lie, in a checkout, an editable install and a wheel alike.

May import: the standard library and ``app.records``.
"""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path

from app.records import UserError


@cache
def resources() -> Path:
    """Return the folder with icons, texts and models.

    In a wheel it is ``app/resources``; in a checkout or an editable install it stands beside ``app``.

    Raises:
        UserError: if the installation lacks it.
    """
    here = Path(__file__).resolve().parent
    for folder in (here / "resources", here.parent / "resources"):
        if (folder / "text").is_dir():
            return folder
    raise UserError(f"The program's resources are missing beside {here}; install it again.")


@cache
def photographs() -> Path:
    """Return the folder of photographs inside the installed scikit-image, without importing it.

    Raises:
        UserError: if scikit-image is not installed.
    """
    spec = importlib.util.find_spec("skimage")
    for place in (spec.submodule_search_locations or []) if spec is not None else []:
        folder = Path(place) / "data"
        if folder.is_dir():
            return folder
    raise UserError(
        "The built-in pairs need the photographs of scikit-image; install it with: pip install scikit-image"
    )
