"""Scene and stage -> the pictures that a sensor would deliver, with the truth about each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .optics import celsius_of, cover, radiance
from .sensor import CHESS, Moments, damage, noise_map, offsets
from .stage import Scene, Stage

NOTHING = 255
# Pictures of the empty scene before a recording begins, so that the detector can learn it: what
# `src/vision/pixel-limits.ts` asks for at least, and some more.
LEARN_PICTURES = 26
LEARN_SPACING_SECONDS = 9.0
LEARNT_SHARE = 0.6
# A thing owns a pixel when it adds at least this much to it, K^4 / 1e8: about a degree.
OWNS = 1.1


@dataclass
class Recording:
    """Frames of one scene."""

    seconds: np.ndarray
    celsius: np.ndarray
    """(frames, 24, 32), NaN where there is none."""
    truth: np.ndarray
    """Hottest pixel of what the scene is about, without noise and damage."""
    owners: np.ndarray
    """(frames, 24, 32), kind of the thing that heats each pixel most, or `NOTHING`."""
    learnt: bool
    """Whether the detector may learn the scene: it begins with pictures to learn from."""


def render(stage: Stage, scene: Scene, moments: Moments, background: np.ndarray) -> Recording:
    """Draws every thing at the moment at which each subpage was read."""
    frames = moments.frames.size
    warming = scene.warming * moments.frames / max(stage.seconds, 1)
    light = radiance(background[None] + warming[:, None, None])
    most = np.full((frames, *background.shape), OWNS)
    owners = np.full((frames, *background.shape), NOTHING, dtype=np.uint8)
    for thing in scene.things:
        before = light
        for layer in thing.layers:
            light = _drawn(layer, light, stage.sigma, moments)
        added = light - before
        owns = added > most
        owners[owns] = thing.kind
        most[owns] = added[owns]
    clean = celsius_of(light)
    rng = stage.rng
    learn = LEARN_PICTURES if rng.random() < LEARNT_SHARE else 0
    # What stood there all the time was there while the scene was learnt as well.
    before = clean[:1] if rng.random() < 0.4 else background[None]
    clean = np.concatenate([np.repeat(before, learn, axis=0), clean])
    owners = np.concatenate([np.full((learn, *background.shape), NOTHING, np.uint8), owners])
    noisy = clean + rng.standard_normal(clean.shape) * noise_map(rng, stage.cadence)
    noisy = noisy + offsets(rng)
    if rng.random() < 0.2:
        noisy = np.round(noisy, 1)
    celsius = noisy.astype(np.float32)
    damage(rng, celsius[learn:])
    early = moments.frames[0] - LEARN_SPACING_SECONDS * np.arange(learn, 0, -1)
    return Recording(
        seconds=np.concatenate([early, moments.frames]) + LEARN_SPACING_SECONDS * LEARN_PICTURES,
        celsius=celsius,
        truth=_truth(clean, owners, scene.kind),
        owners=owners,
        learnt=learn > 0,
    )


def _truth(clean: np.ndarray, owners: np.ndarray, kind: int) -> np.ndarray:
    """Hottest pixel of what the scene is about; what stands beside it does not count."""
    own = np.where((owners == kind) | (owners == NOTHING), clean, -np.inf)
    return own.max(axis=(1, 2))


def _drawn(layer, light: np.ndarray, sigma: float, moments: Moments) -> np.ndarray:
    """`light` with a layer over it; both subpages, each at its own moment."""
    drawn = light.copy()
    for subpage, times in enumerate(moments.subpages):
        patch = layer(times, moments.integrated)
        share = cover(patch.top, patch.bottom, patch.left, patch.right, sigma)
        share *= patch.emissivity[:, None, None]
        mine = CHESS == bool(subpage)
        over = radiance(patch.celsius)[:, None]
        drawn[:, mine] = light[:, mine] * (1 - share[:, mine]) + share[:, mine] * over
    return drawn
