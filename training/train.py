"""Rows -> models/region-classifier.onnx, .json and docs/model-card.md."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

import figures
from dataset import Rows, load, thinned, weights
from export import IR_VERSION, NAME, OPSET, export
from network import Network, adjusted, best_temperature, fit, softmax

VERSION = "1"
ROWS_OF_ONE = 80
# What each kind weighs in all. How much worse it is to call a fire harmless than the reverse, the
# calibration says.
COSTS = {"fire": 2.5, "overheating": 1.3, "warmBody": 0.5, "hotObject": 3.0, "other": 0.6}
# At most this share of a fire's rows from 60 C on may be called harmless with confidence.
WRONG_SHARE = 0.0005


def careful(network: Network, temperature: float, rows: Rows) -> tuple[float, float]:
    """Temperature and thumb on the scale of fire, set on rows that were not learnt from.

    No sharper than the evidence allows, and never calling fires harmless. Within that: early fire
    votes and early harmless votes are good, a hot object that is ever voted fire is bad.
    """
    logits = network.logits(rows.features.astype(np.float64))
    best, found = (4 * temperature, 3.0), np.inf
    for soften in (1.0, 1.15, 1.3, 1.5, 1.75, 2.0, 2.5):
        for lift in np.arange(-2, 3.01, 0.25):
            shifted = logits / (temperature * soften)
            shifted[:, figures.FIRE] += lift
            cost = figures.cost(rows, softmax(shifted), WRONG_SHARE)
            if cost < found:
                best, found = (temperature * soften, float(lift)), cost
    return best


def train(learn: Rows, calibrate: Rows, hidden: tuple[int, ...], epochs: int, seed: int) -> tuple[
    Network, dict
]:
    """Fits on `learn`, then sets temperature and costs on `calibrate`."""
    chosen = thinned(learn, ROWS_OF_ONE, seed)
    network = fit(
        learn.features[chosen],
        learn.kind[chosen],
        weights(learn, chosen, COSTS),
        len(learn.kinds),
        hidden,
        epochs,
        seed,
    )
    kept = thinned(calibrate, ROWS_OF_ONE, seed)
    temperature = best_temperature(
        network, calibrate.features[kept], calibrate.kind[kept], weights(calibrate, kept, COSTS)
    )
    temperature, lift = careful(network, temperature, calibrate)
    facts = {
        "rows": int(chosen.size),
        "hidden": list(hidden),
        "epochs": epochs,
        "seed": seed,
        "costs": COSTS,
        "temperature": round(temperature, 4),
        "towardsFire": lift,
    }
    return adjusted(network, temperature, lift), facts


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--learn", type=Path, nargs="+", required=True)
    parser.add_argument("--calibrate", type=Path, nargs="+", required=True)
    parser.add_argument("--model", type=Path, required=True, help="ONNX file to write")
    parser.add_argument("--hidden", type=int, nargs="+", default=[64, 32])
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    learn, calibrate = load(arguments.learn), load(arguments.calibrate)
    network, facts = train(
        learn, calibrate, tuple(arguments.hidden), arguments.epochs, arguments.seed
    )
    metadata = {
        "embereye.features": learn.schema,
        "embereye.kinds": ",".join(learn.kinds),
        "embereye.name": NAME,
        "embereye.version": VERSION,
    }
    sha256 = export(network, arguments.model, metadata)
    described = {
        "name": NAME,
        "version": VERSION,
        "sha256": sha256,
        "features": {"schema": learn.schema, "names": learn.names},
        "kinds": learn.kinds,
        "opset": OPSET,
        "irVersion": IR_VERSION,
        "training": facts,
    }
    arguments.model.with_suffix(".json").write_text(json.dumps(described, indent=2) + "\n")


if __name__ == "__main__":
    main()
