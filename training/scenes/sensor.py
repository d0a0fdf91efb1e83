"""What the array itself adds: noise, offsets, moments of reading, damage."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .optics import COLUMNS, ROWS

CHESS = (np.add.outer(np.arange(ROWS), np.arange(COLUMNS)) % 2).astype(bool)
PIXELS = ROWS * COLUMNS
# Above the scene; the hottest recorded pixel reads 914 C.
HIGHEST_SPIKE = 890.0


@dataclass
class Moments:
    """When frames are complete, and when each of the two subpages was read for them."""

    frames: np.ndarray
    subpages: tuple[np.ndarray, np.ndarray]
    integrated: float


def moments(rng: np.random.Generator, cadence: float, seconds: float, most: int) -> Moments:
    """Regular, jittered or irregular frames, some missing."""
    count = min(int(seconds / cadence) + 1, most)
    steps = np.full(count, cadence)
    style = rng.random()
    if style < 0.3:
        steps *= rng.uniform(0.95, 1.05, count)
    elif style < 0.45:
        steps *= np.exp(rng.normal(0, 0.35, count))
    frames = np.cumsum(steps)
    if rng.random() < 0.35:
        keep = rng.random(count) >= rng.uniform(0, 0.15)
        keep[0] = True
        frames = frames[keep]
    lag = cadence * rng.uniform(0.1, 0.5)
    integrated = min(lag, cadence * 0.5) * rng.uniform(0.3, 1.0)
    if rng.random() < 0.5:
        frames = np.round(frames, 3)
    return Moments(frames, (frames - lag, frames - 0.02), integrated)


def noise_map(rng: np.random.Generator, cadence: float) -> np.ndarray:
    """Standard deviation per pixel: 0.13..0.3 C in the centre, up to 0.94 C in corners."""
    centre = rng.uniform(0.1, 0.3) * (1.4 if cadence < 0.3 else 1.0)
    corner = min(centre * rng.uniform(1.2, 4), 1.1)
    rows = np.abs(np.linspace(-1, 1, ROWS))[:, None]
    columns = np.abs(np.linspace(-1, 1, COLUMNS))[None, :]
    away = (rows**2 + columns**2) / 2
    return (centre + (corner - centre) * away**2) * rng.uniform(0.9, 1.1, (ROWS, COLUMNS))


def offsets(rng: np.random.Generator) -> np.ndarray:
    """What calibration leaves: per pixel, per subpage, rarely per column."""
    left = rng.normal(0, rng.uniform(0.05, 0.5), (ROWS, COLUMNS))
    if rng.random() < 0.15:
        left = left + np.where(CHESS, rng.uniform(-2.5, 2.5), 0.0)
    if rng.random() < 0.1:
        left = left + rng.normal(0, 0.5, COLUMNS)[None, :]
    for _ in range(int(rng.integers(0, 3))):
        if rng.random() < 0.3:
            left[rng.integers(ROWS), rng.integers(COLUMNS)] += rng.uniform(-11, 11)
    return left


def _spike(rng: np.random.Generator, picture: np.ndarray, _before: np.ndarray) -> None:
    """One pixel: the recorded ones stand in column 0 and read 59, 60, 855 and 891 C."""
    row = int(rng.integers(ROWS))
    column = 0 if rng.random() < 0.7 else int(rng.integers(COLUMNS))
    above = np.exp(rng.uniform(np.log(8), np.log(HIGHEST_SPIKE)))
    picture[row, column] = np.nanmedian(picture) + above


def _spikes(rng: np.random.Generator, picture: np.ndarray, before: np.ndarray) -> None:
    """Several of them at once."""
    for _ in range(2 + int(rng.geometric(0.4))):
        _spike(rng, picture, before)


def _subpage(rng: np.random.Generator, picture: np.ndarray, _before: np.ndarray) -> None:
    """One subpage reads about 350 C, each pixel a little differently."""
    mine = CHESS == bool(rng.integers(2))
    picture[mine] = rng.normal(350, rng.uniform(0.5, 12), int(mine.sum()))


def _burst(rng: np.random.Generator, picture: np.ndarray, _before: np.ndarray) -> None:
    """Words lost on the way: a number of pixels read 1400..2300 C or nothing."""
    count = int(np.exp(rng.uniform(np.log(2), np.log(400))))
    hit = rng.choice(PIXELS, size=count, replace=False)
    values = rng.uniform(1400, 2300, count)
    values[rng.random(count) < rng.random()] = np.nan
    picture.reshape(-1)[hit] = values


def _half(rng: np.random.Generator, picture: np.ndarray, _before: np.ndarray) -> None:
    picture[CHESS == (rng.random() < 0.5)] = 0.0


def _torn(rng: np.random.Generator, picture: np.ndarray, before: np.ndarray) -> None:
    cut = int(rng.integers(4, COLUMNS - 4))
    picture[:, :cut] = before[:, :cut]


def _frozen(_rng: np.random.Generator, picture: np.ndarray, before: np.ndarray) -> None:
    picture[:] = before


_DAMAGE = (_spike, _spike, _spikes, _subpage, _burst, _half, _torn, _frozen)


def damage(rng: np.random.Generator, celsius: np.ndarray) -> None:
    """Puts real kinds of damage into a recording (frames, 24, 32), in place; up to three frames."""
    count = celsius.shape[0]
    if rng.random() < 0.15:
        celsius[:, rng.integers(ROWS), rng.integers(COLUMNS)] = np.nan
    if rng.random() < 0.6:
        return
    every = np.exp(rng.uniform(np.log(8), np.log(150)))
    at = 0
    while at < count:
        at += 1 + int(rng.exponential(every))
        if at >= count:
            return
        spoil = _DAMAGE[int(rng.integers(len(_DAMAGE)))]
        length = int(rng.integers(1, 4)) if spoil in (_burst, _subpage) else 1
        for frame in range(at, min(at + length, count)):
            spoil(rng, celsius[frame], celsius[max(frame - 1, 0)])
        at += length
