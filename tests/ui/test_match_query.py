"""The filter language, the columns behind it, and the colour rules, without a window."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.records import Features, Keypoints, Matches, MatchRequest, MatchResult, PairRef
from app.ui import colour_rules
from app.ui.colour_rules import RULES, Colouring, available, legend_of, shown_rows, usable_rule
from app.ui.match_advice import advice
from app.ui.match_query import FIELDS, MOST_CHARACTERS, MOST_NESTING, QueryError, parse
from app.ui.match_state import MatchState
from app.ui.match_table import COLUMNS
from app.ui.match_values import MatchValues, best_by, best_first, values_of, wrapped
from app.ui.style import DARK

NAN = math.nan


def values(n: int = 8, **columns: object) -> MatchValues:
    """Eight matches with numbers that are easy to reckon with; any column can be replaced."""
    k = np.arange(n, dtype=np.float32)
    given_columns = {
        "x1": 10 * k, "y1": 5 * k, "x2": 10 * k + 1, "y2": 5 * k, "size1": k + 1, "size2": 2 * (k + 1),
        "distance": 100 - 10 * k, "second": np.full(n, 200, np.float32), "ratio": k / 10, "confidence": np.full(n, NAN),
        "scale": np.full(n, 2.0), "angle": 40 * k - 140, "residual": k, "error": k,
        "inlier": k < 5, "verdict": np.array([0, 0, 1, 1, 2, 3, 3, 0][:n]), "verified": True, "judged": True,
    }  # fmt: skip
    given_columns.update(columns)
    kinds = {"inlier": np.bool_, "verdict": np.int8}
    made = {
        name: value if isinstance(value, bool) else np.asarray(value, kinds.get(name, np.float32))
        for name, value in given_columns.items()
    }
    return MatchValues(**made)  # type: ignore[arg-type]  # by name


def kept(text: str, of: MatchValues | None = None) -> list[int]:
    return np.flatnonzero(parse(text).mask(of if of is not None else values())).tolist()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", [0, 1, 2, 3, 4, 5, 6, 7]),
        ("ratio < 0.2", [0, 1]),
        ("0.2 <= ratio < 0.5", [2, 3, 4]),
        ("ratio = 0.7", [7]),
        ("ratio < 20 %", [0, 1]),
        ("error > 3 px and not inlier", [5, 6, 7]),
        ("right", [0, 1, 7]),
        ("verdict != right and verdict != undecided", [2, 3, 4]),
        ("wrong or error > 6", [2, 3, 7]),
        ("wrong or right and error > 6", [2, 3, 7]),
        ("(wrong or right) and error > 6", [7]),
        ("inlier = no", [5, 6, 7]),
        ("NOT Inlier AND Number <= 6", [5]),
        ("angle > -60 deg and angle < 30°", [3, 4]),
        ("scale == 2", list(range(8))),
        ("distance ≥ 90", [0, 1]),
        ("number <> 3", [0, 1, 3, 4, 5, 6, 7]),
        ("confidence = unknown", list(range(8))),
        ("confidence != unknown", []),
        ("confidence < 1 or confidence >= 1", []),
        ("x1 > 15 and y2 < 1e1", []),
        ("-5 < x1 < 15", [0, 1]),
    ],
)
def test_that_a_filter_keeps_what_it_says(text: str, expected: list[int]) -> None:
    assert kept(text) == expected


def test_that_what_the_table_shows_is_found_by_typing_it() -> None:
    rng = np.random.default_rng(3)
    n = 300
    some = values(
        n,
        **{name: rng.uniform(0, 900, n) for name in ("x1", "y1", "x2", "y2", "error", "residual")},
        ratio=rng.uniform(0, 1, n), confidence=rng.uniform(0, 1, n), scale=rng.uniform(0.1, 9, n),
        distance=10 ** rng.uniform(-2, 3, n), angle=rng.uniform(-180, 180, n),
        inlier=np.ones(n), verdict=np.zeros(n),
    )  # fmt: skip
    typed = [column for column in COLUMNS if column.key not in ("verdict", "inlier")]
    assert len(typed) == 12
    for column in typed:
        texts = [column.text(value) for value in getattr(some, column.key)]
        for row in range(0, n, 7):
            alike = [other for other, text in enumerate(texts) if text == texts[row]]
            others = [other for other in range(n) if other not in alike]
            assert kept(f"{column.key} = {texts[row]}", some) == alike
            assert kept(f"{column.key} != {texts[row]}", some) == others


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x1 = 72.25", [0, 1]),
        ("72.25 px = x1", [0, 1]),
        ("x1 = 72.251", [1]),
        ("x1 = 72.2512", [1]),
        ("x1 = 72.3", []),
        ("x1 = 7225e-2", [0, 1]),
        ("x1 != 72.25", [2, 3]),
        ("x1 > 72.25", [1, 2, 3]),
        ("x1 <= 72.25", [0]),
        ("x1 = 72.25 < x2", [0, 1]),
        ("ratio = 0.7", [0, 1]),
        ("ratio = 70 %", [0, 1]),
        ("ratio = 70.1 %", [2]),
        ("confidence = 1", [1]),
        ("distance = 0.31", [0]),
        ("distance = 0.310", [0]),
        ("distance = 169.2", [1]),
        ("distance = 169.24", [1]),
        ("distance = 169", []),
        ("distance != 169.2", [0, 2, 3]),
        ("angle = −12.3°", [3]),
        ("angle = -12.3", [3]),
        ("error = 0", [0]),
        ("error = 1e999", []),
        ("error != 1e-999", [0, 1, 2, 3]),
        (f"number = 2.{'0' * 200}", [1]),
    ],
)
def test_that_equal_means_as_the_table_writes_it_and_less_the_number_itself(text: str, expected: list[int]) -> None:
    some = values(
        4, x1=[72.2499, 72.2512, 72.26, 80], x2=[90] * 4, ratio=[0.6996, 0.7004, 0.7007, 0.65], error=[0.004, 1, 2, 3],
        confidence=[0.99, 0.9996, 0.2, NAN], distance=[0.3104, 169.24, 0.3106, 31.0], angle=[0, 12.3, 180, -12.34],
        verdict=[0] * 4,
    )  # fmt: skip
    assert kept(text, some) == expected


def test_that_unknown_numbers_satisfy_nothing_but_unknown() -> None:
    some = values(error=[0, NAN, 2, NAN, 4, NAN, math.inf, 7])
    assert kept("error > 1", some) == [2, 4, 6, 7]
    assert kept("error != 2", some) == [0, 4, 6, 7]
    assert kept("error = unknown", some) == [1, 3, 5]


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("ratio <", 7), ("< 3", 0), ("ratio < 0.7 and", 15), ("(ratio < 3", 10), ("ratio < 3)", 9),
        ("3 < 4", 0), ("ratio", 5), ("inlier = 3", 9), ("verdict = yes", 10), ("wrong < 3", 0), ("ratio # 3", 6),
        ("ratio < 0.7 0.8", 12), ("unknown", 7), ("not", 3),
    ],
)  # fmt: skip
def test_that_a_fault_is_one_sentence_with_its_place(text: str, position: int) -> None:
    with pytest.raises(QueryError) as caught:
        parse(text)
    assert caught.value.position == position
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith(".")


def test_that_length_and_depth_are_limited() -> None:
    with pytest.raises(QueryError, match="at most"):
        parse("(" * (MOST_NESTING + 2) + "right" + ")" * (MOST_NESTING + 2))
    with pytest.raises(QueryError, match="characters"):
        parse("right or " * MOST_CHARACTERS)
    assert parse("not " * 10 + "right").mask(values()).tolist() == parse("right").mask(values()).tolist()


WORDS = st.sampled_from(
    [*FIELDS, *["and", "or", "not", "(", ")", "<", ">=", "=", "0.5", "3px", "right", "yes", "unknown", "°"]]
)


@given(st.one_of(st.text(max_size=40), st.lists(WORDS, max_size=12).map(" ".join)))
def test_that_any_text_gives_a_mask_or_one_sentence(text: str) -> None:
    fault, mask = None, np.ones(8, np.bool_)
    try:
        mask = parse(text).mask(values())
    except QueryError as error:
        fault = error.position
    assert fault is None or 0 <= fault <= len(text)
    assert mask.shape == (8,)
    assert mask.dtype == np.bool_


# -------------------------------------------------------------------------------- columns


def test_that_columns_come_from_both_ends_of_every_match() -> None:
    left = Keypoints.at([[0, 0], [5, 6], [7, 8]], size=2)
    right = Keypoints.at([[1, 1], [9, 9]], size=3)
    one = np.ones(2, np.float32)
    found = Matches(np.array([[2, 0], [1, 1]], np.int32), 2 * one, 4 * one, NAN * one)
    request = MatchRequest(PairRef("builtin", "t", recipe="r"), "sift", None)  # type: ignore[arg-type]  # not looked at
    columns = values_of(MatchResult(request, left=Features(left), right=Features(right), matches=found))
    assert columns.left_xy.tolist() == [[7, 8], [5, 6]]
    assert columns.right_xy.tolist() == [[1, 1], [9, 9]]
    assert columns.ratio.tolist() == [0.5, 0.5]
    assert columns.scale.tolist() == [1.5, 1.5]
    assert np.isnan(columns.angle).all()
    assert not columns.judged
    assert columns.verdict.tolist() == [-1, -1]
    assert len(values_of(None)) == 0


def test_that_angles_are_wrapped_to_half_a_turn_either_way() -> None:
    turned = wrapped(np.array([190, -190, 180, -180, 360, 0, NAN], np.float32))
    assert turned[:6].tolist() == [-170, 170, 180, 180, 0, 0]
    assert np.isnan(turned[6])


def test_that_the_most_believable_come_first_by_what_is_known() -> None:
    assert best_by(values()) == "ratio"
    assert best_first(values()).tolist() == list(range(8))
    unknown_ratio = values(ratio=np.full(8, NAN))
    assert best_by(unknown_ratio) == "distance"
    assert best_first(unknown_ratio).tolist() == list(range(7, -1, -1))
    confident = values(confidence=[0.1, 0.9, NAN, 0.5, 0.5, 0.2, 0.3, 0.4])
    assert best_first(confident).tolist() == [1, 3, 4, 7, 6, 5, 0, 2]


# --------------------------------------------------------------------------------- colours


def coloured(key: str, of: MatchValues | None = None) -> Colouring:
    return colour_rules.colour(of if of is not None else values(), key, DARK.colours(), 3.0)


@pytest.mark.parametrize("key", RULES)
def test_that_every_rule_puts_every_match_into_one_of_at_most_64_classes(key: str) -> None:
    some = values(
        confidence=[0, 1, 0.5, NAN, 0.2, 0.2, 0.9, 1], angle=[NAN, -180, 180, 0, 1, 2, 3, 90],
        scale=[NAN, 0.01, 100, 1, 2, 0.5, 4, 1], ratio=[NAN, 0, 1, 0.5, 0.2, 0.3, math.inf, 0.9],
    )  # fmt: skip
    made = coloured(key, some)
    assert made.rule == key
    assert made.counts.sum() == len(some)
    assert len(made.classes) <= 64 or key == "position"
    assert made.group.max() < len(made.classes)
    assert all(len(item.colour) == 7 for item in made.classes)
    content = legend_of(made, np.arange(len(some)))
    unknown = sum(int(row.count) for row in content.rows if row.text == "unknown")
    assert unknown == {"confidence": 1, "angle": 1, "scale": 1, "ratio": 1}.get(key, 0)
    if not made.bar:
        assert sum(int(row.count) for row in content.rows) == len(some)


@pytest.mark.parametrize("key", RULES)
def test_that_a_rule_makes_sense_of_nothing(key: str) -> None:
    none = values(0)
    assert coloured(key, none).counts.sum() == 0
    assert shown_rows(none, coloured(key, none)).tolist() == []


def test_that_good_is_light_and_order_is_kept() -> None:
    made = coloured("ratio")
    rgb = np.array([[int(c.colour[i : i + 2], 16) for i in (1, 3, 5)] for c in made.classes])
    luminance = rgb @ (0.30, 0.59, 0.11)
    assert np.all(np.diff(made.group.astype(int)) >= 0)
    assert np.all(np.diff(luminance[:-1]) < 0)


def test_that_no_change_has_the_neutral_colour_and_turns_have_two() -> None:
    same = coloured("scale", values(scale=np.ones(8)))
    assert same.classes[same.group[0]].colour == same.bar[len(same.bar) // 2]
    made = coloured("angle", values(angle=[-90, 90, 0, -180, 180, 0, 0, 0]))
    blue, orange = (made.classes[g].colour for g in made.group[:2])
    assert int(blue[5:], 16) > int(blue[1:3], 16)
    assert int(orange[1:3], 16) > int(orange[5:], 16)


def test_that_the_ends_of_the_bar_say_where_numbers_go_beyond_it() -> None:
    inside = coloured("scale", values(scale=[0.5, 2, 1, 1, 1, 1, 1, 1]))
    assert (inside.low, inside.high) == ("× 0.5", "× 2")
    beyond = coloured("scale", values(64, scale=[*[1.0] * 62, 1 / 9, 40], verdict=[0] * 64))
    assert (beyond.low, beyond.high) == ("≤ × 0.5", "≥ × 2")


def test_that_top_counts_after_filter_and_hidden_classes() -> None:
    some = values()
    made = coloured("verdict", some)
    keep = some.ratio > 0.05
    assert shown_rows(some, made, keep, top=2, hidden=("wrong",)).tolist() == [1, 4]
    assert shown_rows(some, made, keep, hidden=("right", "undecided")).tolist() == [2, 3, 4]
    rows = {row.text: row.count for row in legend_of(made, np.array([1, 4]), ("wrong",)).rows}
    assert rows == {"right": "1 of 3", "wrong": "hidden (2)", "consistent": "1", "undecided": "0 of 2"}


def test_that_rules_without_their_numbers_say_why() -> None:
    poor = values(ratio=np.full(8, NAN), scale=np.full(8, NAN), angle=np.full(8, NAN), verified=False, judged=False)
    reasons = available(poor)
    assert {key for key, reason in reasons.items() if reason} == {
        "verdict", "inlier", "ratio", "confidence", "scale", "angle",
    }  # fmt: skip
    assert all(reason.endswith(".") for reason in reasons.values() if reason)
    assert usable_rule(poor, "verdict") == "distance"
    assert usable_rule(values(judged=False), "verdict") == "inlier"


# ---------------------------------------------------------------------------------- advice


def test_that_the_advice_names_what_emptied_the_list() -> None:
    points = Features(Keypoints.at([[1, 1]]))
    request = MatchRequest(PairRef("builtin", "t", recipe="r"), "sift", None)  # type: ignore[arg-type]  # not looked at
    one = np.ones(1, np.float32)
    found = Matches(np.zeros((1, 2), np.int32), one, one, one)
    matched = MatchResult(request, left=points, right=points, matches=found)
    assert advice(matched, MatchState(), 1) == ""
    assert "“ratio > 2”" in advice(matched, MatchState(filter="ratio > 2"), 0)
    assert "inlier" in advice(matched, MatchState(only_inliers=True), 0)
    both = advice(matched, MatchState(filter="wrong", only_inliers=True), 0)
    assert "inlier" in both
    assert "“wrong”" in both
    empty = MatchResult(request, left=points, right=points, matches=Matches.empty((("nearest", 9), ("after ratio", 0))))
    assert "Raise the ratio" in advice(empty, MatchState(), 0)
    blank = MatchResult(request, left=Features(Keypoints.empty()), right=points, matches=Matches.empty())
    assert "the left picture" in advice(blank, MatchState(), 0)
