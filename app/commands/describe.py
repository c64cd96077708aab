"""``describe PATCHES.npz``: describe patches by a trained network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.commands import PROGRAM, Parser, check_output
from app.records import UserError

if TYPE_CHECKING:
    from pathlib import Path

    from app.records import Float32, UInt8


def run(arguments: list[str]) -> int:
    """Read (N, H, W) uint8 patches, write (N, D) float32 descriptors."""
    parser = Parser(prog=f"{PROGRAM} describe", description="Describe patches by a trained network.")
    parser.add_argument("patches", metavar="PATCHES.npz", help="N × height × width, uint8, in the array `patches`")
    parser.add_argument("--model", default="default", metavar="NAME|FILE", help="the network (default: default)")
    parser.add_argument("--out", required=True, metavar="FILE", help="the descriptors to write, .npy")
    options = parser.parse_args(arguments)
    check_output(options.out, (".npy",))
    from pathlib import Path

    from app.learning import descriptor, model_store

    patches = _read(Path(options.patches))
    network = descriptor.load(model_store.find(options.model))
    values = network.describe(patches)
    _write(Path(options.out), values)
    print(f"{len(values)} patches described by {network.card.name}: {values.shape[1]} numbers each")
    print(f"Wrote {options.out}")
    return 0


def _read(path: Path) -> UInt8:
    """Return the array ``patches`` of a file.

    Raises:
        UserError: if it is missing, no such file, or of another type or shape.
    """
    import zipfile

    import numpy as np

    try:
        loaded = np.load(path, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            raise UserError(f"{path} holds one array; save the patches with numpy.savez(…, patches=array).")
        with loaded as archive:
            if "patches" not in archive.files:
                held = ", ".join(archive.files) or "nothing"
                raise UserError(f"{path} has no array called patches; it holds {held}.")
            patches = archive["patches"]
    except OSError as error:
        raise UserError(f"Cannot read {path}: {error.strerror or 'it is not an .npz file'}.") from None
    except (ValueError, EOFError, KeyError, zipfile.BadZipFile, NotImplementedError, MemoryError):
        raise UserError(f"{path} is damaged or not an .npz file of plain numbers.") from None
    if patches.ndim != 3 or patches.dtype != np.uint8:
        raise UserError(
            f"patches in {path} is {patches.dtype} of shape {patches.shape}; it must be uint8, N × height × width."
        )
    return np.asarray(patches, np.uint8)


def _write(path: Path, values: Float32) -> None:
    import numpy as np

    from app.settings import atomic_path

    with atomic_path(path) as temporary, temporary.open("wb") as stream:
        np.save(stream, values, allow_pickle=False)
