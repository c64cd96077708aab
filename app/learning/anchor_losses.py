"""The losses of AnchorNet on response maps, with their gradients in closed form.

What lives here: response maps, diversity of maps (L_DivB) and of filters (L_DivA), discriminability as in the paper and
its bounded stand-in, L_aux. What does not: descent, features, pictures. May import: records, numpy.

Source: Novotny, Larlus and Vedaldi, AnchorNet, CVPR 2017. Sums over ordered pairs, filters and places are means here,
so that the numbers do not grow with K or with the grid; the minimisers stay the same up to the weights. A response is
psi(z) = log(1 + e^z) > 0. In the paper's Fig. 3 the symbols in the boxes "diversity" and "discriminability" are
interchanged.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from app.records import Array, Float64

Form = Literal["bounded", "paper"]
TINY = 1e-12  # a map or filter of less length is zero: it overlaps nothing


def softplus(z: Array) -> Float64:
    """Return psi(z) = log(1 + e^z), elementwise, without overflow."""
    result: Float64 = np.logaddexp(0.0, z)
    return result


def sigmoid(z: Array) -> Float64:
    """Return psi'(z) = 1 / (1 + e^-z), elementwise, without overflow."""
    result: Float64 = 0.5 * (1 + np.tanh(0.5 * np.asarray(z, np.float64)))
    return result


def _unit_columns(maps: Array) -> tuple[Float64, Float64]:
    """Return (columns of unit length, lengths); a zero column stays zero and has length 1."""
    columns = np.asarray(maps, np.float64)
    peak = np.abs(columns).max(axis=0, initial=0.0)
    safe = np.where(peak > TINY, peak, 1.0)  # first by the peak: squares neither vanish nor overflow
    scaled = np.where(peak > TINY, columns / safe, 0.0)
    length = np.linalg.norm(scaled, axis=0)
    length = np.where(length > 0, length, 1.0)
    return scaled / length, length * safe


def map_diversity(maps: Array) -> tuple[float, Float64]:
    """Return (mean over ordered pairs of L_DivB, its gradient) of (n, K) non-negative maps, n places.

    L_DivB = (<psi_i, psi_j> / (|psi_i| |psi_j|))^2: 0 exactly where no place answers to both, 1 where the maps are
    proportional. One map, or none, has no pairs: 0. A map that is zero everywhere overlaps nothing: 0.
    """
    unit, length = _unit_columns(maps)
    count = unit.shape[1]
    if count < 2:
        return 0.0, np.zeros_like(unit)
    cosine = unit.T @ unit
    np.fill_diagonal(cosine, 0.0)
    pairs = count * (count - 1)
    squares = (cosine**2).sum(axis=0)
    gradient = 4.0 / pairs * (unit @ cosine - unit * squares) / length
    return float(min(1.0, squares.sum() / pairs)), gradient


def filter_diversity(filters: Array) -> tuple[float, Float64]:
    """Return (mean over ordered pairs of L_DivA, its gradient) of (K, C) filters, or (K, P, C) ones of P places.

    L_DivA = |sum_p <F_i^p, F_j^p> / (|F_i^p| |F_j^p|)|, here over P: 0 for filters that are orthogonal, 1 for parallel
    ones. Where two are exactly orthogonal the subgradient 0 is taken.
    """
    values = np.asarray(filters, np.float64)
    flat = values if values.ndim == 3 else values[:, None]
    count, places = flat.shape[:2]
    if count < 2:
        return 0.0, np.zeros_like(values)
    length = np.linalg.norm(flat, axis=2, keepdims=True)
    length = np.where(length > TINY, length, 1.0)
    unit = flat / length
    cosines = np.einsum("ipc,jpc->pij", unit, unit)
    both = cosines.sum(axis=0) / places
    np.fill_diagonal(both, 0.0)
    sign = np.sign(both)
    pairs = count * (count - 1)
    pull = np.einsum("ij,jpc->ipc", sign, unit)
    own = np.einsum("ij,pij->ip", sign, cosines)[:, :, None] * unit
    gradient = 2.0 / (pairs * places) * (pull - own) / length
    return float(np.abs(both).sum() / pairs), gradient.reshape(values.shape)


def discriminability(peaks: Array, label: int, form: Form) -> tuple[float, Float64]:
    """Return (mean over filters, gradient by the peaks) of the loss on z_k = max_u (F_k * Phi)(u), a (K,) array.

    ``paper``: L_Discr = -y psi(z). ``bounded``: the logistic loss psi(-y z), which never falls below 0. For a picture
    without the object (y = -1) both are psi(z); for one with it the paper's is unbounded below as the filters grow.
    """
    z = np.asarray(peaks, np.float64)
    if not len(z):
        return 0.0, z
    if form == "paper" and label > 0:
        return -float(softplus(z).mean()), -sigmoid(z) / len(z)
    return float(softplus(-label * z).mean()), -label * sigmoid(-label * z) / len(z)


def silence(z: Array) -> tuple[float, Float64]:
    """Return (L_aux, its gradient) of (n, K) filtered places of a picture without the object: mean of max(0, z)."""
    values = np.asarray(z, np.float64)
    if not values.size:
        return 0.0, np.zeros_like(values)
    return float(np.maximum(values, 0).mean()), (values > 0) / values.size


def likeness(maps: Array) -> float:
    """Return the mean correlation of all pairs of (n, K) maps; NaN with fewer than two that are not constant."""
    centred = np.asarray(maps, np.float64) - np.mean(maps, axis=0)
    spread = np.linalg.norm(centred, axis=0)
    unit = centred[:, spread > TINY] / spread[spread > TINY]
    count = unit.shape[1]
    if count < 2:
        return float("nan")
    return float(((unit.T @ unit).sum() - count) / (count * (count - 1)))
