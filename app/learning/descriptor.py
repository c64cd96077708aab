"""A trained network at work: patches in, descriptors out, without torch.

What lives here: running a checkpoint through OpenCV's dnn. What does not: reading and listing checkpoints
(``model_store``), training. May import: model_store, onnx_file, numpy and cv2.

Measured on two cores: OpenCV's dnn and torch (folded, channels last) describe a patch in about the same time and agree
to 3e-7; OpenCV needs no two seconds of importing torch, and gives the same bits whether torch is loaded or not. So
matching always takes this route.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from app.learning import towers
from app.learning.model_store import Checkpoint, ModelCard, load_checkpoint
from app.learning.onnx_file import onnx_bytes
from app.records import Float32, UInt8, UserError

CHUNK = 128
KEPT = 4


class Descriptor:
    """A network ready to describe patches; may be called from several threads."""

    def __init__(self, checkpoint: Checkpoint) -> None:
        """Raise UserError if the weights are not of the network on the card."""
        self.card: ModelCard = checkpoint.card
        model = onnx_bytes(checkpoint.tensors, towers.PLANS[self.card.network], self.card.side)
        self._network = cv2.dnn.readNetFromONNX(np.frombuffer(model, np.uint8))
        self._lock = threading.Lock()  # a network of OpenCV holds one input at a time

    def describe(self, patches: UInt8, *, stop: Callable[[], bool] | None = None) -> Float32:
        """Return (N, D) float32 descriptors of unit length.

        Args:
            patches: (N, H, W) grey levels; of another size than the network's they are resized.
            stop: asked between pieces of 128; whether to give up.

        Raises:
            UserError: if patches are not (N, H, W).
        """
        fitting = resized(patches, self.card.side)
        result = np.empty((len(fitting), self.card.dimensions), np.float32)
        for start in range(0, len(fitting), CHUNK):
            if stop is not None and stop():
                break
            part = fitting[start : start + CHUNK].astype(np.float32)[:, None]
            with self._lock:
                self._network.setInput(part)
                result[start : start + CHUNK] = self._network.forward()
        return result


def resized(patches: UInt8, side: int) -> UInt8:
    """Return (N, side, side) patches of (N, H, W) ones.

    Raises:
        UserError: if they are not (N, H, W).
    """
    if patches.ndim != 3 or 0 in patches.shape[1:]:
        raise UserError(f"Patches must be an array of N × height × width, not of shape {patches.shape}.")
    if patches.shape[1:] == (side, side):
        return patches
    how = cv2.INTER_AREA if min(patches.shape[1:]) >= side else cv2.INTER_LINEAR
    made = [cv2.resize(patch, (side, side), interpolation=how) for patch in patches]
    return np.asarray(made, np.uint8).reshape(-1, side, side)


_loaded: OrderedDict[tuple[str, int, int], Descriptor] = OrderedDict()
_lock = threading.Lock()


def load(path: Path) -> Descriptor:
    """Return the network of a file, read once as long as the file stays as it is.

    Raises:
        UserError: if it is missing, damaged, or its card is.
    """
    try:
        state = path.stat()
    except OSError as error:
        raise UserError(f"Cannot read {path}: {error.strerror or error}.") from None
    key = (str(path.resolve()), state.st_mtime_ns, state.st_size)
    with _lock:
        if key not in _loaded:
            _loaded[key] = Descriptor(load_checkpoint(path))
            while len(_loaded) > KEPT:
                _loaded.popitem(last=False)
        _loaded.move_to_end(key)
        return _loaded[key]
