"""How each built-in pair is made: photographs and drawings turned into two views with exact truth.

What lives here: one function per recipe. What does not: the list of pairs and their words (``builtin``), how a change
is made (``synth``, ``render``, ``drawings``). May import: records, locate and vision. Nothing is read before a pair is
made.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import cv2
import numpy as np

from app import locate
from app.records import Float32, Float64, Truth, UInt8
from app.vision import synth
from app.vision.photographs import photograph


@dataclass(frozen=True, eq=False)
class Views:
    """What a recipe makes: two pictures, their truth, the photographs they come from and words under the right one."""

    left: UInt8
    right: UInt8
    truth: Truth
    photos: tuple[str, ...]
    right_note: str
    cameras: tuple[Float64, Float64] | None = None


Recipe = Callable[[int], Views]


def _planar(
    photo: str, left: Float64, right: Float64, sizes: tuple[tuple[int, int], tuple[int, int]], note: str
) -> Views:
    """Show two quadrilaterals of a photograph as two rectangular views; the truth is their homography."""
    source = photograph(photo)
    to_left = synth.homography_between(left, synth.corners(*sizes[0]))
    to_right = synth.homography_between(right, synth.corners(*sizes[1]))
    views = [synth.warp(source, h, size) for h, size in ((to_left, sizes[0]), (to_right, sizes[1]))]
    truth = to_right @ np.linalg.inv(to_left)
    return Views(views[0], views[1], Truth(homography=truth / truth[2, 2]), (photo,), note)


def _frame(x: float, y: float, width: float, height: float) -> Float64:
    """Return the outer corners of a rectangle of pixels whose first pixel is (x, y)."""
    result: Float64 = synth.corners(width, height) + np.array([x, y])
    return result


def _turned(centre: tuple[float, float], width: float, height: float, degrees: float) -> Float64:
    """Return the corners of a rectangle about a centre, turned counter-clockwise on screen."""
    angle = np.deg2rad(degrees)
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    half = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * (width / 2, height / 2)
    result: Float64 = half @ turn.T + centre
    return result


def relit(
    photo: str, change: Callable[[UInt8], UInt8], note: str, crop: tuple[int, int, int, int] | None = None
) -> Views:
    """Show two crops of a photograph, moved by whole pixels, the right one changed in its values only."""
    source = photograph(photo)
    x, y, width, height = crop or (0, 0, source.shape[1], source.shape[0])
    dx, dy = 14, 9
    left = source[y : y + height - dy, x : x + width - dx]
    right = change(source[y + dy : y + height, x + dx : x + width])
    move = np.array([[1, 0, -dx], [0, 1, -dy], [0, 0, 1]], np.float64)
    return Views(left, right, Truth(homography=move), (photo,), note)


def coffee(_seed: int) -> Views:
    """Return a flat table seen from the side."""
    quad = np.array([[108, 12], [574, 48], [592, 356], [62, 384]], np.float64)
    return _planar("coffee", _frame(0, 0, 600, 400), quad, ((600, 400), (600, 400)), "seen from the side")


def strong_tilt(_seed: int) -> Views:
    """Return a ground seen under a tilt of about 60 degrees."""
    quad = np.array([[160, 6], [352, 66], [352, 446], [160, 506]], np.float64)
    return _planar("gravel", _frame(96, 96, 320, 320), quad, ((400, 400), (400, 400)), "tilted by about 60°")


def rotation(_seed: int) -> Views:
    """Return a portrait turned by 30 degrees."""
    return _planar(
        "astronaut", _frame(76, 26, 360, 360), _turned((256, 206), 300, 300, 30), ((420, 420), (420, 420)), "turned 30°"
    )


def scale(_seed: int) -> Views:
    """Return the deep field at half the scale."""
    return _planar(
        "hubble_deep_field",
        _frame(300, 230, 420, 420),
        _frame(90, 20, 840, 840),
        ((480, 480), (480, 480)),
        "half the scale",
    )


def tilted(degrees: int) -> Recipe:
    """Return the recipe of a photograph seen from the side by a distant camera."""

    def make(_seed: int) -> Views:
        """Make the pair; nothing in it is drawn by lot."""
        source = photograph("camera")
        seen, matrix = synth.tilted(source, degrees)
        return Views(source, seen, Truth(homography=matrix), ("camera",), f"tilted by {degrees}°")

    return make


def repeated(_seed: int) -> Views:
    """Return a wall of bricks, moved and turned a little."""
    return _planar(
        "brick",
        _frame(0, 0, 400, 400),
        _turned((296, 290), 360, 360, 4),
        ((440, 440), (440, 440)),
        "moved and turned 4°",
    )


def warped(_seed: int) -> Views:
    """Bend the picture smoothly: right pixel p shows left place p + a (sin, sin)."""
    source = photograph("chelsea")
    height, width = source.shape[:2]
    moved = synth.sine_displacement(7.0, 110.0)
    grid = synth.pixel_grid(width, height)
    back = moved(grid)
    forward = synth.inverse_of(moved, grid)
    truth = Truth(forward=synth.seen(forward, (width, height)), backward=synth.seen(back, (width, height)))
    return Views(source, synth.remap(source, back), truth, ("chelsea",), "bent by sine waves of 7 px")


_BOXES = ("astronaut", "coffee", "chelsea", "rocket", "brick", "gravel", "retina")


@lru_cache(maxsize=1)  # ten times the work of the others, and wanted for the thumbnail as well
def boxes(_seed: int) -> Views:
    """Photograph boxes and a ball on a floor from two places 34° apart."""
    from app.vision import render  # not at the start of the program: the first pair is none of these

    wood, cup = photograph("brick"), photograph("coffee")
    faces = [photograph(name) for name in _BOXES[:4]]
    up = np.array([0.0, -1.0, 0.0])
    floor = render.Sheet(
        np.array([-6.0, 1.0, 8.0]), np.array([12.0, 0, 0]), np.array([0, 0, -8.0]), photograph("gravel"), 0.8
    )
    wall = render.Sheet(np.array([-7.0, -5.0, 8.0]), np.array([14.0, 0, 0]), -6.0 * up, wood, 0.9)
    surfaces: list[render.Surface] = [floor, wall]
    surfaces += render.box(np.array([-1.3, 0.15, 4.6]), np.array([0.75, 0.85, 0.6]), 24, faces)
    surfaces += render.box(np.array([0.9, 0.3, 5.2]), np.array([0.8, 0.7, 0.7]), -30, faces[1:] + faces[:1])
    surfaces += render.box(np.array([0.1, 0.62, 3.6]), np.array([0.42, 0.38, 0.36]), 12, [cup, *faces[2:]])
    surfaces.append(render.Ball(np.array([1.75, 0.5, 3.7]), 0.5, photograph("retina")[200:1200, 200:1200]))
    size, target = (600, 450), np.array([0.1, 0.2, 4.6])
    cameras = [render.Camera.looking(np.array(at), target, 560, size) for at in ((-1.5, -0.9, -0.2), (1.35, -1.0, 0.0))]
    left, right = cameras
    pose = render.relative_pose(left, right)
    truth = Truth(
        forward=render.dense_truth(surfaces, left, right), backward=render.dense_truth(surfaces, right, left), pose=pose
    )
    views = [render.photograph(surfaces, camera) for camera in cameras]
    return Views(views[0], views[1], truth, _BOXES, "camera moved round by 34°", (left.k, right.k))


def _similarity(turn: float, move: tuple[float, float], about: tuple[float, float] = (0.0, 0.0)) -> Float64:
    """Return the matrix that turns (degrees, clockwise on screen) about a point, then moves it to ``move``."""
    angle = np.deg2rad(turn)
    c, s = np.cos(angle), np.sin(angle)
    x, y = about
    return np.array([[c, -s, move[0] - c * x + s * y], [s, c, move[1] - s * x - c * y], [0, 0, 1]], np.float64)


def _limb(photo: str, at: tuple[int, int], size: tuple[int, int]) -> tuple[UInt8, UInt8]:
    """Return (texture, alpha) of a rounded limb cut from a photograph."""
    width, height = size
    texture = photograph(photo)[at[1] : at[1] + height, at[0] : at[0] + width].copy()
    alpha = np.zeros((height, width), np.uint8)
    radius = min(size) // 2 - 1
    middle = (width // 2, height // 2)
    ends = (
        ((middle[0], radius), (middle[0], height - 1 - radius))
        if height > width
        else ((radius, middle[1]), (width - 1 - radius, middle[1]))
    )
    cv2.line(alpha, ends[0], ends[1], 255, 2 * radius, cv2.LINE_AA)
    return texture, alpha


# name of the photograph, where it is cut, its size, the joint within it, and its parent (-1: the body stands).
_LIMBS: tuple[
    tuple[str, tuple[int, int], tuple[int, int], tuple[float, float], tuple[float, float], float, float], ...
] = (
    ("coins", (20, 20), (56, 130), (28, 18), (222, 168), 24, 74),
    ("rocket", (300, 60), (56, 130), (28, 18), (318, 168), -24, -100),
    ("chelsea", (60, 60), (60, 150), (30, 20), (242, 300), 10, 28),
    ("coffee", (240, 60), (60, 150), (30, 20), (298, 300), -10, -32),
    ("astronaut", (150, 150), (110, 180), (55, 90), (270, 240), 0, 0),
    ("astronaut", (165, 20), (120, 120), (60, 100), (270, 150), -6, 16),
)


def doll(_seed: int) -> Views:
    """Hold a paper doll before grass in two poses: every limb moves rigidly about its joint.

    The grass is out of focus: sharp, it would bring five times the doll's keypoints, all at rest.
    """
    from app.vision import render  # not at the start of the program: the first pair is none of these

    grass = synth.blurred(photograph("grass")[:480, :], sigma=12.0)
    ground = np.eye(3)
    parts = []
    for photo, at, size, joint, place, turn_left, turn_right in _LIMBS:
        texture, alpha = _limb(photo, at, size)
        parts.append(
            render.Part(texture, alpha, _similarity(turn_left, place, joint), _similarity(turn_right, place, joint))
        )
    left, top_left = render.paste(grass, parts, "left")
    right, top_right = render.paste(grass, parts, "right")
    moves = [part.right @ np.linalg.inv(part.left) for part in parts]
    truth = Truth(
        forward=render.part_truth(top_left, top_right, moves, ground),
        backward=render.part_truth(top_right, top_left, [np.linalg.inv(m) for m in moves], ground),
    )
    photos = tuple(dict.fromkeys(["grass", *(limb[0] for limb in _LIMBS)]))
    return Views(left, right, truth, photos, "limbs turned about their joints")


def stereo(_seed: int) -> Views:
    """Load the Middlebury motorcycle: a left point x is seen at x - d on the same row."""
    left, right = photograph("motorcycle_left"), photograph("motorcycle_right")
    with np.load(locate.photographs() / "motorcycle_disp.npz", allow_pickle=False) as file:
        disparity = np.asarray(file["arr_0"], np.float64)
    disparity = np.where(np.isfinite(disparity) & (disparity > 0), disparity, np.nan)
    forward, backward = _disparity_truth(disparity, right.shape[1])
    fundamental = np.array([[0, 0, 0], [0, 0, -1.0], [0, 1.0, 0]])
    return Views(
        left,
        right,
        Truth(forward=forward, backward=backward, fundamental=fundamental),
        ("motorcycle_left",),
        "second camera",
    )


def _disparity_truth(disparity: Float64, width_right: int) -> tuple[Float32, Float32]:
    """Return forward and backward maps of a left disparity map; hidden points are NaN.

    A right pixel sees the largest disparity that lands on it; a left point of clearly smaller disparity is hidden.
    """
    height, width = disparity.shape
    grid = synth.pixel_grid(width, height)
    target = grid[..., 0] - disparity
    known = np.isfinite(target) & (target >= 0) & (target <= width_right - 1)
    column = np.rint(np.where(known, target, 0)).astype(np.intp)
    row = grid[..., 1].astype(np.intp)
    nearest = np.full((height, width_right), -np.inf)
    np.maximum.at(nearest, (row[known], column[known]), disparity[known])
    visible = known & (disparity >= nearest[row, column] - 1.0)
    forward = np.where(visible[..., None], np.stack([target, grid[..., 1]], axis=-1), np.nan)
    grid_right = synth.pixel_grid(width_right, height)
    found = np.isfinite(nearest)
    back = np.where(
        found[..., None],
        np.stack([grid_right[..., 0] + np.where(found, nearest, 0), grid_right[..., 1]], axis=-1),
        np.nan,
    )
    return forward.astype(np.float32), synth.seen(back, (width, height))


def drawn(kind: Literal["cup", "bicycle"]) -> Views:
    """Return two drawings of one kind of thing; the parts with a name in both are the truth."""
    from app.vision import drawings

    if kind == "cup":
        left, right = drawings.draw_cup(drawings.MUG), drawings.draw_cup(drawings.TEACUP)
    else:
        left, right = drawings.draw_bicycle(drawings.ROAD), drawings.draw_bicycle(drawings.CITY)
    points, names = drawings.point_truth(left, right)
    return Views(left.rgb, right.rgb, Truth(points=points, names=names), (), f"another {kind}")
