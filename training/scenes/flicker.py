"""Restlessness of a flame, as a sensor sees it that integrates over some time."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

STEP_SECONDS = 1 / 40

Averaged = Callable[[np.ndarray, float], np.ndarray]
"""Times, and seconds of integration before each -> mean of the value over that time."""


def averaged(series: np.ndarray) -> Averaged:
    """Makes a series on the grid of `STEP_SECONDS` readable as means."""
    total = np.concatenate([[0.0], np.cumsum(series)]) * STEP_SECONDS
    grid = np.arange(total.size) * STEP_SECONDS

    def mean(t: np.ndarray, integrated: float) -> np.ndarray:
        width = max(integrated, STEP_SECONDS)
        ends = np.interp(t, grid, total)
        begins = np.interp(t - width, grid, total)
        return (ends - begins) / width

    return mean


def _memory(rng: np.random.Generator, count: int, tau: float) -> np.ndarray:
    reach = max(int(4 * tau / STEP_SECONDS), 1)
    kernel = np.exp(-np.arange(reach + 1) * STEP_SECONDS / tau)
    noise = np.convolve(rng.standard_normal(count + reach), kernel / np.sqrt(np.sum(kernel**2)))
    return noise[reach : reach + count]


def flame_strength(
    rng: np.random.Generator, seconds: float, puff_hertz: float, depth: float
) -> Averaged:
    """Relative strength of a flame around 1: puffing (1.5 / sqrt(D) Hz, D in metres) and
    turbulence. `depth` is about its standard deviation before the sensor averages it."""
    count = int(seconds / STEP_SECONDS) + 2
    jitter = 0.15 * puff_hertz * _memory(rng, count, 0.5)
    phase = 2 * np.pi * np.cumsum((puff_hertz + jitter) * STEP_SECONDS) + rng.uniform(0, 6.28)
    share = rng.uniform(0.3, 0.8)
    slow = _memory(rng, count, rng.uniform(0.6, 4.0))
    fast = _memory(rng, count, rng.uniform(0.05, 0.4))
    puff = np.sin(phase) * np.sqrt(2)
    weight = rng.uniform(0.3, 0.9)
    turbulence = weight * fast + np.sqrt(1 - weight**2) * slow
    strength = np.exp(depth * (share * puff + np.sqrt(1 - share**2) * turbulence))
    return averaged(strength / np.mean(strength))


def sway(rng: np.random.Generator, seconds: float, tau: float) -> Averaged:
    """Where a flame leans, deviation 1."""
    return averaged(_memory(rng, int(seconds / STEP_SECONDS) + 2, tau))
