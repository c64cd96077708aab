"""What all records are made with: names of array types, the error a user reads, arrays that nobody can change.

What lives here: those and the checks of ``__post_init__``. What does not: any record. May import: numpy only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from typing import Any

    import numpy.typing as npt

# In quotes, as nothing needs them while the program runs, and a first paint from kept pictures goes without NumPy.
Float32: TypeAlias = "npt.NDArray[np.float32]"
Float64: TypeAlias = "npt.NDArray[np.float64]"
UInt8: TypeAlias = "npt.NDArray[np.uint8]"
Int32: TypeAlias = "npt.NDArray[np.int32]"
Bool: TypeAlias = "npt.NDArray[np.bool_]"
Array: TypeAlias = "npt.NDArray[Any]"
Side = Literal["left", "right"]
Point = tuple[float, float]


class UserError(Exception):
    """An error whose text is shown to the user as it is: what, where, and what to do."""


def read_only(array: npt.ArrayLike, dtype: npt.DTypeLike, shape: tuple[int | None, ...], name: str) -> Array:
    """Return ``array`` as a read-only, C-contiguous array of ``dtype`` after checking its shape.

    Args:
        array: anything ``numpy.asarray`` takes. It is copied only where dtype or layout differ or
            where the given array is writable through a base that others may hold.
        dtype: the dtype to store.
        shape: one entry per axis, ``None`` for any length.
        name: the field's name for the message.

    Raises:
        ValueError: if the number of axes or a fixed axis length differs.
    """
    result = np.asarray(array, dtype=dtype, order="C")
    if result.ndim != len(shape) or any(
        want is not None and have != want for have, want in zip(result.shape, shape, strict=True)
    ):
        expected = "x".join("n" if want is None else str(want) for want in shape)
        raise ValueError(f"{name}: expected shape {expected}, found {result.shape}")
    if result.flags.writeable:
        result = result.view()
        result.flags.writeable = False
    return result


def rows_of(array: npt.ArrayLike) -> int:
    """Return the length of an array; 0 for a number, whose shape is then complained of."""
    shape = np.shape(array)
    return int(shape[0]) if shape else 0


def set_field(record: object, name: str, value: object) -> None:
    """Set a field of a frozen dataclass inside ``__post_init__``."""
    object.__setattr__(record, name, value)
