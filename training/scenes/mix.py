"""Which scenes there are, how often each is drawn, and under which circumstances."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from . import building, fires, kitchen, overheating, people
from .backgrounds import background, real_backgrounds
from .render import Recording, render
from .sensor import moments
from .stage import LENS_DEGREES, Scene, Stage

CADENCES = (4.09, 1.0, 0.5, 0.25, 0.125)
CADENCE_SHARES = (0.34, 0.24, 0.14, 0.1, 0.18)
MOST_FRAMES = 700

Builder = Callable[[Stage], Scene]
SCENES: tuple[tuple[Builder, float], ...] = (
    (fires.by_law, 0.07),
    (fires.by_time, 0.12),
    (fires.fast_by_time, 0.1),
    (fires.smouldering, 0.04),
    (fires.sudden, 0.04),
    (overheating.overheating, 0.13),
    (people.people, 0.01),
    (people.heated_people, 0.05),
    (kitchen.cup, 0.05),
    (kitchen.kettle, 0.06),
    (kitchen.pan, 0.06),
    (kitchen.oven, 0.04),
    (kitchen.iron, 0.03),
    (kitchen.standing_heat, 0.04),
    (building.radiator, 0.03),
    (building.heater, 0.07),
    (building.machine, 0.05),
    (building.lamp, 0.03),
    (building.laptop, 0.01),
    (building.sun, 0.04),
    (building.exhaust, 0.02),
    (building.hot_air, 0.02),
    (building.door, 0.02),
    (building.glint, 0.02),
    (building.quiet, 0.01),
)


class Generator:
    """Draws recordings; recording `index` of `seed` is the same whatever was drawn before it."""

    def __init__(self, seed: int, data: Path | None) -> None:
        self.seed = seed
        self.real, self.real_names = real_backgrounds(data)

    def recording(self, index: int) -> tuple[Scene, Stage, Recording]:
        rng = np.random.default_rng([self.seed, index])
        stage = _stage(rng)
        weights = np.array([weight for _, weight in SCENES])
        builder = SCENES[int(rng.choice(len(SCENES), p=weights / weights.sum()))][0]
        scene = builder(stage)
        if stage.chance(0.2):
            scene.things.insert(0, people.person(stage))
        if stage.chance(0.08):
            other = _BYSTANDERS[int(rng.integers(len(_BYSTANDERS)))](stage)
            scene.things = other.things + scene.things
        if stage.chance(0.2):
            scene.warming = stage.uniform(-2, 4)
        frames = moments(rng, stage.cadence, stage.seconds, MOST_FRAMES)
        still = background(rng, stage.ambient, self.real)
        return scene, stage, render(stage, scene, frames, still)


_BYSTANDERS: tuple[Builder, ...] = (
    kitchen.cup,
    kitchen.standing_heat,
    building.radiator,
    building.lamp,
    building.laptop,
    building.sun,
    building.machine,
)


def _stage(rng: np.random.Generator) -> Stage:
    cadence = float(rng.choice(CADENCES, p=CADENCE_SHARES)) * float(np.exp(rng.normal(0, 0.03)))
    seconds = min(float(rng.uniform(50, 150)), MOST_FRAMES * cadence)
    preroll = float(rng.uniform(4, 20))
    if cadence > 2:
        preroll = float(rng.uniform(6, 30))
        seconds = float(rng.uniform(90, 220))
    return Stage(
        rng=rng,
        lens_degrees=float(rng.choice(LENS_DEGREES)),
        distance=float(np.exp(rng.uniform(np.log(1.0), np.log(8.0)))),
        sigma=float(rng.uniform(0.3, 0.75)),
        ambient=float(np.clip(rng.normal(22, 8), 0, 45)),
        cadence=cadence,
        seconds=seconds,
        preroll=preroll,
    )
