"""Values over time: heating, cooling, thermostats, clouds, paths and restlessness."""

from __future__ import annotations

import numpy as np

from .things import Program


def approach(start: float, before: float, after: float, tau: float) -> Program:
    """First-order approach from `before` to `after`, beginning at `start`."""

    def program(t: np.ndarray) -> np.ndarray:
        since = np.maximum(t - start, 0.0)
        return before + (after - before) * (1 - np.exp(-since / max(tau, 1e-3)))

    return program


def ramp(
    start: float, before: float, per_minute: float, after: float, soft: float = 0.0
) -> Program:
    """Straight rise from `before` that ends at `after`; `soft` 0..1 rounds the end."""

    def program(t: np.ndarray) -> np.ndarray:
        rise = np.maximum(t - start, 0.0) * per_minute / 60
        room = max(after - before, 1e-6)
        share = rise / room
        hard = np.minimum(share, 1.0)
        rounded = 1 - np.exp(-share)
        return before + room * ((1 - soft) * hard + soft * rounded)

    return program


def runaway(start: float, before: float, per_minute: float, doubling: float) -> Program:
    """A rise whose speed doubles every `doubling` seconds, as insulation breaks down."""

    def program(t: np.ndarray) -> np.ndarray:
        since = np.maximum(t - start, 0.0)
        k = np.log(2) / doubling
        grown = (np.exp(np.minimum(k * since, 20)) - 1) / k
        return np.minimum(before + per_minute / 60 * grown, 700)

    return program


def thermostat(inner: Program, band: float, period: float, phase: float) -> Program:
    """Swings by `band` degrees around `inner`, once it is warm."""
    return lambda t: inner(t) - band * (0.5 + 0.5 * np.sin(2 * np.pi * (t / period + phase)))


def then_cool(inner: Program, at: float, to: float, tau: float) -> Program:
    """`inner` until `at`, cooling towards `to` from there on."""
    top = float(inner(np.array([at]))[0])

    def program(t: np.ndarray) -> np.ndarray:
        cooling = to + (top - to) * np.exp(-np.maximum(t - at, 0.0) / tau)
        return np.where(t < at, inner(t), cooling)

    return program


def points(times: np.ndarray, values: np.ndarray) -> Program:
    """Straight lines between given points, constant outside."""
    return lambda t: np.interp(t, times, values)


def drifting(rng: np.random.Generator, seconds: float, tau: float, step: float = 0.05) -> Program:
    """Gaussian noise of deviation 1 whose memory is `tau` seconds; the same at every call."""
    reach = max(int(4 * tau / step), 1)
    kernel = np.exp(-np.arange(reach + 1) * step / tau)
    count = int(seconds / step) + reach + 2
    noise = np.convolve(rng.standard_normal(count + reach), kernel / np.sqrt(np.sum(kernel**2)))
    series = noise[reach : reach + count]
    grid = np.arange(count) * step
    return lambda t: np.interp(t, grid, series)


def switching(
    rng: np.random.Generator, seconds: float, mean_on: float, mean_off: float, edge: float
) -> Program:
    """0 and 1 in turns of random length, with edges `edge` seconds long: clouds, a door."""
    times, values, now, level = [0.0], [1.0], 0.0, 1.0
    if rng.random() < 0.5:
        level = values[0] = 0.0
    while now < seconds:
        stay = rng.exponential(mean_on if level > 0 else mean_off) + edge
        times += [now + stay, now + stay + edge]
        values += [level, 1 - level]
        now += stay + edge
        level = 1 - level
    return points(np.array(times), np.array(values))
