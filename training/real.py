"""Writes real recordings in the format of `generate.py`, for evaluation only.

A recording without times gets its nominal rate, or 4.09 s a frame where none is stated.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
from pathlib import Path

import numpy as np

from generate import write
from scenes.render import Recording
from scenes.things import HOT_OBJECT, KINDS, OTHER, OVERHEATING, WARM_BODY

KIND_OF = {"person": WARM_BODY, "hot-drink": HOT_OBJECT, "overheat": OVERHEATING}


def load(path: Path, entry: dict, kind: int) -> Recording:
    """A recording with its label as the owner of every pixel; nobody knows its truth."""
    with gzip.open(path, "rt") as lines:
        frames = [json.loads(line) for line in lines]
    period = 1 / (entry.get("frame_rate_hz") or 1 / 4.09)
    known = all(frame["t"] is not None for frame in frames)
    seconds = [frame["t"] if known else i * period for i, frame in enumerate(frames)]
    pictures = [[np.nan if v is None else v for v in frame["celsius"]] for frame in frames]
    return Recording(
        np.array(seconds, dtype=np.float64),
        np.array(pictures, dtype=np.float32).reshape(-1, 24, 32),
        np.full(len(frames), np.nan),
        np.full((len(frames), 24, 32), kind, dtype=np.uint8),
        learnt=True,
    )


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of real recordings")
    arguments = parser.parse_args()
    index = 0
    for labels in sorted(arguments.data.glob("*/LABELS.json")):
        for entry in json.loads(labels.read_text())["recordings"]:
            kind = KIND_OF.get(entry["label"], OTHER)
            recording = load(labels.parent / entry["file"], entry, kind)
            header = {
                "index": index,
                "scene": f"{labels.parent.name}/{entry['file']}",
                "kind": KINDS[kind],
                "cadence": round(1 / (entry.get("frame_rate_hz") or 1 / 4.09), 3),
            }
            write(sys.stdout.buffer, header, recording)
            index += 1


if __name__ == "__main__":
    main()
