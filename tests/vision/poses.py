"""A known relative pose that several tests look at points through."""

from __future__ import annotations

import numpy as np

from app.records import Pose


def known_pose() -> Pose:
    """A camera turned by 0.2 rad about the vertical and moved mostly sideways."""
    k = np.array([[500, 0, 320], [0, 500, 240], [0, 0, 1.0]])
    angle = 0.2
    rotation = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
    return Pose(k, k, rotation, np.array([0.5, 0.1, 0.05]))
