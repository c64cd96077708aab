"""What is measured at the cursor, as charts: the response against sigma, and the orientation histogram.

What lives here: functions that turn measurements into a :class:`app.ui.chart.Drawing`. What does not: the
measurements (``app.vision``); no widget. May import: those, numpy.
"""

from __future__ import annotations

import numpy as np

from app.ui.chart import Bars, Curve, Drawing, Level, Place
from app.vision.scale_response import ScaleResponse, radius_from_dog
from app.vision.sift_orientation import OrientationView

# The DoG approximates ln k times the Laplacian, so the Laplacian is drawn multiplied by that: both in one unit.
FLAT = 0.01  # a histogram below this, in grey levels times weight, is rounding
LOG_NAME = "LoG · ln k"


def blob_radius(response: ScaleResponse, keypoint_sigma: float, k: float) -> float:
    """Return the radius of the disk that answers strongest at the keypoint's sigma, else at the peak; 0 if none.

    Args:
        response: the curve at the point.
        keypoint_sigma: blur of the keypoint at the cursor (the lower of its two), 0 without one.
        k: ratio of neighbouring blurs.
    """
    if keypoint_sigma > 0:
        return radius_from_dog(keypoint_sigma, k)
    return 0.0 if response.peak_dog is None else radius_from_dog(response.peak_dog.sigma, k)


def response_drawing(response: ScaleResponse, keypoint_sigma: float, k: float) -> Drawing:
    """Return the response against sigma with the measured peaks and the two laws of the disk.

    The laws are drawn for the blob the detector found here: its sigma is 0.633 r (for k = 2^(1/3)), from which r
    follows, and with it where the Laplacian must peak, r/√2. Without a keypoint r comes from the curve's own peak.
    """
    radius = blob_radius(response, keypoint_sigma, k)
    places: list[Place] = []
    if response.peak_dog is not None:
        places.append(Place(response.peak_dog.sigma, f"DoG peak {response.peak_dog.sigma:.3g}", "accent", "solid"))
    if response.peak_log is not None:
        places.append(Place(response.peak_log.sigma, f"LoG peak {response.peak_log.sigma:.3g}", "consistent", "solid"))
    if radius > 0:
        sigma, share = keypoint_sigma, keypoint_sigma / radius
        if sigma > 0:
            places.append(Place(sigma, f"{share:.3f} r = {sigma:.3g}", "selected", "dash"))
        places.append(Place(radius / np.sqrt(2), f"r/√2 = {radius / np.sqrt(2):.3g}", "wrong", "dot"))
    sigmas = np.asarray(response.sigmas, np.float64)
    low, high = float(sigmas[0]), float(sigmas[-1])
    return Drawing(
        curves=(
            Curve(sigmas, np.asarray(response.log, np.float64) * np.log(k), LOG_NAME, "consistent", "dash"),
            Curve(sigmas, np.asarray(response.dog, np.float64), "DoG", "accent"),
        ),
        places=tuple(place for place in places if low <= place.x <= high),
        x_range=(low, high),
        log_x=True,
        x_label="σ in pixels of the picture",
        y_label="grey levels",
    )


def orientation_drawing(view: OrientationView) -> Drawing:
    """Return the 36 bins after smoothing, with the line at the peak ratio and the angle of every peak."""
    heights = np.asarray(view.smooth, np.float64)
    top = float(heights.max(initial=0.0))
    if not top > FLAT:
        return Drawing(empty="No gradient here: the patch is flat, so it has no orientation.")
    kept = [peak for peak in view.peaks if peak.kept]
    chosen = tuple(peak.bin for peak in kept)
    share = view.threshold / top
    return Drawing(
        bars=(Bars(np.arange(36, dtype=np.float64) * 10.0, heights / top, 10.0, "undecided", chosen, "accent"),),
        places=tuple(Place(peak.angle % 360, f"{peak.angle % 360:.0f}°", "selected") for peak in kept[:4]),
        levels=(Level(share, f"{share:.2g}", "wrong"),),
        x_range=(-5.0, 355.0),
        y_range=(0.0, 1.0),
        x_ticks=(0.0, 90.0, 180.0, 270.0),
        x_label="degrees, clockwise",
        y_label="share of the highest bin",
    )
