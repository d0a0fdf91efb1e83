"""Fires: fuel that glows and flames above it, growing with the square of time.

Sources: t-squared growth, slow 0.00293 to ultra-fast 0.1876 kW/s^2 (NFPA 72, annex B); flame height
0.235 Q^0.4 - 1.02 D (Heskestad); puffing 1.5 / sqrt(D) Hz (Cetegen and Ahmed); emissivity
1 - exp(-k D), k 0.4..4 per metre.
"""

from __future__ import annotations

import numpy as np

from .flicker import Averaged, flame_strength, sway
from .optics import radiance
from .stage import Scene, Stage
from .things import FIRE, Layer, Patch, Program, Thing, box

GROWTHS = {"slow": 0.00293, "medium": 0.01172, "fast": 0.0469, "ultraFast": 0.1876}
STRIPS = 4


def _flame(
    row: float,
    column: float,
    base: Program,
    height: Program,
    celsius: float,
    emissivity: Program,
    strength: Averaged,
    lean: Averaged,
    swaying: float,
    up: tuple[int, int],
    taper: float,
) -> Layer:
    """Stacked strips that get narrower and sway more towards the tip. Sizes in pixels."""
    parts = np.arange(STRIPS + 1) / STRIPS
    middles = (parts[1:] + parts[:-1]) / 2

    def layer(t: np.ndarray, integrated: float) -> Patch:
        power = strength(t, integrated)[:, None]
        wide = base(t)[:, None] * power**0.3
        tall = height(t)[:, None] * power**0.7
        width = wide * (1 - taper * middles**1.5)
        aside = lean(t, integrated)[:, None] * swaying * wide * middles
        low, high = tall * parts[:-1], tall * parts[1:]
        if up[1] == 0:
            along, across = row, column
        else:
            along, across = column, row
        sign = up[0] + up[1]
        starts = along + np.minimum(sign * low, sign * high)
        ends = along + np.maximum(sign * low, sign * high)
        sides = (across + aside - width / 2, across + aside + width / 2)
        heat = celsius * power[:, 0] ** 0.05
        glow = emissivity(t) * np.clip(power[:, 0] ** 0.2, 0.5, 1.3)
        glow = np.clip(glow, 0.0, 1.0)
        if up[1] == 0:
            return Patch(starts, ends, sides[0], sides[1], heat, glow)
        return Patch(sides[0], sides[1], starts, ends, heat, glow)

    return layer


def _direction(stage: Stage) -> tuple[int, int]:
    """Which way is up in the picture: nearly always up."""
    if stage.chance(0.8):
        return (-1, 0)
    return [(1, 0), (0, 1), (0, -1)][int(stage.rng.integers(3))]


def _burning(stage: Stage, area: Program, metres: Program, lifeless: bool) -> Thing:
    """Flame and glowing base that together cover `area` pixels^2 of the picture."""
    row, column = stage.place(2)
    aspect = stage.log_uniform(0.7, 3.5)
    flame_celsius = stage.uniform(650, 1100)
    thick = stage.log_uniform(0.4, 4.0)
    solid = stage.chance(0.25)
    glow = stage.uniform(0.5, 0.95)
    seconds = stage.seconds + stage.slow_start + 5
    typical = max(float(metres(np.array([stage.preroll + 30.0]))[0]), 0.03)
    depth = stage.uniform(0.02, 0.08) if lifeless else stage.log_uniform(0.08, 0.5)
    strength = flame_strength(stage.rng, seconds, 1.5 / np.sqrt(typical), depth)
    lean = sway(stage.rng, seconds, stage.log_uniform(0.2, 2.0))

    def emissivity(t: np.ndarray) -> np.ndarray:
        if solid:
            return np.full(t.shape, glow)
        return np.maximum(1 - np.exp(-thick * np.maximum(metres(t), 0.01)), 0.04)

    def width(t: np.ndarray) -> np.ndarray:
        return np.sqrt(area(t) / aspect)

    thing = Thing(FIRE)
    thing.layers.append(
        _flame(
            row, column, width, lambda t: width(t) * aspect, flame_celsius, emissivity, strength,
            lean, stage.uniform(0.05, 0.5), _direction(stage), stage.uniform(0.3, 0.85),
        )
    )
    if stage.chance(0.6):
        share = stage.uniform(0.05, 0.5)
        thing.layers.append(
            box(
                row, column, lambda t: width(t) * share, width, stage.uniform(350, 750), 0.9,
                round_strips=2,
            )
        )
    return thing


def by_law(stage: Stage) -> Scene:
    """A fire by its heat release: what it looks like follows from distance and lens."""
    name = list(GROWTHS)[int(stage.rng.integers(4))]
    alpha = GROWTHS[name] * stage.log_uniform(0.4, 2.5)
    per_square_metre = stage.log_uniform(200, 1200)
    largest = stage.log_uniform(5, 1500)
    shrink = stage.log_uniform(0.02, 1.0)  # much of a fire is hidden behind what burns
    scale = stage.pixels_per_metre

    def power(t: np.ndarray) -> np.ndarray:
        since = np.maximum(t - stage.preroll + stage.slow_start, 0.0)
        return np.minimum(alpha * since**2, largest)

    def metres(t: np.ndarray) -> np.ndarray:
        return np.sqrt(4 * power(t) / per_square_metre / np.pi) + 1e-3

    def area(t: np.ndarray) -> np.ndarray:
        wide = metres(t)
        tall = np.maximum(0.235 * power(t) ** 0.4 - 1.02 * wide, 0.3 * wide)
        return np.minimum(shrink * wide * tall * scale**2, 250)

    return Scene(f"fire/{name}", FIRE, [_burning(stage, area, metres, False)])


def _to_sixty(stage: Stage, celsius: float, emissivity: float) -> float:
    """About how many pixels a flame must cover so that the hottest reads 60 C."""
    need = float(radiance(60.0) - radiance(stage.ambient))
    have = float(emissivity * radiance(celsius) - radiance(stage.ambient))
    return max(need, 1.0) / max(have, 1.0) / 0.55


def _by_time(stage: Stage, name: str, to_sixty: float, exponent: float, lifeless: bool) -> Scene:
    """A fire whose hottest pixel passes about 60 C `to_sixty` seconds after it starts."""
    at_sixty = _to_sixty(stage, stage.uniform(650, 1100), stage.uniform(0.1, 0.9))
    largest = stage.log_uniform(0.3, 120)
    metres_at_sixty = stage.log_uniform(0.02, 0.4)

    def grown(t: np.ndarray) -> np.ndarray:
        since = np.maximum(t - stage.preroll + stage.slow_start, 0.0)
        return np.minimum((since / to_sixty) ** exponent, 1e4)

    def area(t: np.ndarray) -> np.ndarray:
        return np.minimum(at_sixty * grown(t), max(largest, 1.5 * at_sixty)) + 1e-6

    def metres(t: np.ndarray) -> np.ndarray:
        return np.minimum(metres_at_sixty * np.sqrt(grown(t) + 1e-6), 1.5)

    return Scene(name, FIRE, [_burning(stage, area, metres, lifeless)])


def _starting_late(stage: Stage, to_sixty: float) -> None:
    """Does not record the long beginning of a slow fire, in which nothing shows."""
    stage.slow_start = max(0.0, 0.5 * to_sixty - stage.preroll * 0.3)


def by_time(stage: Stage) -> Scene:
    """From ultra-fast (2 s to 60 C) to slow (400 s)."""
    to_sixty = stage.log_uniform(2, 400)
    _starting_late(stage, to_sixty)
    exponent = 2.0 if stage.chance(0.75) else stage.uniform(1.5, 3.0)
    speed = "fast" if to_sixty < 45 else "slow"
    return _by_time(stage, f"fire/{speed}By60", to_sixty, exponent, stage.chance(0.12))


def fast_by_time(stage: Stage) -> Scene:
    """The fires that must be told from heaters within seconds."""
    to_sixty = stage.log_uniform(3, 60)
    _starting_late(stage, to_sixty)
    return _by_time(stage, "fire/fastBy60", to_sixty, 2.0, stage.chance(0.08))


def smouldering(stage: Stage) -> Scene:
    """Embers that glow for a while, then flame."""
    row, column = stage.place(2)
    size = stage.log_uniform(0.3, 4)
    hot = stage.uniform(90, 500)
    tau = stage.log_uniform(20, 300)
    cover = stage.log_uniform(0.05, 1)
    restless = sway(stage.rng, stage.seconds + 5, stage.uniform(0.5, 5))
    depth = stage.uniform(0.005, 0.06)

    def layer(t: np.ndarray, integrated: float) -> Patch:
        since = np.maximum(t - stage.preroll, 0.0)
        heat = stage.ambient + (hot - stage.ambient) * (1 - np.exp(-since / tau)) ** 1.5
        heat = heat * (1 + depth * restless(t, integrated))
        grown = size * np.sqrt(0.2 + since / 60)
        patch = box(row, column, 1.0, 1.0, 0.0, cover)(t, integrated)
        half = grown[:, None] / 2
        return Patch(
            row - half, row + half, column - half, column + half, heat, patch.emissivity
        )

    thing = Thing(FIRE, [layer])
    scene = Scene("fire/smouldering", FIRE, [thing])
    if stage.chance(0.7):
        flames = stage.preroll + stage.uniform(5, 60)
        later = Stage(**{**stage.__dict__, "preroll": flames})
        burning = _by_time(later, "", stage.log_uniform(3, 40), 2.0, False).things[0]
        scene.things.append(burning)
    return scene


def sudden(stage: Stage) -> Scene:
    """A fire that is there at once: a pool that lights, a door that opens on one."""
    steady = stage.log_uniform(0.05, 60)
    rise = stage.log_uniform(0.3, 4)
    growing = stage.uniform(0, 0.02)

    def area(t: np.ndarray) -> np.ndarray:
        since = np.maximum(t - stage.preroll, 0.0)
        return steady * (1 - np.exp(-since / rise)) * (1 + growing * since) + 1e-6

    def metres(t: np.ndarray) -> np.ndarray:
        return np.sqrt(area(t)) / stage.pixels_per_metre

    return Scene("fire/sudden", FIRE, [_burning(stage, area, metres, False)])
