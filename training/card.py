"""The model card, from what was measured."""

from __future__ import annotations

STAGES = {
    "before60": "before 60 C",
    "first10": "first 10 s",
    "to60s": "10..60 s",
    "later": "later",
    "never60": "never 60 C",
}

TOP = """# Model card: region classifier

Written by `npm run train` ([training.md](training.md)); do not edit by hand.

| | |
| --- | --- |
| file | `models/region-classifier.onnx`, version {version} |
| SHA-256 | `{sha256}` |
| input | `features`, float32 [rows, {width}]: `FEATURE_NAMES` in `src/vision/features-names.ts` |
| feature set | `{schema}`, in the file's metadata as `embereye.features` |
| output | `belief`, float32 [rows, {kinds_count}], together 1: {kinds} |
| network | {width} - {hidden} - {kinds_count}, normalisation and softmax inside, opset {opset} |
| learnt from | {rows} rows of {learn} generated scenes, seed {learn_seed} |
| temperature and costs set on | {calibrate} scenes, seed {calibrate_seed} |
| judged on | {judge} scenes, seed {judge_seed} |

## What it is for

It judges one hot region from the way it has behaved for up to 33 s. It is one vote of several.
Belief in `fire` of 0.7 or more counts as a sign of fire. Belief of 0.9 or more in `warmBody`,
`hotObject` and `other` together counts as harmless, and may hold an alarm back for a bounded time.
Without it the rules decide alone.

## What it was never tried on

- **No real flame.** No recording of one with this kind of array could be had. Every fire in
  training and in the figures below is simulated: area-weighted mix of radiances, growth with
  the square of time, flicker, blur, noise. Real fires will differ.
- Open flames that are meant to burn (candles, gas rings, welding) are not in the training. It will
  call them fire.
- Arrays other than 24 x 32 pixels, lenses other than 55 and 110 degrees, distances beyond 1..8 m.
- Fires behind glass or smoke, outdoors in rain, and arrays with dirt on the lens.
- An array that moves.

## How belief is to be read

The shares are softened on purpose (temperature {temperature}, fire shifted by {lift}): rather
undecided than wrong, and a fire that is called harmless counts as much worse than the reverse. They
are therefore no frequencies. The table below says what was found at each belief.

"""

DATA = """## Data

Scenes come from `training/scenes`, which shares no code with the scenes that the tests and
`npm run proof:detection` use. The features come from the detector itself, not from a copy of it,
with and without a learnt background. Of the scenes that judge (those in training are drawn in the
same way) {shares}; one in four has people or another hot thing beside.

{backgrounds}"""

BACKGROUNDS = """A quarter of the backgrounds are pictures of real recordings whose source states a
licence that allows it (MIT: imacube/thermal-camera, marcelinoandrade/greense), where they are
complete and nothing in them is hot. Nothing of them is stored in the project or in the weights'
file; a recording of theirs in the table above was therefore not unseen as a whole. All other recordings are
for evaluation only; so are those of the heated strip, although their licence (Apache-2.0) would
allow more.
"""

GENERATED = """No real recordings were there: all backgrounds are generated.
"""


def card(described: dict) -> str:
    """Markdown."""
    sets, training, figures = described["sets"], described["training"], described["figures"]
    scale = described["scale"]
    count = {name: max(4, round(sets[name]["count"] * scale)) for name in sets}
    parts = [
        TOP.format(
            version=described["version"],
            sha256=described["sha256"],
            width=len(described["features"]["names"]),
            schema=described["features"]["schema"],
            kinds=", ".join(f"`{kind}`" for kind in described["kinds"]),
            kinds_count=len(described["kinds"]),
            hidden=" - ".join(str(size) for size in training["hidden"]),
            opset=described["opset"],
            rows=training["rows"],
            temperature=training["temperature"],
            lift=training["towardsFire"],
            learn=count["learn"],
            calibrate=count["calibrate"],
            judge=count["judge"],
            learn_seed=sets["learn"]["seed"],
            calibrate_seed=sets["calibrate"]["seed"],
            judge_seed=sets["judge"]["seed"],
        ),
        _calibration(figures["calibration"]),
        _unseen(figures),
        _real(described.get("real")),
        DATA.format(
            shares=_shares(figures["kinds"]),
            backgrounds=BACKGROUNDS if "real" in described else GENERATED,
        ),
    ]
    return "".join(parts).rstrip() + "\n"


def _shares(kinds: dict[str, int]) -> str:
    total = max(sum(kinds.values()), 1)
    shares = [f"{100 * count / total:.0f} % are `{kind}`" for kind, count in kinds.items()]
    return ",\n".join([", ".join(shares[:3]), ", ".join(shares[3:])])


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:g} %"


def _table(title: str, rows: list[tuple[str, dict]]) -> str:
    head = (
        f"| {title} | recordings | rows | fire | ever fire | harmless | ever harmless | right |\n"
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n"
    )
    lines = [
        f"| {name} | {row['recordings']} | {row['rows']} | {_percent(row['fire'])} "
        f"| {_percent(row['everFire'])} | {_percent(row['harmless'])} "
        f"| {_percent(row['everHarmless'])} | {_percent(row['right'])} |\n"
        for name, row in rows
    ]
    return head + "".join(lines) + "\n"


def _calibration(table: list[dict]) -> str:
    lines = [
        f"| from {row['from']} | {row['rows']} | {row['believed']} | {row['found']} |\n"
        for row in table
    ]
    return (
        "| belief in fire | rows | mean belief | share that was fire |\n"
        "| --- | ---: | ---: | ---: |\n" + "".join(lines) + "\n"
    )


def _unseen(figures: dict) -> str:
    wrong = figures["firesCalledHarmless"]
    of_fires = 100 * wrong["wrongFires"] / max(wrong["fires"], 1)
    kinds = [
        (f"{kind}, {STAGES[stage]}", row)
        for kind, stages in figures["byKind"].items()
        for stage, row in stages.items()
    ]
    return (
        "## Figures on unseen scenes\n\n"
        f"{figures['recordings']} generated scenes, {figures['rows']} rows (one region in one\n"
        "picture). `fire`: share of rows with belief in fire of 0.7 or more. `harmless`: share\n"
        "with belief in harmless kinds of 0.9 or more. `ever`: share of recordings with at least\n"
        "one such row. `right`: share whose likeliest kind is the true one. Times count from when\n"
        "the noiseless peak first reached 60 C.\n\n"
        f"Fires called harmless from 60 C on: {wrong['wrongRows']} of {wrong['rows']} rows, in "
        f"{wrong['wrongFires']} of {wrong['fires']} fires\n"
        f"({of_fires:.1f} % of them at some moment); "
        f"{wrong['rightPercent']} % of rows are not.\n\n"
        "These scenes have seeds that were not learnt from, but come from the same generator:\n"
        "expect worse on scenes of other people.\n\n"
        "### By kind and stage\n\n"
        + _table("kind", kinds)
        + "### By scene, from 60 C on (all rows where it stays below)\n\n"
        + _table("scene", list(figures["byScene"].items()))
        + "### By time between pictures, from 60 C on\n\n"
        + _table(
            "cadence, kind",
            [
                (name.replace("first10", "first 10 s").replace("to60s", "10..60 s"), row)
                for name, row in figures["byCadence"].items()
            ],
        )
    )


def _real(real: dict | None) -> str:
    if real is None:
        return "## Figures on real recordings\n\nNone were there.\n\n"
    return (
        "## Figures on real recordings\n\n"
        f"{real['recordings']} recordings of people, animals, cups, rooms and a heated strip; no\n"
        "fire. Only pictures in which the detector finds a region make rows: most recordings have\n"
        "none and are missing here. Highest belief in fire: "
        f"{real['highestFire']}.\n\n"
        + _table("recording", list(real["byRecording"].items()))
    )
