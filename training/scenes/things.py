"""What stands in a scene: layers of stacked rectangles with a temperature each, over time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

KINDS = ("fire", "overheating", "warmBody", "hotObject", "other")
FIRE, OVERHEATING, WARM_BODY, HOT_OBJECT, OTHER = range(5)

Program = Callable[[np.ndarray], np.ndarray]
"""Seconds since the recording's start -> a value at each of them."""


@dataclass
class Patch:
    """A layer at some times. Places in pixels, (times, strips); the rest (times,)."""

    top: np.ndarray
    bottom: np.ndarray
    left: np.ndarray
    right: np.ndarray
    celsius: np.ndarray
    emissivity: np.ndarray


Layer = Callable[[np.ndarray, float], Patch]
"""Times, and for how many seconds before each the sensor integrated -> what it looked like."""


@dataclass
class Thing:
    """One cause of heat; what it is decides what the model should say about its region."""

    kind: int
    layers: list[Layer] = field(default_factory=list)


def always(value: float) -> Program:
    """The same at all times."""
    return lambda t: np.full(t.shape, value, dtype=np.float64)


def box(
    row: Program | float,
    column: Program | float,
    height: Program | float,
    width: Program | float,
    celsius: Program | float,
    emissivity: Program | float = 0.95,
    round_strips: int = 1,
) -> Layer:
    """A rectangle, or with more strips an ellipse, around (row, column), in pixels."""

    def value(of: Program | float, t: np.ndarray) -> np.ndarray:
        return of(t) if callable(of) else np.full(t.shape, float(of))

    def layer(t: np.ndarray, _integrated: float) -> Patch:
        r, c = value(row, t)[:, None], value(column, t)[:, None]
        h, w = value(height, t)[:, None], value(width, t)[:, None]
        steps = np.arange(round_strips + 1) / round_strips - 0.5
        middles = (steps[1:] + steps[:-1]) / 2
        narrowing = np.sqrt(1 - (2 * middles) ** 2) if round_strips > 1 else np.ones(1)
        half = w * narrowing / 2
        return Patch(
            top=r + h * steps[:-1],
            bottom=r + h * steps[1:],
            left=c - half,
            right=c + half,
            celsius=value(celsius, t),
            emissivity=value(emissivity, t),
        )

    return layer
