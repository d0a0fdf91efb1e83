"""Hot as they should be: heaters, machines, lamps, sun, exhausts; and what merely looks odd."""

from __future__ import annotations

import numpy as np

from .flicker import sway
from .kitchen import _size, _standing, carried
from .programs import approach, drifting, points, ramp, switching, thermostat, then_cool
from .stage import Scene, Stage
from .things import HOT_OBJECT, OTHER, Patch, Thing, box


def radiator(stage: Stage) -> Scene:
    """Fills with warm water, from one end; wide and flat."""
    cold = stage.ambient + stage.uniform(0, 15)
    warm = approach(
        stage.preroll - stage.uniform(0, 200), cold, stage.uniform(45, 85), stage.uniform(60, 600)
    )
    height, width = _size(stage, 0.3, 0.7), _size(stage, 0.5, 1.8)
    row, column = stage.place(3)
    fills = stage.log_uniform(10, 300)
    full = approach(stage.preroll - stage.uniform(0, 100), 0.1, 1.0, fills)
    if stage.chance(0.5):
        full = approach(-1e4, 1, 1, 1)
    layer = box(
        row, lambda t: column - width * (1 - full(t)) / 2, height,
        lambda t: width * full(t), warm, 0.93,
    )
    return Scene("hotObject/radiator", HOT_OBJECT, [Thing(HOT_OBJECT, [layer])])


def heater(stage: Stage) -> Scene:
    """Switched on: 30 to 140 C a minute at first, levelling off at 60 to 120 C."""
    cold = stage.ambient + stage.uniform(0, 5)
    top = stage.uniform(60, 119)
    rate = stage.log_uniform(20, 180)
    begin = stage.preroll - stage.uniform(0, 10)
    program = (
        approach(begin, cold, top, 60 * (top - cold) / rate)
        if stage.chance(0.7)
        else ramp(begin, cold, rate, top, stage.uniform(0, 1))
    )
    if stage.chance(0.4):
        program = thermostat(
            program, stage.uniform(0.5, 8), stage.log_uniform(10, 120), stage.uniform(0, 1)
        )
    if stage.chance(0.2):
        program = then_cool(program, begin + stage.uniform(40, 150), stage.ambient, 200)
    scene = _standing(
        stage, program, _size(stage, 0.2, 0.7), "hotObject/heater", stage.log_uniform(0.3, 2.5)
    )
    if stage.chance(0.3):
        scene.things.append(hot_air(stage).things[0])
    return scene


def machine(stage: Stage) -> Scene:
    """Warms up with its work and settles."""
    cold = stage.ambient + stage.uniform(0, 20)
    top = stage.uniform(50, 112)
    rate = stage.log_uniform(3, 40)
    begin = stage.preroll - stage.uniform(0, 300)
    program = approach(begin, cold, top, 60 * (top - cold) / rate)
    if stage.chance(0.3):
        program = thermostat(
            program, stage.uniform(1, 8), stage.log_uniform(2, 60), stage.uniform(0, 1)
        )
    return _standing(
        stage, program, _size(stage, 0.2, 1.2), "hotObject/machine", stage.log_uniform(0.4, 2.5), 1
    )


def lamp(stage: Stage) -> Scene:
    """Lit: small, soon hot, then steady."""
    top = stage.uniform(55, 160)
    program = approach(
        stage.preroll - stage.uniform(0, 5), stage.ambient, top, stage.log_uniform(3, 150)
    )
    return _standing(stage, program, _size(stage, 0.05, 0.25), "hotObject/lamp")


def laptop(stage: Stage) -> Scene:
    """Exhaust slot of a computer, a charger, a television."""
    top = stage.uniform(42, 66)
    program = approach(stage.preroll - stage.uniform(0, 300), stage.ambient + 5, top, 200)
    return _standing(stage, program, _size(stage, 0.1, 0.4), "hotObject/laptop", 0.5, 1)


def sun(stage: Stage) -> Scene:
    """A patch of sun on a floor or on metal, with clouds."""
    base = stage.ambient + stage.uniform(0, 10)
    hot = stage.uniform(42, 95)
    seconds = stage.seconds + 10
    clouds = switching(
        stage.rng, seconds, stage.log_uniform(5, 120), stage.log_uniform(3, 60),
        stage.log_uniform(0.5, 20),
    )
    lag = stage.log_uniform(0.5, 120)
    grid = np.arange(0, seconds, 0.1)
    lit = clouds(grid)
    warm = np.empty_like(grid)
    now = lit[0] if stage.chance(0.7) else 0.0
    keep = float(np.exp(-0.1 / lag))
    for i, value in enumerate(lit):
        now = keep * now + (1 - keep) * value
        warm[i] = now
    restless = drifting(stage.rng, seconds, stage.log_uniform(0.5, 8))
    depth = stage.uniform(0, 0.04)
    share = points(grid, warm)

    def program(t: np.ndarray) -> np.ndarray:
        return base + (hot - base) * share(t) * (1 + depth * restless(t))

    row, column = stage.place(0)
    height, width = stage.log_uniform(1, 16), stage.log_uniform(1, 20)
    drift = stage.uniform(-0.01, 0.01)
    layer = box(row, lambda t: column + drift * t, height, width, program, 0.9)
    return Scene("hotObject/sun", HOT_OBJECT, [Thing(HOT_OBJECT, [layer])])


def exhaust(stage: Stage) -> Scene:
    """A vehicle with a hot pipe comes, stands and goes, or passes."""
    row, column = carried(stage, stage.preroll)
    leaves = stage.preroll + stage.log_uniform(8, 200)

    def away(t: np.ndarray) -> np.ndarray:
        return column(t) + np.maximum(t - leaves, 0.0) * 2.5

    size = _size(stage, 0.08, 0.4)
    hot = stage.uniform(55, 200)
    cooling = then_cool(approach(-1e3, hot, hot, 1), stage.preroll + 8, stage.ambient, 400)
    body = box(
        row, away, size * 3, size * 5, stage.ambient + stage.uniform(2, 15), 0.9, round_strips=1
    )
    pipe = box(row, away, size, size, cooling, stage.uniform(0.4, 0.9), round_strips=2)
    return Scene("hotObject/exhaust", HOT_OBJECT, [Thing(HOT_OBJECT, [body, pipe])])


def hot_air(stage: Stage) -> Scene:
    """A wall that a fan heater blows at, steam from a machine: warm, wavering."""
    row, column = stage.place(2)
    size = stage.log_uniform(1.5, 9)
    warm = stage.uniform(42, 85)
    restless = sway(stage.rng, stage.seconds + 5, stage.log_uniform(0.3, 5))
    depth = stage.log_uniform(0.005, 0.15)
    start = approach(stage.preroll, 0.02, 1.0, stage.log_uniform(2, 60))

    def layer(t: np.ndarray, integrated: float) -> Patch:
        strength = start(t) * (1 + depth * restless(t, integrated))
        patch = box(
            row, lambda s: column + 0.5 * depth * restless(s, integrated), size,
            size * 0.7, 0.0, 0.9, 3,
        )(t, integrated)
        patch.celsius = stage.ambient + (warm - stage.ambient) * strength
        return patch

    return Scene("hotObject/hotAir", HOT_OBJECT, [Thing(HOT_OBJECT, [layer])])


def door(stage: Stage) -> Scene:
    """A door opens on the hot outside, or a warm room."""
    warm = stage.uniform(38, 62)
    opening = switching(
        stage.rng, stage.seconds + 5, stage.log_uniform(3, 60), stage.log_uniform(3, 60),
        stage.log_uniform(0.4, 3),
    )
    row, column = stage.place(0)
    height, width = stage.uniform(6, 24), stage.uniform(2, 12)
    layer = box(row, column, height, lambda t: width * opening(t) + 0.01, warm, 0.95)
    return Scene("other/door", OTHER, [Thing(OTHER, [layer])])


def glint(stage: Stage) -> Scene:
    """The sun in something shiny: at once, moving, gone again."""
    row, column = stage.place(1)
    shown = switching(
        stage.rng, stage.seconds + 5, stage.log_uniform(0.5, 30), stage.log_uniform(1, 40), 0.3
    )
    moves = drifting(stage.rng, stage.seconds + 5, stage.log_uniform(1, 10))
    reach = stage.log_uniform(0.1, 6)
    size = stage.log_uniform(0.3, 3)
    hot = stage.uniform(45, 110)
    layer = box(
        lambda t: row + reach * moves(t), lambda t: column + reach * moves(t + 2), size, size, hot,
        lambda t: 0.95 * shown(t),
    )
    return Scene("other/glint", OTHER, [Thing(OTHER, [layer])])


def quiet(_stage: Stage) -> Scene:
    """Nothing; what shows is damage."""
    return Scene("other/quiet", OTHER)
