"""``describe PATCHES.npz``: describe patches by a trained network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.commands import PROGRAM, Parser, check_output
from app.records import UserError

if TYPE_CHECKING:
    from app.records import Float32, UInt8


def run(arguments: list[str]) -> int:
    """Read (N, H, W) uint8 patches, write (N, D) float32 descriptors."""
    parser = Parser(prog=f"{PROGRAM} describe", description="Describe patches by a trained network.")
    parser.add_argument("patches", metavar="PATCHES.npz", help="N × height × width, uint8, in the array `patches`")
    parser.add_argument("--model", default="default", metavar="NAME|FILE", help="the network (default: default)")
    parser.add_argument("--out", required=True, metavar="FILE", help="the descriptors to write, .npy")
    options = parser.parse_args(arguments)
    check_output(options.out, (".npy",))
    from app.learning import descriptor, model_store

    patches = _read(options.patches)
    network = descriptor.load(model_store.find(options.model))
    values = network.describe(patches)
    _write(options.out, values)
    print(f"{len(values)} patches described by {network.card.name}: {values.shape[1]} numbers each")
    print(f"Wrote {options.out}")
    return 0


def _read(path: str) -> UInt8:
    """Return the array ``patches`` of a file.

    Raises:
        UserError: if it is missing, no such file, or of another type or shape.
    """
    import numpy as np

    from app.formats.npz import read_arrays

    patches = read_arrays(path, ("patches",))["patches"]
    if patches.ndim != 3 or patches.dtype != np.uint8:
        raise UserError(
            f"patches in {path} is {patches.dtype} of shape {patches.shape}; it must be uint8, N × height × width."
        )
    return np.asarray(patches, np.uint8)


def _write(path: str, values: Float32) -> None:
    import numpy as np

    from app.settings import atomic_path

    with atomic_path(path) as temporary, temporary.open("wb") as stream:
        np.save(stream, values, allow_pickle=False)
