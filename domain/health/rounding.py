"""The one rule of rounding of the health score, in Python here and in SQL in `db/health.py`.

Everything is an exact fraction until it is shown; then it is rounded once, half up, to one
decimal. Fractions, because a division carried to some digits and rounded again can fall on the
other side of a tie, and Python's and PostgreSQL's digits differ; SQL does the same by the whole
quotient of integers. Points are rounded before they are weighed, so that a person can add up an
explanation with pencil and paper and gets the score.
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from math import floor

DIGITS = 6
"""Decimals of a field's number that count. A quotient that SQL stored with more digits than a
float carries is one number on both sides by this; our choice."""

_HALF = Fraction(1, 2)


def exact(number: int | float) -> Fraction:
    """The number as it is written, so that 0.1 is a tenth."""
    return Fraction(str(number))


def counted(number: Fraction) -> Fraction:
    """The number to the decimals that count; half goes away from zero, as PostgreSQL's ROUND."""
    scaled = floor(abs(number) * 10**DIGITS + _HALF)
    return Fraction(scaled if number >= 0 else -scaled, 10**DIGITS)


def half_up(number: Fraction) -> Decimal:
    """The number with one decimal: 69.95 is 70.0. For numbers that are not negative."""
    return tenths(floor(number * 10 + _HALF))


def tenths(count: int) -> Decimal:
    """So many tenths, written with one decimal."""
    return Decimal(count).scaleb(-1)


def shares(parts: list[Fraction], total: Decimal) -> list[Decimal]:
    """The parts with one decimal each, so that they add up to `total`, their sum half up.

    By largest remainders: each is at most a tenth from its own value; of equals the first gains.
    """
    whole = [floor(part * 10) for part in parts]
    missing = int(total * 10) - sum(whole)
    order = sorted(range(len(parts)), key=lambda i: (whole[i] - parts[i] * 10, i))
    gains = set(order[:missing])
    return [tenths(count + (i in gains)) for i, count in enumerate(whole)]
