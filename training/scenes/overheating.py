"""Things that get hotter than they should, slowly: motors, cabinets, cables, contacts."""

from __future__ import annotations

import numpy as np

from .kitchen import _size
from .programs import approach, ramp, runaway
from .stage import Scene, Stage
from .things import OVERHEATING, Program, Thing, box


def _program(stage: Stage, rate: float, cold: float, begin: float) -> Program:
    top = stage.uniform(130, 260)
    kind = stage.uniform(0, 1)
    if kind < 0.5:
        return ramp(begin, cold, rate, top, stage.uniform(0, 0.4))
    if kind < 0.75:
        return approach(begin, cold, top, 60 * (top - cold) / rate)
    return runaway(begin, cold, rate, stage.log_uniform(90, 600))


def overheating(stage: Stage) -> Scene:
    """2 to 20 C a minute towards 130 to 260 C; recorded from where it starts to matter."""
    rate = stage.log_uniform(2, 20)
    cold = stage.ambient + stage.uniform(0, 15)
    # At which temperature the recording begins: near 40, or anywhere up to 110 C.
    at = stage.uniform(cold, 55) if stage.chance(0.6) else stage.uniform(40, 110)
    begin = stage.preroll - max(at - cold, 0) * 60 / rate
    program = _program(stage, rate, cold, begin)
    row, column = stage.place(1.5)
    size = _size(stage, 0.05, 0.5)
    aspect = stage.log_uniform(0.15, 6)
    height, width = size * np.sqrt(aspect), size / np.sqrt(aspect)
    thing = Thing(OVERHEATING)
    # Heat creeps along: the surroundings follow, more and more of them.
    share = stage.uniform(0.1, 0.6)
    creep = stage.log_uniform(100, 1500)

    def wide(t: np.ndarray) -> np.ndarray:
        return 1 + 2 * (1 - np.exp(-np.maximum(t - begin, 0) / creep))

    def around(t: np.ndarray) -> np.ndarray:
        return stage.ambient + share * (program(t) - stage.ambient)

    emissivity = stage.uniform(0.6, 0.97)
    if stage.chance(0.6):
        thing.layers.append(
            box(
                row, column, lambda t: height * wide(t), lambda t: width * wide(t), around,
                emissivity, 3,
            )
        )
    thing.layers.append(
        box(row, column, height, width, program, emissivity, 3 if stage.chance(0.4) else 1)
    )
    return Scene("overheating/rise", OVERHEATING, [thing])
