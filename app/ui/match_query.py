"""The filter language of the match table: ``ratio < 0.7 and error > 3 and verdict = wrong``.

What lives here: the fields, a tokenizer, a recursive-descent parser, and the evaluation of a parsed filter
as a vectorised mask. Nothing is ever handed to ``eval``. May import: records, match_values, numbers, numpy; no Qt.

Grammar::

    filter     := both { "or" both }
    both       := factor { "and" factor }
    factor     := "not" factor | "(" filter ")" | chain
    chain      := operand { comparison operand }        0.5 < ratio <= 0.7 is both comparisons
    operand    := number [ "px" | "deg" | "°" | "%" ] | field | word

A chain of one operand is a yes/no field (``inlier``) or a verdict (``wrong``). A number that is not known
(NaN) satisfies no comparison, not even ``!=``; ``confidence = unknown`` asks for it.

``=`` and ``!=`` compare a field with a number as it is written in the table, or with as many digits as are typed where
these are more: what the table shows is found, ``ratio = 0.7`` being 0.700. All other comparisons are of the numbers
themselves.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from app.records import Bool, UserError
from app.ui.match_values import DIGITS, VERDICT_WORDS, MatchValues
from app.ui.numbers import DISTANCE_DIGITS

FIELDS: dict[str, str] = {
    "number": "the row of the match, from 1",
    "x1": "left x in px",
    "y1": "left y in px",
    "x2": "right x in px",
    "y2": "right y in px",
    "size1": "left keypoint's diameter in px",
    "size2": "right keypoint's diameter in px",
    "distance": "descriptor distance",
    "second": "distance of the second nearest",
    "ratio": "distance / second",
    "confidence": "learned or dual-softmax confidence, 0 to 1",
    "scale": "right size / left size",
    "angle": "right angle − left angle in degrees, −180 to 180",
    "inlier": "yes or no: agrees with the fitted model",
    "residual": "px from the fitted model",
    "error": "px from the truth",
    "verdict": "right, wrong, consistent or undecided",
}
_KINDS = {"inlier": "flag", "verdict": "verdict"}
_YES_NO = {"yes": True, "no": False, "true": True, "false": False}
_UNITS = ("px", "deg", "°", "%")
MOST_CHARACTERS = 2000
MOST_NESTING = 64
MOST_DIGITS = 15  # more than a number has

_TOKEN = re.compile(
    r"\s*(?:(?P<number>[-+−]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)|(?P<word>[A-Za-z_]\w*)"
    r"|(?P<op><=|>=|!=|==|<>|<|>|=|≤|≥|≠)|(?P<mark>[()°%]))"
)
_SAME = {"==": "=", "<>": "!=", "≠": "!=", "≤": "<=", "≥": ">="}
_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
    "=": np.equal,
    "!=": np.not_equal,
}


class QueryError(UserError):
    """A filter that cannot be read; ``position`` is the place of the fault, counted from 0."""

    def __init__(self, text: str, position: int) -> None:
        super().__init__(text)
        self.position = position


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    at: int


@dataclass(frozen=True)
class _Operand:
    """``field``, ``number``, ``flag``, ``verdict`` or ``unknown``; ``value`` is the field's name or the constant.

    ``digits`` is how many a number was typed with after the point.
    """

    kind: str
    value: Any
    token: _Token
    digits: int = 0

    @property
    def type(self) -> str:
        """What it can be compared with: the kind of its values."""
        return _KINDS.get(self.value, "number") if self.kind == "field" else self.kind


@dataclass(frozen=True)
class _Compare:
    left: _Operand
    op: str
    right: _Operand

    def mask(self, values: MatchValues) -> Bool:
        one, other = (_column(operand, values) for operand in (self.left, self.right))
        if "unknown" in (self.left.kind, self.right.kind):
            known = one if self.right.kind == "unknown" else other
            missing = np.isnan(known) if known.dtype.kind == "f" else known < 0
            missing = np.asarray(missing, np.bool_)
            return missing if self.op == "=" else ~missing
        if self.op in ("=", "!=") and {self.left.kind, self.right.kind} == {"field", "number"}:
            field, number = (self.left, self.right) if self.left.kind == "field" else (self.right, self.left)
            one, other = _as_written(field.value, getattr(values, field.value), number)
        result: Bool = np.broadcast_to(_COMPARE[self.op](one, other), len(values)).copy()
        for column in (one, other):
            if column.dtype.kind == "f":
                result &= ~np.isnan(column)
        return result


@dataclass(frozen=True)
class _Not:
    inner: Node

    def mask(self, values: MatchValues) -> Bool:
        return ~self.inner.mask(values)


@dataclass(frozen=True)
class _Join:
    """``and`` or ``or`` of two parts."""

    word: str
    left: Node
    right: Node

    def mask(self, values: MatchValues) -> Bool:
        one, other = self.left.mask(values), self.right.mask(values)
        return one & other if self.word == "and" else one | other


Node = _Compare | _Not | _Join


@dataclass(frozen=True)
class Query:
    """A parsed filter.

    Attributes:
        text: as typed.
        root: None for an empty filter, which keeps everything.
    """

    text: str
    root: Node | None

    def mask(self, values: MatchValues) -> Bool:
        """Return (M,) bool: which matches satisfy the filter."""
        return np.ones(len(values), np.bool_) if self.root is None else self.root.mask(values)


def parse(text: str) -> Query:
    """Return the filter written in ``text``.

    Raises:
        QueryError: one sentence with the position of the fault and what was expected.
    """
    if len(text) > MOST_CHARACTERS:
        raise QueryError(f"A filter has at most {MOST_CHARACTERS} characters.", MOST_CHARACTERS)
    tokens = _tokens(text)
    if len(tokens) == 1:
        return Query(text, None)
    parser = _Parser(tokens)
    root = parser.either(0)
    parser.end()
    return Query(text, root)


def _fault(token: _Token, text: str) -> QueryError:
    where = "at the end" if token.kind == "end" else f"at character {token.at + 1}"
    return QueryError(f"Filter, {where}: {text}", token.at)


def _tokens(text: str) -> list[_Token]:
    """Split ``text``; the last token is always ``end``."""
    result: list[_Token] = []
    position, length = 0, len(text.rstrip())
    while position < length:
        found = _TOKEN.match(text, position)
        if found is None:
            at = position + len(text[position:]) - len(text[position:].lstrip())
            raise _fault(_Token("?", text[at], at), f"“{text[at]}” means nothing here; write for example ratio < 0.7.")
        kind = found.lastgroup or "?"
        word = found[kind].lower().replace("−", "-")
        result.append(_Token(kind, _SAME.get(word, word), found.start(kind)))
        position = found.end()
    return [*result, _Token("end", "", length)]


class _Parser:
    """One pass over the tokens; every method reads one rule of the grammar."""

    def __init__(self, tokens: list[_Token]) -> None:
        self._tokens, self._at = tokens, 0

    @property
    def _next(self) -> _Token:
        return self._tokens[self._at]

    def _take(self, *texts: str) -> _Token | None:
        token = self._next
        if token.kind == "end" or (texts and token.text not in texts):
            return None
        self._at += 1
        return token

    def either(self, depth: int) -> Node:
        """Return what stands between here and the end of an “or” chain, read with “and” binding closer."""
        node = self._both(depth)
        while self._take("or"):
            node = _Join("or", node, self._both(depth))
        return node

    def _both(self, depth: int) -> Node:
        node = self._factor(depth)
        while self._take("and"):
            node = _Join("and", node, self._factor(depth))
        return node

    def _factor(self, depth: int) -> Node:
        if depth > MOST_NESTING:
            raise _fault(self._next, f"at most {MOST_NESTING} parentheses and nots fit into each other.")
        if self._take("not"):
            return _Not(self._factor(depth + 1))
        if opened := self._take("("):
            node = self.either(depth + 1)
            if not self._take(")"):
                raise _fault(self._next, f"the parenthesis of character {opened.at + 1} is not closed; add ).")
            return node
        return self._chain()

    def _chain(self) -> Node:
        first = self._operand()
        node: Node | None = None
        while self._next.kind == "op":
            op = self._tokens[self._at].text
            self._at += 1
            second = self._operand()
            _check(first, op, second)
            part = _Compare(first, op, second)
            node = part if node is None else _Join("and", node, part)
            first = second
        return node if node is not None else _alone(first, self._next)

    def _operand(self) -> _Operand:
        token = self._next
        if token.kind not in ("number", "word") or token.text in ("and", "or", "not"):
            raise _fault(token, f"a field or a number is missing; fields are {', '.join(FIELDS)}.")
        self._at += 1
        if token.kind == "number":
            unit = self._take(*_UNITS)
            percent = unit is not None and unit.text == "%"
            mantissa, _, power = token.text.partition("e")
            digits = len(mantissa.partition(".")[2]) - int(power or 0) + 2 * percent
            return _Operand("number", float(token.text) * (0.01 if percent else 1.0), token, digits)
        if token.text in FIELDS:
            return _Operand("field", token.text, token)
        if token.text in VERDICT_WORDS:
            return _Operand("verdict", VERDICT_WORDS.index(token.text), token)
        if token.text in _YES_NO:
            return _Operand("flag", _YES_NO[token.text], token)
        if token.text == "unknown":
            return _Operand("unknown", None, token)
        raise _fault(token, f"“{token.text}” is not a field; fields are {', '.join(FIELDS)}.")

    def end(self) -> None:
        """Complain about what is left over."""
        token = self._next
        if token.kind != "end":
            hint = "this closes nothing." if token.text == ")" else f"put “and” or “or” before “{token.text}”."
            raise _fault(token, hint)


def _alone(operand: _Operand, after: _Token) -> Node:
    """An operand without comparison: a yes/no field or a verdict."""
    if operand.kind == "field" and operand.type == "flag":
        return _Compare(operand, "=", _Operand("flag", True, operand.token))
    if operand.kind == "verdict":
        return _Compare(_Operand("field", "verdict", operand.token), "=", operand)
    raise _fault(after, f"compare “{operand.token.text}” with something, for example {_example(operand)}.")


def _example(operand: _Operand) -> str:
    if operand.kind == "field" and operand.type == "verdict":
        return "verdict = wrong"
    return f"{operand.value} < 3" if operand.kind == "field" else "ratio < 0.7"


def _check(left: _Operand, op: str, right: _Operand) -> None:
    """Refuse comparisons that mean nothing."""
    kinds = {left.type, right.type}
    if "field" not in (left.kind, right.kind):
        raise _fault(left.token, f"one side must be a field; fields are {', '.join(FIELDS)}.")
    if kinds != {"number"} and op not in ("=", "!="):
        raise _fault(right.token, f"only = and != make sense here, not “{op}”.")
    if "unknown" not in kinds and len(kinds) > 1:
        field = left if left.kind == "field" and left.type != "number" else right
        if field.kind != "field":
            field = left
        wanted = {"flag": "yes or no", "verdict": ", ".join(VERDICT_WORDS), "number": "a number"}[field.type]
        raise _fault(right.token, f"{field.value} is compared with {wanted}.")


def _as_written(name: str, column: Any, number: _Operand) -> tuple[Any, Any]:
    """Return a field's column and a number, both in whole units of the last digit that either is written with."""
    column = np.asarray(column, np.float64)
    shown: Any = DIGITS.get(name)
    if shown is None:
        size = np.abs(column)
        shown = np.select([size >= least for least, _ in DISTANCE_DIGITS], [digits for _, digits in DISTANCE_DIGITS])
    unit = 10.0 ** np.clip(np.maximum(shown, number.digits), 0, MOST_DIGITS)
    with np.errstate(over="ignore"):
        return np.rint(column * unit), np.rint(number.value * unit)


def _column(operand: _Operand, values: MatchValues) -> Any:
    """The operand as an array that broadcasts over the matches."""
    if operand.kind == "field":
        return np.asarray(getattr(values, operand.value))
    if operand.kind == "unknown":
        return np.asarray(np.nan)
    # float32 columns are compared at their own precision, so that ratio = 0.7 can be true.
    with np.errstate(over="ignore"):
        return np.asarray(operand.value, np.float32 if operand.kind == "number" else None)
