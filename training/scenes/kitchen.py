"""Hot as they should be: cups, kettles, pans, ovens, irons."""

from __future__ import annotations

import numpy as np

from .flicker import sway
from .people import person
from .programs import approach, drifting, points, ramp, then_cool, thermostat
from .stage import Scene, Stage
from .things import HOT_OBJECT, Layer, Patch, Program, Thing, box


def steam(stage: Stage, row: float, column: float, size: float, on: float, warm: float) -> Layer:
    """A cloud above something that boils: thin, warm, restless."""
    restless = sway(stage.rng, stage.seconds + 5, stage.log_uniform(0.2, 1.5))
    thick = stage.uniform(0.03, 0.25)

    def layer(t: np.ndarray, integrated: float) -> Patch:
        strength = np.clip(1 + 0.6 * restless(t, integrated), 0.1, 2.5) * (t > on)
        tall = size * strength
        column_now = column + 0.2 * size * restless(t + 0.7, integrated)
        half = np.full((t.size, 1), size / 2)
        return Patch(
            (row - tall)[:, None], np.full((t.size, 1), row), column_now[:, None] - half,
            column_now[:, None] + half, np.full(t.shape, warm), thick * np.minimum(strength, 1),
        )

    return layer


def carried(stage: Stage, start: float) -> tuple[Program, Program]:
    """Comes from the edge of the picture and is set down somewhere."""
    row, column = stage.place(2)
    from_row, from_column = row + stage.uniform(-3, 3), stage.rng.choice([-3.0, 35.0])
    arrives = start + stage.log_uniform(1, 10)
    times = np.array([0.0, start, arrives])
    rows = points(times, np.array([from_row, from_row, row]))
    columns = points(times, np.array([from_column, from_column, column]))
    return rows, columns


def cup(stage: Stage) -> Scene:
    """A hot drink, carried in or standing there, cooling slowly."""
    size = max(stage.pixels_per_metre * stage.uniform(0.06, 0.16), 0.4)
    if stage.chance(0.5):
        size = stage.log_uniform(0.7, 5)
    hot = stage.uniform(48, 96)
    cooling = then_cool(approach(-1e3, hot, hot, 1), stage.preroll, stage.ambient, 1500)
    row, column = carried(stage, stage.preroll)
    scene = Scene("hotObject/cup", HOT_OBJECT)
    if stage.chance(0.4):
        scene.things.append(person(stage))
    scene.things.append(
        Thing(HOT_OBJECT, [box(row, column, size, size, cooling, 0.95, round_strips=3)])
    )
    return scene


def _standing(
    stage: Stage, program: Program, size: float, name: str, aspect: float = 1.0, strips: int = 3
) -> Scene:
    """Something that stays where it is: an outer part that is less hot and an inner one."""
    row, column = stage.place(1.5)
    height, width = size * np.sqrt(aspect), size / np.sqrt(aspect)
    emissivity = stage.uniform(0.6, 0.97)
    strips = strips if stage.chance(0.6) else 1
    thing = Thing(HOT_OBJECT)
    if stage.chance(0.5):
        share = stage.uniform(0.2, 0.8)
        outer = stage.uniform(1.2, 2.2)

        def rim(t: np.ndarray) -> np.ndarray:
            return stage.ambient + share * (program(t) - stage.ambient)

        thing.layers.append(
            box(row, column, height * outer, width * outer, rim, emissivity, strips)
        )
    thing.layers.append(box(row, column, height, width, program, emissivity, strips))
    return Scene(name, HOT_OBJECT, [thing])


def _size(stage: Stage, low: float, high: float) -> float:
    """Pixels across of something `low` to `high` metres across, or simply some pixels."""
    if stage.chance(0.4):
        return stage.log_uniform(0.6, 9)
    return min(max(stage.pixels_per_metre * stage.uniform(low, high), 0.4), 16)


def kettle(stage: Stage) -> Scene:
    """Straight up to the boil, then off."""
    begin = stage.preroll - stage.uniform(0, 40)
    full = stage.uniform(60, 99)
    cold = stage.ambient + stage.uniform(0, 8)
    program = ramp(begin, cold, stage.log_uniform(8, 80), full, stage.uniform(0, 0.3))
    off = begin + stage.uniform(30, 200)
    program = then_cool(program, off, stage.ambient, stage.uniform(300, 1500))
    scene = _standing(stage, program, _size(stage, 0.12, 0.28), "hotObject/kettle", 1.3)
    if stage.chance(0.3):
        row, column = stage.place(3)
        scene.things[0].layers.append(
            steam(stage, row, column, _size(stage, 0.1, 0.2), off - 20, stage.uniform(50, 90))
        )
    return scene


def pan(stage: Stage) -> Scene:
    """A pan, a plate or an iron on: quick, then it levels off."""
    cold = stage.ambient + stage.uniform(0, 10)
    top = stage.uniform(62, 118) if stage.chance(0.75) else stage.uniform(118, 200)
    rate = stage.log_uniform(15, 160)
    begin = stage.preroll - stage.uniform(0, 20)
    if stage.chance(0.5):
        program = approach(begin, cold, top, 60 * (top - cold) / rate)
    else:
        program = ramp(begin, cold, rate, top, stage.uniform(0, 0.6))
    if stage.chance(0.4):
        program = thermostat(
            program, stage.uniform(1, 10), stage.log_uniform(8, 90), stage.uniform(0, 1)
        )
    scene = _standing(stage, program, _size(stage, 0.14, 0.35), "hotObject/pan")
    if stage.chance(0.25):
        row, column = stage.place(3)
        scene.things[0].layers.append(
            steam(stage, row, column, _size(stage, 0.1, 0.3), stage.preroll, stage.uniform(45, 95))
        )
    return scene


def oven(stage: Stage) -> Scene:
    """A door opens on something hot, stays open for a while and closes again."""
    hot = stage.uniform(55, 118) if stage.chance(0.75) else stage.uniform(118, 200)
    opens = stage.preroll
    shuts = opens + stage.log_uniform(5, 120)
    edge = stage.log_uniform(0.4, 4)
    open_share = points(
        np.array([opens, opens + edge, shuts, shuts + edge]), np.array([0.02, 1, 1, 0.02])
    )
    height = _size(stage, 0.2, 0.6)
    width = height * stage.uniform(0.8, 2)
    row, column = stage.place(2)
    swing = stage.chance(0.5)
    cooling = approach(opens, hot, hot - stage.uniform(0, 0.4) * (hot - stage.ambient), 60)
    inside = box(
        row, column, (lambda t: height * open_share(t)) if swing else height,
        width if swing else (lambda t: width * open_share(t)), cooling, 0.95,
    )
    front = box(row, column, height * 1.1, width * 1.1, stage.ambient + stage.uniform(2, 20), 0.9)
    return Scene("hotObject/oven", HOT_OBJECT, [Thing(HOT_OBJECT, [front, inside])])


def iron(stage: Stage) -> Scene:
    """A soldering iron, a clothes iron: small and very hot, sometimes moved."""
    hot = stage.uniform(80, 330)
    size = stage.log_uniform(0.08, 1.5)
    row, column = stage.place(2)
    moves = drifting(stage.rng, stage.seconds + 5, stage.log_uniform(0.5, 10))
    reach = stage.log_uniform(0.02, 1.5) if stage.chance(0.6) else 0.0
    begin = stage.preroll - stage.uniform(0, 60)
    program = approach(begin, stage.ambient, hot, stage.log_uniform(5, 80))
    if stage.chance(0.5):
        program = thermostat(
            program, stage.uniform(1, 12), stage.log_uniform(5, 60), stage.uniform(0, 1)
        )
    layer = box(
        lambda t: row + reach * moves(t), lambda t: column + reach * moves(t + 3), size,
        size * stage.uniform(0.5, 2), program, stage.uniform(0.3, 0.95),
    )
    return Scene("hotObject/iron", HOT_OBJECT, [Thing(HOT_OBJECT, [layer])])


def standing_heat(stage: Stage) -> Scene:
    """Anything hot that was there all the time and does nothing."""
    hot = stage.uniform(48, 119)
    slow = drifting(stage.rng, stage.seconds + 5, stage.log_uniform(5, 60))
    swing = stage.uniform(0, 2)
    scene = _standing(
        stage, lambda t: hot + swing * slow(t), stage.log_uniform(0.6, 14),
        "hotObject/standing", stage.log_uniform(0.3, 3),
    )
    return scene
