"""The network, its loss and its calibration."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

LABEL_SMOOTHING = 0.01


@dataclass
class Network:
    """Layers as plain arrays, normalisation first: what is exported is exactly what ran."""

    centre: np.ndarray
    scale: np.ndarray
    layers: list[tuple[np.ndarray, np.ndarray]]

    def logits(self, features: np.ndarray) -> np.ndarray:
        """Before the softmax, (rows, kinds)."""
        value = (features - self.centre) * self.scale
        for i, (weight, bias) in enumerate(self.layers):
            value = value @ weight + bias
            if i < len(self.layers) - 1:
                value = np.maximum(value, 0)
        return value

    def belief(self, features: np.ndarray) -> np.ndarray:
        """Share of belief in each kind, (rows, kinds)."""
        return softmax(self.logits(features.astype(np.float64)))


def softmax(logits: np.ndarray) -> np.ndarray:
    """Along the last axis."""
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return shifted / shifted.sum(axis=-1, keepdims=True)


def make_deterministic(seed: int) -> None:
    """Same seed and machine, same weights."""
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)


def fit(
    features: np.ndarray,
    kind: np.ndarray,
    weight: np.ndarray,
    kinds: int,
    hidden: tuple[int, ...],
    epochs: int,
    seed: int,
    batch: int = 1024,
    noise: float = 0.05,
) -> Network:
    """Trains on rows; `noise` blurs features a little, as a word against single thresholds."""
    make_deterministic(seed)
    centre = features.mean(axis=0)
    scale = 1 / np.maximum(features.std(axis=0), 0.1)
    x = torch.from_numpy(((features - centre) * scale).astype(np.float32))
    y = torch.from_numpy(kind)
    w = torch.from_numpy(weight)
    sizes = (features.shape[1], *hidden, kinds)
    linear = [torch.nn.Linear(a, b) for a, b in zip(sizes[:-1], sizes[1:])]
    steps: list[torch.nn.Module] = []
    for layer in linear[:-1]:
        steps += [layer, torch.nn.ReLU()]
    model = torch.nn.Sequential(*steps, linear[-1])
    batches = max(x.shape[0] // batch, 1)
    optimiser = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, max_lr=6e-3, total_steps=epochs * batches
    )
    loss_of = torch.nn.CrossEntropyLoss(reduction="none", label_smoothing=LABEL_SMOOTHING)
    for _ in range(epochs):
        order = torch.randperm(x.shape[0])
        for at in range(batches):
            rows = order[at * batch : (at + 1) * batch]
            blurred = x[rows] + noise * torch.randn(rows.shape[0], x.shape[1])
            loss = (loss_of(model(blurred), y[rows]) * w[rows]).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
    layers = [
        (layer.weight.detach().numpy().T.copy(), layer.bias.detach().numpy().copy())
        for layer in linear
    ]
    return Network(centre.astype(np.float32), scale.astype(np.float32), layers)


def adjusted(network: Network, temperature: float, towards_fire: float) -> Network:
    """The same network with softer or sharper shares, and a thumb on the scale of fire."""
    *inner, (weight, bias) = network.layers
    lifted = bias / temperature
    lifted[0] += towards_fire
    last = ((weight / temperature).astype(np.float32), lifted.astype(np.float32))
    return Network(network.centre, network.scale, [*inner, last])


def best_temperature(
    network: Network, features: np.ndarray, kind: np.ndarray, weight: np.ndarray
) -> float:
    """The one under which rows that were not learnt from are least surprising."""
    logits = network.logits(features.astype(np.float64))
    candidates = np.exp(np.linspace(np.log(0.5), np.log(4), 43))

    def surprise(temperature: float) -> float:
        shares = softmax(logits / temperature)[np.arange(kind.size), kind]
        return float(np.sum(-np.log(np.maximum(shares, 1e-9)) * weight))

    return float(min(candidates, key=surprise))
