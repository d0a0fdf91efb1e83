"""Judges the written ONNX file on scenes and recordings that it has not seen; writes the card."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

import figures
from card import card
from dataset import Rows, load
from network import Network
from scenes.mix import CADENCES


def read(path: Path) -> Network:
    """The network in a file that `export.py` wrote."""
    model = onnx.load(str(path))
    found = {c.name: numpy_helper.to_array(c) for c in model.graph.initializer}
    count = sum(name.startswith("weight") for name in found)
    layers = [(found[f"weight{i}"], found[f"bias{i}"]) for i in range(count)]
    return Network(found["centre"], found["scale"], layers)


def judged(rows: Rows, belief: np.ndarray) -> dict:
    """All figures of generated scenes."""
    return {
        "recordings": len(rows.recordings),
        "kinds": {
            kind: sum(entry["kind"] == kind for entry in rows.recordings.values())
            for kind in rows.kinds
        },
        "rows": int(rows.features.shape[0]),
        "firesCalledHarmless": figures.fires_called_harmless(rows, belief),
        "byKind": figures.by_kind(rows, belief),
        "byScene": figures.by_scene(rows, belief),
        "byCadence": figures.by_cadence(rows, belief, CADENCES),
        "calibration": figures.calibration(rows, belief),
    }


def judged_real(rows: Rows, belief: np.ndarray) -> dict:
    """Figures of recordings; none of them shows a fire."""
    scenes = rows.scenes()
    return {
        "recordings": len(rows.recordings),
        "rows": int(rows.features.shape[0]),
        "highestFire": round(float(belief[:, 0].max()), 3) if belief.size else None,
        "byRecording": {
            name: figures.line(rows, belief, scenes == name) for name in sorted(set(scenes))
        },
    }


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--card", type=Path, required=True)
    parser.add_argument("--judge", type=Path, nargs="+", required=True)
    parser.add_argument("--real", type=Path, nargs="*", default=[])
    parser.add_argument("--sets", type=json.loads, required=True, help="seeds and counts, JSON")
    parser.add_argument("--scale", type=float, default=1.0)
    arguments = parser.parse_args()
    network = read(arguments.model)
    about = arguments.model.with_suffix(".json")
    described = json.loads(about.read_text())
    rows = load(arguments.judge)
    if rows.schema != described["features"]["schema"]:
        raise SystemExit(
            f"evaluate: the rows have features {rows.schema}, the model was trained for "
            f"{described['features']['schema']}: run `npm run train`"
        )
    described["sets"] = arguments.sets
    described["scale"] = arguments.scale
    described["figures"] = judged(rows, network.belief(rows.features))
    if arguments.real:
        real = load(arguments.real)
        described["real"] = judged_real(real, network.belief(real.features))
    about.write_text(json.dumps(described, indent=2) + "\n")
    arguments.card.write_text(card(described))


if __name__ == "__main__":
    main()
