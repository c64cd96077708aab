"""Writing a result by the suffix of the file's name, for the command line and the window alike.

What lives here: the choice of the format, and the look at the target before any work is done for it. May import:
records, settings, ``app.formats``.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from app.formats.features_files import write_features_csv, write_features_npz
from app.formats.matches_csv import write_matches_csv
from app.formats.matches_json import write_matches_json
from app.formats.matches_npz import write_matches_npz
from app.formats.results import Origin, picture_info, settings_items, table_of
from app.records import Features, Image, MatchResult, StageSettings, UserError

MATCH_SUFFIXES = (".csv", ".npz", ".json")
FEATURE_SUFFIXES = (".csv", ".npz")
HISTORY_SUFFIXES = (".csv",)
FIGURE_SUFFIXES = (".png", ".svg", ".pdf")


def check_target(path: str | Path, suffixes: Sequence[str], inputs: Sequence[str | Path] = ()) -> None:
    """Make sure, as far as that can be seen beforehand, that a file can be written and replaces none of the ``inputs``.

    Raises:
        UserError: for another suffix, or as :func:`check_place`.
    """
    if Path(path).suffix.lower() not in suffixes:
        raise UserError(f"Cannot write {path}: the name must end in {', '.join(suffixes)}.")
    check_place(path, inputs)


def check_place(path: str | Path, inputs: Sequence[str | Path] = ()) -> None:
    """Make sure that there is room for a file of this name, and that it replaces none of the ``inputs``.

    Raises:
        UserError: for a missing or read-only folder, a folder or a read-only file of that name, or an input.
    """
    target = Path(path)
    try:
        if not target.parent.is_dir():
            raise UserError(f"Cannot write {path}: the folder {target.parent} does not exist.")
        if not os.access(target.parent, os.W_OK | os.X_OK):
            raise UserError(f"Cannot write {path}: the folder {target.parent} is read-only.")
        if target.is_dir():
            raise UserError(f"Cannot write {path}: there is a folder of that name.")
        taken = target.exists()
        if taken and not os.access(target, os.W_OK):
            raise UserError(f"Cannot write {path}: the file is read-only.")
        if taken and any(Path(name).exists() and target.samefile(name) for name in inputs):
            raise UserError(f"Cannot write {path}: it is one of the files that are read; choose another name.")
    except OSError as error:
        raise UserError(f"Cannot write {path}: {error.strerror or error}.") from None


def write_matches(path: str | Path, result: MatchResult) -> None:
    """Write the matches of a result as .csv, .npz (SuperGlue's layout) or .json.

    Raises:
        UserError: for another suffix, a result without matches yet, or a file that cannot be written.
    """
    check_target(path, MATCH_SUFFIXES)
    suffix = Path(path).suffix.lower()
    if suffix == ".csv":
        write_matches_csv(path, table_of(result))
    elif suffix == ".npz":
        write_matches_npz(path, result)
    else:
        write_matches_json(path, result)


def write_features(
    path: str | Path, image: Image, features: Features, *, matcher: str, settings: StageSettings
) -> None:
    """Write the features of one image as .csv (keypoints) or .npz (keypoints and descriptors).

    Raises:
        UserError: for another suffix, or a file that cannot be written.
    """
    check_target(path, FEATURE_SUFFIXES)
    used = settings_items(settings, stages=("detect", "describe"))
    origin = Origin((("image", picture_info(image)),), matcher, used)
    write = write_features_csv if Path(path).suffix.lower() == ".csv" else write_features_npz
    write(path, features, origin)
