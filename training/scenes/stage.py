"""Where a scene plays: lens, distance, surroundings, and the time that is recorded."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from .optics import COLUMNS, ROWS
from .things import Thing

# Full angles across the 32 columns of the two lenses (MLX90640 datasheet: 55 x 35, 110 x 75).
LENS_DEGREES = (55.0, 110.0)


@dataclass
class Stage:
    """Chance, camera and air of one recording."""

    rng: np.random.Generator
    lens_degrees: float
    distance: float
    sigma: float
    ambient: float
    cadence: float
    """Seconds between frames, nominally."""
    seconds: float
    """Length of the recording."""
    preroll: float
    """When what happens begins to show."""
    slow_start: float = 0.0

    @property
    def pixels_per_metre(self) -> float:
        """At the distance of what happens."""
        return 1 / (self.distance * math.radians(self.lens_degrees) / COLUMNS)

    def uniform(self, low: float, high: float) -> float:
        return float(self.rng.uniform(low, high))

    def log_uniform(self, low: float, high: float) -> float:
        return float(np.exp(self.rng.uniform(np.log(low), np.log(high))))

    def chance(self, share: float) -> bool:
        return bool(self.rng.random() < share)

    def place(self, margin: float = 1.5) -> tuple[float, float]:
        """A spot in the picture; one in seven lies at its edge."""
        if self.chance(0.15):
            margin = -0.5
        return (
            self.uniform(margin, ROWS - margin),
            self.uniform(margin, COLUMNS - margin),
        )


@dataclass
class Scene:
    """What happens on a stage."""

    name: str
    kind: int
    things: list[Thing] = field(default_factory=list)
    warming: float = 0.0
    """Celsius by which the whole picture gets warmer during the recording."""
