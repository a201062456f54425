"""Writes a small network of PyTorch and its answers for generated rows into mlp.json beside this file.

Needs torch and numpy from PyPI: python make_mlp.py. Batch normalisation stands before the first layer and
behind a hidden one, with statistics of its own training; dropout is there and has no part in the answers.
"""

import json
import pathlib

import numpy
import torch

INPUTS, ROWS = 6, 40


def listed(tensor):
    return tensor.detach().numpy().tolist()


def layer_file(layer):
    if isinstance(layer, torch.nn.BatchNorm1d):
        return {
            "kind": "batch_norm",
            "mean": listed(layer.running_mean),
            "variance": listed(layer.running_var),
            "gamma": listed(layer.weight),
            "beta": listed(layer.bias),
            "epsilon": layer.eps,
        }
    if isinstance(layer, torch.nn.Linear):
        return {"kind": "dense", "weights": listed(layer.weight), "biases": listed(layer.bias)}
    return {"kind": "relu"}


def network():
    net = torch.nn.Sequential(
        torch.nn.BatchNorm1d(INPUTS),
        torch.nn.Linear(INPUTS, 12),
        torch.nn.BatchNorm1d(12),
        torch.nn.ReLU(),
        torch.nn.Dropout(0.4),
        torch.nn.Linear(12, 5),
        torch.nn.ReLU(),
        torch.nn.Linear(5, 1),
    ).double()
    optimizer = torch.optim.Adam(net.parameters(), lr=0.02)
    for _ in range(60):
        x = 3.0 * torch.randn(64, INPUTS, dtype=torch.float64) + 1.0
        y = (x[:, 0] * x[:, 1] > 1.0).double()
        optimizer.zero_grad()
        torch.nn.functional.binary_cross_entropy_with_logits(net(x)[:, 0], y).backward()
        optimizer.step()
    return net.eval()


def main():
    torch.manual_seed(1)
    nets = [network(), network()]
    rows = 3.0 * torch.randn(ROWS, INPUTS, dtype=torch.float64) + 1.0
    with torch.no_grad():
        probabilities = torch.sigmoid(sum(net(rows)[:, 0] for net in nets) / len(nets))
    networks = [
        {"layers": [layer_file(layer) for layer in net if not isinstance(layer, torch.nn.Dropout)]} for net in nets
    ]
    content = {
        "versions": {"torch": torch.__version__, "numpy": numpy.__version__},
        "model": {"format": "augur-mlp-1", "networks": networks},
        "rows": listed(rows),
        "probabilities": listed(probabilities),
    }
    path = pathlib.Path(__file__).parent / "mlp.json"
    path.write_text(json.dumps(content, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
