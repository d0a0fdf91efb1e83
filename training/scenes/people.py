"""People and animals: warm, moving, never very hot."""

from __future__ import annotations

import numpy as np

from .programs import drifting, points
from .stage import Scene, Stage
from .things import WARM_BODY, Program, Thing, box


def _walk(stage: Stage, seconds: float) -> tuple[Program, Program]:
    """Goes from spot to spot, stays a while at each."""
    now, times, rows, columns = 0.0, [], [], []
    row, column = stage.place(-2)
    speed = stage.uniform(0.3, 1.6) * stage.pixels_per_metre
    while now < seconds:
        times.append(now)
        rows.append(row)
        columns.append(column)
        if stage.chance(0.6):
            now += stage.log_uniform(1, 40)
            times.append(now)
            rows.append(row)
            columns.append(column)
        next_row, next_column = stage.place(-2)
        if stage.chance(0.7):
            next_row = row + stage.uniform(-1, 1)
        now += max(np.hypot(next_row - row, next_column - column) / speed, 0.5)
        row, column = next_row, next_column
    grid = np.array(times)
    return points(grid, np.array(rows)), points(grid, np.array(columns))


def _around(place: float, shake: Program, later: float) -> Program:
    """Hardly moves, as somebody does who sits."""
    return lambda t: place + 0.15 * shake(t + later)


def person(stage: Stage, hottest: tuple[float, float] = (30.0, 36.5)) -> Thing:
    """Clothes and, warmer and smaller, face or hands."""
    scale = stage.pixels_per_metre * stage.uniform(0.7, 1.4)
    seconds = stage.seconds + 5
    if stage.chance(0.6):
        row, column = _walk(stage, seconds)
    else:
        r, c = stage.place(0)
        shake = drifting(stage.rng, seconds, stage.uniform(0.5, 5))
        row = _around(r, shake, 0.0)
        column = _around(c, shake, 1.7)
    tall = scale * stage.uniform(0.5, 1.8)
    wide = scale * stage.uniform(0.3, 0.6)
    skin = stage.uniform(*hottest)
    clothes = max(min(stage.ambient + stage.uniform(2, 9), skin), skin - 8)
    face = scale * stage.uniform(0.15, 0.25)
    return Thing(
        WARM_BODY,
        [
            box(row, column, tall, wide, clothes, 0.95, round_strips=3),
            box(lambda t: row(t) - tall * 0.4, column, face, face, skin, 0.97, round_strips=2),
        ],
    )


def people(stage: Stage) -> Scene:
    """One to three of them."""
    count = 1 + int(stage.rng.integers(3))
    return Scene("warmBody/people", WARM_BODY, [person(stage) for _ in range(count)])


def heated_people(stage: Stage) -> Scene:
    """Skin at its hottest, clothes in the sun, or close to the lens."""
    stage.distance = stage.log_uniform(0.6, 4)
    count = 1 + int(stage.rng.integers(2))
    hot = (38.0, 54.0) if stage.chance(0.7) else (36.0, 39.0)
    return Scene("warmBody/heated", WARM_BODY, [person(stage, hot) for _ in range(count)])
