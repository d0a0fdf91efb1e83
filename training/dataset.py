"""Rows that `extract.ts` wrote, and how much each of them counts."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass
class Rows:
    """Rows of some recordings, with the columns before the features by name."""

    features: np.ndarray
    head: dict[str, np.ndarray]
    names: list[str]
    schema: str
    kinds: list[str]
    recordings: dict[int, dict]

    @property
    def kind(self) -> np.ndarray:
        """Index of what is really there."""
        return self.head["kind"].astype(np.int64)

    @property
    def recording(self) -> np.ndarray:
        """Index of the recording of each row."""
        return self.head["recording"].astype(np.int64)

    def scenes(self) -> np.ndarray:
        """Name of the scene of each row."""
        return np.array([self.recordings[i]["scene"] for i in self.recording])

    def cadences(self) -> np.ndarray:
        """Seconds between frames of the recording of each row."""
        return np.array([self.recordings[i]["cadence"] for i in self.recording])


def load(rows_files: list[Path]) -> Rows:
    """Reads files `<name>.f32`, each with `<name>.json` beside it, into one."""
    parts, recordings, listed = [], {}, None
    for path in rows_files:
        listed = json.loads(path.with_suffix(".json").read_text())
        width = len(listed["head"]) + len(listed["features"])
        parts.append(np.fromfile(path, dtype="<f4").reshape(-1, width))
        recordings |= {entry["index"]: entry for entry in listed["recordings"]}
    if listed is None:
        raise SystemExit("dataset: no files of rows: run the extraction first")
    table = np.concatenate(parts)
    head = {name: table[:, i] for i, name in enumerate(listed["head"])}
    return Rows(
        features=np.ascontiguousarray(table[:, len(head) :]),
        head=head,
        names=listed["features"],
        schema=listed["schema"],
        kinds=listed["kinds"],
        recordings=recordings,
    )


def thinned(rows: Rows, most: int, seed: int) -> np.ndarray:
    """Indices of at most `most` rows of each recording and kind, evenly spread with some chance.

    At 8 pictures a second one recording would otherwise outvote fifty slow ones.
    """
    rng = np.random.default_rng(seed)
    group = rows.recording * 8 + rows.kind
    order = np.argsort(group, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(group[order]) != 0])
    chosen = []
    for members in np.split(order, starts[1:]):
        if members.size > most:
            at = (np.arange(most) + rng.random(most)) * members.size / most
            members = members[at.astype(np.int64)]
        chosen.append(members)
    return np.sort(np.concatenate(chosen)) if chosen else order


def weights(rows: Rows, chosen: np.ndarray, costs: dict[str, float]) -> np.ndarray:
    """How much each chosen row counts; their mean is 1.

    Kinds are balanced to `costs`; within a kind a recording counts with the root of its rows.
    Rows around the limit of 60 C, where an opinion is asked for, count double.
    """
    kind = rows.kind[chosen]
    recording = rows.recording[chosen]
    _, inverse, count = np.unique(recording, return_inverse=True, return_counts=True)
    weight = 1 / np.sqrt(count[inverse])
    peak = rows.head["peakCelsius"][chosen]
    weight *= np.where((peak > 50) & (peak < 130), 2.0, 1.0)
    for index, name in enumerate(rows.kinds):
        mine = kind == index
        if mine.any():
            weight[mine] *= costs[name] / weight[mine].sum()
    return (weight / weight.mean()).astype(np.float32)
