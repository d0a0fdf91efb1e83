"""What a network is worth on rows that it has not seen."""

from __future__ import annotations

import numpy as np

from dataset import Rows

FIRE = 0
OVERHEATING = 1
HOT_OBJECT = 3
HARMLESS = (2, 3, 4)
SURE_OF_FIRE = 0.7
# What noise may take away from a true 60 C.
LEAST_CELSIUS = 58.0
SURE_OF_HARMLESS = 0.9


def harmless(belief: np.ndarray) -> np.ndarray:
    """Share of belief in what needs no alarm."""
    return belief[:, HARMLESS].sum(axis=1)


def share(hits: np.ndarray) -> float | None:
    """Percent with two digits; None of nothing."""
    return round(100 * float(hits.mean()), 2) if hits.size else None


def line(rows: Rows, belief: np.ndarray, mine: np.ndarray) -> dict:
    """Figures of some rows."""
    chosen = belief[mine]
    recording = rows.recording[mine]
    total = np.unique(recording).size
    fire = chosen[:, FIRE] >= SURE_OF_FIRE
    calm = harmless(chosen) >= SURE_OF_HARMLESS
    return {
        "recordings": int(total),
        "rows": int(mine.sum()),
        "fire": share(fire),
        "everFire": round(100 * np.unique(recording[fire]).size / max(total, 1), 2),
        "harmless": share(calm),
        "everHarmless": round(100 * np.unique(recording[calm]).size / max(total, 1), 2),
        "right": share(chosen.argmax(axis=1) == rows.kind[mine]),
    }


def stages(rows: Rows) -> dict[str, np.ndarray]:
    """Parts of a recording's time, counted from when the truth first reached 60 C."""
    since = rows.head["sinceSixty"]
    with np.errstate(invalid="ignore"):
        return {
            "before60": since < 0,
            "first10": (since >= 0) & (since <= 10),
            "to60s": (since > 10) & (since <= 60),
            "later": since > 60,
            "never60": np.isnan(since),
        }


def by_kind(rows: Rows, belief: np.ndarray) -> dict:
    """Each kind at each stage."""
    parts = stages(rows)
    return {
        name: {
            stage: line(rows, belief, part & (rows.kind == index))
            for stage, part in parts.items()
            if (part & (rows.kind == index)).any()
        }
        for index, name in enumerate(rows.kinds)
        if (rows.kind == index).any()
    }


def by_scene(rows: Rows, belief: np.ndarray) -> dict:
    """Each scene, rows of its own kind from 60 C on (all rows where it stays below)."""
    scenes = rows.scenes()
    with np.errstate(invalid="ignore"):
        late = ~(rows.head["sinceSixty"] < 0)
    own = np.array([rows.recordings[i]["kind"] for i in rows.recording]) == np.array(rows.kinds)[
        rows.kind
    ]
    return {
        name: line(rows, belief, (scenes == name) & late & own)
        for name in sorted(set(scenes))
        if ((scenes == name) & late & own).any()
    }


def by_cadence(rows: Rows, belief: np.ndarray, cadences: tuple[float, ...]) -> dict:
    """Fires and hot objects in their first 10 s and first minute above 60 C, for each cadence."""
    nearest = np.array(cadences)[
        np.abs(np.log(rows.cadences()[:, None] / np.array(cadences))).argmin(axis=1)
    ]
    parts = stages(rows)
    table = {}
    for cadence in cadences:
        for name in ("fire", "overheating", "hotObject"):
            mine = (nearest == cadence) & (rows.kind == rows.kinds.index(name))
            for stage in ("first10", "to60s"):
                if (mine & parts[stage]).any():
                    table[f"{cadence} s, {name}, {stage}"] = line(rows, belief, mine & parts[stage])
    return table


def calibration(rows: Rows, belief: np.ndarray) -> list[dict]:
    """How often fire is really there, for ten ranges of belief in it."""
    table = []
    for low in np.arange(0, 1, 0.1):
        mine = (belief[:, FIRE] >= low) & (belief[:, FIRE] < low + 0.1 + (low > 0.85) * 0.01)
        if mine.any():
            table.append(
                {
                    "from": round(float(low), 1),
                    "rows": int(mine.sum()),
                    "believed": round(float(belief[mine, FIRE].mean()), 3),
                    "found": round(float((rows.kind[mine] == FIRE).mean()), 3),
                }
            )
    return table


def _burning(rows: Rows) -> np.ndarray:
    """Regions of fires since the truth reached 60 C that show about as much themselves."""
    with np.errstate(invalid="ignore"):
        late = rows.head["sinceSixty"] >= 0
    return (rows.kind == FIRE) & late & (rows.head["peakCelsius"] >= LEAST_CELSIUS)


def fires_called_harmless(rows: Rows, belief: np.ndarray) -> dict:
    """The mistake that costs most: rows, and fires with at least one such row, from 60 C on."""
    burning = _burning(rows)
    wrong = burning & (harmless(belief) >= SURE_OF_HARMLESS)
    return {
        "rows": int(burning.sum()),
        "wrongRows": int(wrong.sum()),
        "fires": int(np.unique(rows.recording[burning]).size),
        "wrongFires": int(np.unique(rows.recording[wrong]).size),
        "rightPercent": round(100 * (1 - float(wrong.sum()) / max(int(burning.sum()), 1)), 3),
    }


def cost(rows: Rows, belief: np.ndarray, wrong_share: float) -> float:
    """What the calibration makes small; infinite where too many fires are called harmless."""
    calm = harmless(belief)
    fire = belief[:, FIRE] >= SURE_OF_FIRE
    since = rows.head["sinceSixty"]
    peak = rows.head["peakCelsius"]
    burning = _burning(rows)
    with np.errstate(invalid="ignore"):
        early = burning & (since <= 10)
        hot = (rows.kind == HOT_OBJECT) & (peak >= LEAST_CELSIUS) & (peak < 120)
        minute = hot & (since >= 0) & (since <= 60)
    wrong = burning & (calm >= SURE_OF_HARMLESS)
    if wrong.sum() > wrong_share * burning.sum():
        return np.inf
    ever = np.unique(rows.recording[hot & fire]).size / max(np.unique(rows.recording[hot]).size, 1)
    late_fires = 1 - _mean_of_recordings(rows, early, fire)
    uncertain = 1 - _mean_of_recordings(rows, minute, calm >= SURE_OF_HARMLESS)
    return late_fires + uncertain + 4 * ever


def _mean_of_recordings(rows: Rows, mine: np.ndarray, hits: np.ndarray) -> float:
    """Share of hits, each recording counting the same however many pictures it has."""
    if not mine.any():
        return 0.0
    _, inverse, count = np.unique(
        rows.recording[mine], return_inverse=True, return_counts=True
    )
    return float(np.mean(np.bincount(inverse, hits[mine]) / count))
