"""Writes a network as an ONNX file that ends in shares of belief."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper

from network import Network

NAME = "embereye-region-classifier"
OPSET = 13
IR_VERSION = 8


def export(network: Network, path: Path, metadata: dict[str, str]) -> str:
    """Writes the file and returns its SHA-256. The same network gives the same bytes."""
    nodes, constants = [], []

    def constant(name: str, value: np.ndarray) -> str:
        constants.append(numpy_helper.from_array(value.astype(np.float32), name))
        return name

    nodes.append(helper.make_node("Sub", ["features", constant("centre", network.centre)], ["c"]))
    nodes.append(helper.make_node("Mul", ["c", constant("scale", network.scale)], ["x0"]))
    last = len(network.layers) - 1
    for i, (weight, bias) in enumerate(network.layers):
        inputs = [f"x{i}", constant(f"weight{i}", weight), constant(f"bias{i}", bias)]
        nodes.append(helper.make_node("Gemm", inputs, [f"y{i}"]))
        if i < last:
            nodes.append(helper.make_node("Relu", [f"y{i}"], [f"x{i + 1}"]))
    nodes.append(helper.make_node("Softmax", [f"y{last}"], ["belief"], axis=-1))
    width, kinds = network.layers[0][0].shape[0], network.layers[-1][0].shape[1]
    graph = helper.make_graph(
        nodes,
        NAME,
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["rows", width])],
        [helper.make_tensor_value_info("belief", TensorProto.FLOAT, ["rows", kinds])],
        constants,
    )
    model = helper.make_model(
        graph, producer_name="embereye", opset_imports=[helper.make_opsetid("", OPSET)]
    )
    model.ir_version = IR_VERSION
    helper.set_model_props(model, dict(sorted(metadata.items())))
    checker.check_model(model)
    data = model.SerializeToString()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return hashlib.sha256(data).hexdigest()
