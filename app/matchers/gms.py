"""GMS: ORB matches kept where their neighbours agree (with opencv-contrib-python only)."""

from __future__ import annotations

from dataclasses import replace

from app.matchers import orb
from app.vision import contrib
from app.vision.contrib import GmsDetect, GmsMatch, match_gms

MATCHER = replace(
    orb.MATCHER,
    key="gms",
    title="GMS",
    teaches=(
        "Takes every nearest neighbour of thousands of ORB points and believes those whose neighbours move along. "
        "No ratio test: the crowd decides, which survives repeated texture."
    ),
    source="Bian et al., GMS: grid-based motion statistics for fast, ultra-robust correspondence, CVPR 2017",
    detect_settings=GmsDetect,
    match_settings=GmsMatch,
    match=match_gms,
    ready=contrib.ready,
    why=("keypoint", "rank", "verify"),
)
