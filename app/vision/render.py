"""A small ray caster and a paper doll: scenes of our own with dense truth, occlusion and epipolar geometry.

What lives here: textured planes and balls seen by a pinhole camera, and flat parts that turn about joints. What does
not: which photographs are used as textures (``builtin``). May import: records, geometry, synth, numpy and cv2.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from app.records import Float32, Float64, Int32, Pose, UInt8
from app.vision.synth import as_uint8, pixel_grid, seen

NOTHING = -1
# Two surfaces closer than this share of the depth are taken for the same one.
SAME_DEPTH = 0.004


@dataclass(frozen=True, eq=False)
class Sheet:
    """A textured parallelogram in space: corner + u edge_u + v edge_v, u and v in [0, 1]."""

    corner: Float64
    edge_u: Float64
    edge_v: Float64
    texture: UInt8
    light: float = 1.0

    def hit(self, camera: Camera, x: Float64, y: Float64) -> tuple[Float64, Float64]:
        """Return (depth of every pixel's ray, inf for a miss; (N, 2) texture place in [0, 1]).

        A pixel's ray d meets the plane where u edge_u + v edge_v + (corner - centre) = depth d. So the inverse of
        the matrix of these three columns takes d to (u, v, 1) / depth: the texture is seen through a homography.
        """
        columns = np.stack([self.edge_u, self.edge_v, self.corner - camera.centre], axis=1)
        to_place = np.linalg.inv(columns) @ camera.to_ray
        u, v, inverse = (row[0] * x + row[1] * y + row[2] for row in to_place)
        with np.errstate(divide="ignore", invalid="ignore"):
            depth = 1 / inverse
            u, v = u * depth, v * depth
            good = (inverse > 0) & (u >= 0) & (u <= 1) & (v >= 0) & (v <= 1)
        return np.where(good, depth, np.inf), np.stack([u, v], axis=-1)

    def outline(self) -> Float64:
        """Return (4, 3) points whose hull holds the surface."""
        u, v = self.edge_u, self.edge_v
        return self.corner + np.stack([0 * u, u, v, u + v])


@dataclass(frozen=True, eq=False)
class Ball:
    """A textured ball, longitude and latitude onto the texture."""

    centre: Float64
    radius: float
    texture: UInt8
    light: float = 1.0

    def hit(self, camera: Camera, x: Float64, y: Float64) -> tuple[Float64, Float64]:
        """Return (depth of every pixel's ray, inf for a miss; (N, 2) texture place in [0, 1])."""
        rays = camera.rays(np.stack([x, y], axis=-1))
        gap = camera.centre - self.centre
        a = np.einsum("...i,...i", rays, rays)
        half = rays @ gap
        under = half**2 - a * (gap @ gap - self.radius**2)
        with np.errstate(invalid="ignore"):
            depth = (-half - np.sqrt(under)) / a
        good = (under > 0) & (depth > 0)
        point = np.where(good[..., None], (gap + depth[..., None] * rays) / self.radius, 0.0)
        place = np.stack(
            [
                0.5 + np.arctan2(point[..., 0], -point[..., 2]) / np.pi,
                0.5 + np.arcsin(np.clip(point[..., 1], -1, 1)) / np.pi,
            ],
            axis=-1,
        )
        return np.where(good, depth, np.inf), place % 1.0

    def outline(self) -> Float64:
        """Return (8, 3) points whose hull holds the surface."""
        signs = np.stack(np.meshgrid([-1.0, 1.0], [-1.0, 1.0], [-1.0, 1.0]), axis=-1).reshape(-1, 3)
        return self.centre + self.radius * signs


Surface = Sheet | Ball


def box(centre: Float64, half: Float64, turn_deg: float, textures: list[UInt8]) -> list[Sheet]:
    """Return the five visible sides of a box standing upright (y down), turned about the vertical."""
    angle = np.deg2rad(turn_deg)
    turn = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
    x, y, z = (turn @ np.diag(half))[:, 0], np.array([0, half[1], 0.0]), (turn @ np.diag(half))[:, 2]
    sides = [
        (-x - y - z, 2 * x, 2 * y, 1.0),
        (x - y + z, -2 * x, 2 * y, 0.8),
        (-x - y + z, -2 * z, 2 * y, 0.85),
        (x - y - z, 2 * z, 2 * y, 0.7),
        (-x - y + z, 2 * x, -2 * z, 1.1),
    ]
    return [
        Sheet(centre + corner, u, v, textures[index % len(textures)], light)
        for index, (corner, u, v, light) in enumerate(sides)
    ]


@dataclass(frozen=True, eq=False)
class Camera:
    """A pinhole camera: ``x_cam = rotation (X - centre)``."""

    k: Float64
    rotation: Float64
    centre: Float64
    size: tuple[int, int]

    @classmethod
    def looking(cls, centre: Float64, target: Float64, focal: float, size: tuple[int, int]) -> Camera:
        """Return the camera at ``centre`` looking at ``target``, x right, y down."""
        forward = (target - centre) / np.linalg.norm(target - centre)
        right = np.cross(np.array([0.0, 1.0, 0.0]), forward)
        right /= np.linalg.norm(right)
        k = np.array([[focal, 0, (size[0] - 1) / 2], [0, focal, (size[1] - 1) / 2], [0, 0, 1]])
        return cls(k, np.stack([right, np.cross(forward, right), forward]), centre, size)

    @property
    def to_ray(self) -> Float64:
        """The (3, 3) matrix from (x, y, 1) to the world direction of depth 1 along the optical axis."""
        result: Float64 = self.rotation.T @ np.linalg.inv(self.k)
        return result

    def rays(self, pixels: Float64) -> Float64:
        """Return the world direction through every (…, 2) pixel, of depth 1 along the optical axis."""
        matrix = self.to_ray
        result: Float64 = pixels @ matrix[:, :2].T + matrix[:, 2]
        return result

    def project(self, points: Float64) -> tuple[Float64, Float64]:
        """Return ((…, 2) pixels, depths) of world points."""
        camera = (points - self.centre) @ self.rotation.T
        with np.errstate(divide="ignore", invalid="ignore"):
            image = camera @ self.k.T / camera[..., 2:]
        return image[..., :2], camera[..., 2]


def relative_pose(left: Camera, right: Camera) -> Pose:
    """Return the pose that takes left camera coordinates to right ones."""
    rotation = right.rotation @ left.rotation.T
    return Pose(left.k, right.k, rotation, right.rotation @ (left.centre - right.centre))


@dataclass(frozen=True, eq=False)
class _Hits:
    """What a set of rays meets first: depth (inf = nothing), surface (or NOTHING), place on its texture."""

    depth: Float64
    which: Int32
    place: Float64


def _trace(surfaces: list[Surface], camera: Camera, pixels: Float64) -> _Hits:
    """Return the first hit of the ray through every (…, 2) pixel."""
    x, y = (np.ascontiguousarray(pixels[..., column]).ravel() for column in (0, 1))
    depth = np.full(len(x), np.inf)
    which = np.full(len(x), NOTHING, np.int32)
    place = np.zeros((len(x), 2))
    for index, surface in enumerate(surfaces):
        near = _within(camera, surface.outline(), x, y)
        distance, at = surface.hit(camera, x[near], y[near])
        closer = distance < depth[near]
        rows = near[closer]
        depth[rows], which[rows], place[rows] = distance[closer], index, at[closer]
    shape = pixels.shape[:-1]
    return _Hits(depth.reshape(shape), which.reshape(shape), place.reshape(pixels.shape))


def _within(camera: Camera, outline: Float64, x: Float64, y: Float64) -> npt.NDArray[np.intp]:
    """Return which pixels lie inside the bounding box of a surface's image: only those can hit it."""
    image, depth = camera.project(outline)
    if depth.min() <= 0:  # partly behind the camera: its image has no bounding box
        return np.arange(len(x))
    (left, top), (right, bottom) = image.min(axis=0), image.max(axis=0)
    return np.flatnonzero((x >= left) & (x <= right) & (y >= top) & (y <= bottom))


def photograph(surfaces: list[Surface], camera: Camera, *, oversampling: int = 2) -> UInt8:
    """Return what the camera sees, (H, W, 3), averaged over each pixel's square."""
    width, height = camera.size
    n = oversampling
    hits = _trace(surfaces, camera, (pixel_grid(width * n, height * n) + 0.5) / n - 0.5)
    fine = np.full((height * n, width * n, 3), 96, np.uint8)
    for index, surface in enumerate(surfaces):
        mask = hits.which == index
        if mask.any():
            fine[mask] = _coloured(surface, hits.place[mask])
    return np.asarray(cv2.resize(fine, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def _coloured(surface: Surface, place: Float64) -> UInt8:
    """Return (N, 3) colours of a surface at (N, 2) texture places."""
    rows, columns = surface.texture.shape[:2]
    at = (place * (columns, rows) - 0.5).astype(np.float32)
    width = 16_384  # OpenCV's remap takes at most 32767 columns or rows
    padded = np.zeros((-(-len(at) // width) * width, 2), np.float32)
    padded[: len(at)] = at
    grid = padded.reshape(-1, width, 2)
    colour = cv2.remap(surface.texture, grid[..., 0], grid[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    return as_uint8(np.asarray(colour).reshape(-1, 3)[: len(at)].astype(np.float64) * surface.light)


def dense_truth(surfaces: list[Surface], left: Camera, right: Camera) -> Float32:
    """Return (H, W, 2) float32: where every left pixel's point is seen in the right image, NaN if it is not."""
    pixels = pixel_grid(*left.size)
    hits = _trace(surfaces, left, pixels)
    with np.errstate(invalid="ignore"):
        points = left.centre + hits.depth[..., None] * left.rays(pixels)
    known = hits.which != NOTHING
    places, far = right.project(np.where(known[..., None], points, 0.0))
    first = _trace(surfaces, right, places).depth
    visible = known & (far > 0) & (far <= first * (1 + SAME_DEPTH))
    return seen(np.where(visible[..., None], places, np.nan), right.size)


# ------------------------------------------------------------------------------ paper doll


@dataclass(frozen=True, eq=False)
class Part:
    """A flat textured piece: its outline in its own pixels, and its place in the left and right picture."""

    texture: UInt8
    alpha: UInt8
    left: Float64
    right: Float64


def paste(background: UInt8, parts: list[Part], side: str) -> tuple[UInt8, Int32]:
    """Return (picture, index of the part on top of every pixel, NOTHING for the background)."""
    height, width = background.shape[:2]
    picture = background.astype(np.float64)
    top = np.full((height, width), NOTHING, np.int32)
    for index, part in enumerate(parts):
        matrix = (part.left if side == "left" else part.right)[:2]
        colour = cv2.warpAffine(
            part.texture, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        alpha = cv2.warpAffine(part.alpha, matrix, (width, height), flags=cv2.INTER_LINEAR).astype(np.float64) / 255
        picture = picture * (1 - alpha[..., None]) + colour * alpha[..., None]
        top[alpha > 0.5] = index
    return as_uint8(picture), top


def part_truth(top_here: Int32, top_there: Int32, moves: list[Float64], ground: Float64) -> Float32:
    """Return the dense map from here to there of parts that each move by a matrix.

    Args:
        top_here, top_there: (H, W) index of the part on top.
        moves: (3, 3) of every part, here to there.
        ground: (3, 3) of the background.
    """
    height, width = top_here.shape
    grid = pixel_grid(width, height)
    places = np.empty_like(grid)
    for index, move in [(NOTHING, ground), *enumerate(moves)]:
        mask = top_here == index
        places[mask] = grid[mask] @ move[:2, :2].T + move[:2, 2]
    at = np.rint(places).astype(np.intp)
    within = np.all((at >= 0) & (at < (top_there.shape[1], top_there.shape[0])), axis=-1)
    safe = np.where(within[..., None], at, 0)
    visible = within & (top_there[safe[..., 1], safe[..., 0]] == top_here)
    return np.where(visible[..., None], places, np.nan).astype(np.float32)
