"""Writes recordings of generated scenes to standard output; `extract.ts` reads them.

Format, little-endian: for each recording u32 length of a JSON header, the header, then for each
frame f64 seconds, f32 truth, 768 x f32 Celsius, 768 x u8 owner (`things.KINDS`, 255 nothing).
"""

from __future__ import annotations

import argparse
import json
import struct
import sys
from pathlib import Path
from typing import BinaryIO

import numpy as np

from scenes.mix import Generator
from scenes.render import Recording
from scenes.things import KINDS

FRAME = np.dtype(
    [("seconds", "<f8"), ("truth", "<f4"), ("celsius", "<f4", 768), ("owner", "u1", 768)]
)


def write(out: BinaryIO, header: dict, recording: Recording) -> None:
    """One recording in the format above."""
    frames = np.empty(recording.seconds.size, dtype=FRAME)
    frames["seconds"] = recording.seconds
    frames["truth"] = recording.truth
    frames["celsius"] = recording.celsius.reshape(-1, 768)
    frames["owner"] = recording.owners.reshape(-1, 768)
    text = json.dumps({**header, "frames": int(frames.size), "learnt": recording.learnt}).encode()
    out.write(struct.pack("<I", len(text)))
    out.write(text)
    out.write(frames.tobytes())


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--first", type=int, default=0, help="index of the first recording")
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--data", type=Path, default=None, help="folder of real recordings")
    arguments = parser.parse_args()
    generator = Generator(arguments.seed, arguments.data)
    for index in range(arguments.first, arguments.first + arguments.count):
        scene, stage, recording = generator.recording(index)
        header = {
            "index": index,
            "scene": scene.name,
            "kind": KINDS[scene.kind],
            "cadence": round(stage.cadence, 3),
        }
        write(sys.stdout.buffer, header, recording)


if __name__ == "__main__":
    main()
