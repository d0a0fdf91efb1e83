"""What a picture shows where nothing happens: generated, or from recordings that may be used."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np

from .optics import COLUMNS, ROWS

# Only what states one of these may be learnt from; everything else is for evaluation.
USABLE_LICENCES = ("MIT", "Apache-2.0", "CC0", "CC BY 4.0", "BSD")
# The recordings of a heated strip judge the model; learning from them would spoil that.
KEPT_FOR_EVALUATION = ("overheat",)


def usable(recording: dict) -> bool:
    """Whether a recording of a LABELS.json may be used for training."""
    licence = str(recording.get("licence", ""))
    return licence.startswith(USABLE_LICENCES) and recording["label"] not in KEPT_FOR_EVALUATION


def real_backgrounds(folder: Path | None) -> tuple[list[np.ndarray], list[str]]:
    """Departures from the median of each usable picture, and the names of the recordings."""
    pictures: list[np.ndarray] = []
    names: list[str] = []
    if folder is None or not folder.exists():
        return pictures, names
    for labels in sorted(folder.glob("*/LABELS.json")):
        for recording in json.loads(labels.read_text())["recordings"]:
            if not usable(recording):
                continue
            found = _pictures(labels.parent / recording["file"])
            pictures += found
            if found:
                names.append(f"{labels.parent.name}/{recording['file']}")
    return pictures, names


def _pictures(path: Path) -> list[np.ndarray]:
    pictures = []
    with gzip.open(path, "rt") as lines:
        for line in lines:
            values = np.array(
                [np.nan if v is None else v for v in json.loads(line)["celsius"]], dtype=np.float64
            )
            if np.isnan(values).any() or (values == 0).sum() > 8 or values.max() > 38:
                continue
            pictures.append((values - np.median(values)).reshape(ROWS, COLUMNS))
    return pictures


def background(
    rng: np.random.Generator, ambient: float, real: list[np.ndarray]
) -> np.ndarray:
    """Celsius of a still scene around `ambient`."""
    if real and rng.random() < 0.25:
        picture = real[int(rng.integers(len(real)))] * rng.uniform(0.5, 1.3)
        if rng.random() < 0.5:
            picture = picture[:, ::-1]
        if rng.random() < 0.5:
            picture = picture[::-1]
        return ambient + picture
    rows = np.linspace(-1, 1, ROWS)[:, None]
    columns = np.linspace(-1, 1, COLUMNS)[None, :]
    picture = ambient + rng.normal(0, 1.2) * rows + rng.normal(0, 0.8) * columns
    for _ in range(int(rng.integers(0, 7))):
        top, left = rng.integers(0, ROWS - 1), rng.integers(0, COLUMNS - 1)
        bottom = min(top + 1 + int(rng.exponential(6)), ROWS)
        right = min(left + 1 + int(rng.exponential(8)), COLUMNS)
        picture[top:bottom, left:right] += rng.normal(0, 1.5)
    if rng.random() < 0.15:
        side = int(rng.integers(4, 14))
        picture[:, :side] += rng.uniform(-12, 8)
    kernel = np.array([0.25, 0.5, 0.25])
    for axis in (0, 1):
        picture = np.apply_along_axis(
            lambda line: np.convolve(np.pad(line, 1, mode="edge"), kernel, "valid"), axis, picture
        )
    return picture
