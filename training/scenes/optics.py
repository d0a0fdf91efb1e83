"""Radiance and the blur of the lens: how much of each pixel a thing covers."""

from __future__ import annotations

import math

import numpy as np

ROWS = 24
COLUMNS = 32
ZERO_CELSIUS_IN_KELVIN = 273.15

_TABLE_REACH = 8.0
_TABLE_X = np.linspace(-_TABLE_REACH, _TABLE_REACH, 4097)
_TABLE_F = np.array(
    [
        x * 0.5 * (1 + math.erf(x / math.sqrt(2)))
        + math.exp(-0.5 * x * x) / math.sqrt(2 * math.pi)
        for x in _TABLE_X
    ]
)


def radiance(celsius: np.ndarray | float) -> np.ndarray:
    """Stefan and Boltzmann's law without its constant, kelvins^4 / 1e8."""
    kelvin = np.asarray(celsius, dtype=np.float64) + ZERO_CELSIUS_IN_KELVIN
    return kelvin**4 / 1e8


def celsius_of(value: np.ndarray) -> np.ndarray:
    """Inverse of `radiance`."""
    return (np.maximum(value, 0.0) * 1e8) ** 0.25 - ZERO_CELSIUS_IN_KELVIN


def _edge(x: np.ndarray, sigma: float) -> np.ndarray:
    """Integral of a blurred edge at 0 from far left to `x`, in pixels."""
    scaled = x / sigma
    inside = np.interp(scaled, _TABLE_X, _TABLE_F)
    return sigma * np.where(scaled > _TABLE_REACH, scaled, inside)


def covered(low: np.ndarray, high: np.ndarray, sigma: float, count: int) -> np.ndarray:
    """Share of each of `count` pixels in a line that lies between `low` and `high`.

    The edges are blurred by a Gaussian of `sigma` pixels. Shapes: (..., ) in, (..., count) out.
    """
    borders = np.arange(count + 1, dtype=np.float64)
    from_low = _edge(borders - low[..., None], sigma)
    from_high = _edge(borders - high[..., None], sigma)
    return np.clip(np.diff(from_low - from_high, axis=-1), 0.0, 1.0)


def cover(
    top: np.ndarray,
    bottom: np.ndarray,
    left: np.ndarray,
    right: np.ndarray,
    sigma: float,
) -> np.ndarray:
    """Share of each pixel that stacked rectangles cover, (times, 24, 32); edges (times, strips)."""
    rows = covered(top, bottom, sigma, ROWS)
    columns = covered(left, right, sigma, COLUMNS)
    return np.clip(np.einsum("tsr,tsc->trc", rows, columns, optimize=False), 0.0, 1.0)
