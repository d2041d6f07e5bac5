"""Writes `adapter.safetensors` (half precision) and `golden.json`, which the Rust side is tested against.

Beliefs are folded into the weights of both voices, and the support score's calibration into its last layer, so that every sigmoid
gives a calibrated probability as it stands.
"""

import hashlib
import json
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file

import evaluate
import golden
from corpus import HEADS
from linear import DENSE
from model import Model, Support
from pairs import LONGEST_CLAIM, LONGEST_EVIDENCE
from windows import CORE, HALO, LONGEST, SPEAKERS

VERSION = "1"
# The linear layers' names in the file, by their names in `model.py`.
PARTS = {"query": "attention.query", "key": "attention.key", "value": "attention.value", "attention_output": "attention.output",
         "intermediate": "intermediate", "output": "output"}


def names(layers: int, prefix: str) -> dict:
    """The adapter's tensors: ours by those of the file."""
    return {f"{prefix}layer.{at}.{name}.{side}": f"encoder.layer.{at}.{part}.{side}"
            for at in range(layers) for part, name in PARTS.items() for side in ("lora_a", "lora_b")}


def sentence_names(layers: int) -> dict:
    return names(layers, "") | {f"{name}.weight": f"encoder.{name}.weight" for name in ("start", "speaker")} | {"heads.weight": "heads.weight", "heads.bias": "heads.bias"}


def support_names(layers: int) -> dict:
    heads = {f"support.{name}.{kind}": f"{name}.{kind}" for name in ("hidden", "out") for kind in ("weight", "bias")}
    return names(layers, "support.") | heads | {"support.mark.weight": "encoder.start.weight"}


def tensors(model: Model, support: Support, chosen: dict) -> dict:
    """Everything that ships, f32."""
    layers = len(model.encoder.layer)
    ours, theirs = model.state_dict(), support.state_dict()
    found = {file: ours[name] for file, name in sentence_names(layers).items()}
    found |= {file: theirs[name] for file, name in support_names(layers).items()}
    net, linear, bias = (torch.from_numpy(chosen["beliefs"][:, at]) for at in range(3))
    found["heads.weight"] = found["heads.weight"] * net[:, None]
    found["heads.bias"] = found["heads.bias"] * net + torch.from_numpy(chosen["voice_bias"]) * linear + bias
    found["dense.weight"] = (torch.from_numpy(chosen["dense"]) * linear).T
    found["words.weight"] = torch.from_numpy(chosen["words"]) * linear
    found["projection.weight"], found["projection.bias"] = torch.from_numpy(chosen["weight"]), torch.from_numpy(chosen["bias"])
    scale, bias = (float(n) for n in chosen["support"][:2])
    found["support.out.weight"], found["support.out.bias"] = found["support.out.weight"] * scale, found["support.out.bias"] * scale + bias
    return {name: tensor.detach().half().contiguous() for name, tensor in found.items()}


def shipped(folder: Path, file: Path) -> tuple:
    """Both models as the file has them, and its tensors: what the golden figures are made with."""
    stored = {name: tensor.float() for name, tensor in load_file(file).items()}
    models = []
    for kind, known, first in ((Model, sentence_names, "layer.0"), (Support, support_names, "support.layer.0")):
        model = kind(folder, stored[f"{first}.attention.query.lora_a"].shape[0])
        model.load_state_dict({name: stored[place] for place, name in known(len(model.encoder.layer)).items()}, strict=False)
        models.append(model.eval())
    return *models, {name: tensor.numpy() for name, tensor in stored.items()}


def main():
    args = evaluate.arguments()
    args.add_argument("--out", type=Path, required=True)
    args = args.parse_args()
    torch.set_num_threads(args.threads)
    chosen = dict(np.load(args.work / f"chosen-{args.held}.npz"))
    figures = json.loads((args.work / f"figures-{args.held}.json").read_text())
    made = tensors(evaluate.load(args, "held"), evaluate.load(args, "support"), chosen)
    joined = lambda numbers: " ".join(f"{n:.5f}" for n in numbers)
    header = {
        "version": VERSION, "heads": " ".join(HEADS), "thresholds": joined(chosen["thresholds"]), "support_threshold": f"{float(chosen['support'][2]):.5f}",
        "encoder_sha256": hashlib.sha256((args.encoder / "model.safetensors").read_bytes()).hexdigest(),
        "calibration": "logistic, on groups held out, folded into heads, dense, words and support.out",
        "core": str(CORE), "halo": str(HALO), "longest": str(LONGEST), "speakers": str(SPEAKERS), "dense": str(DENSE),
        "longest_claim": str(LONGEST_CLAIM), "longest_evidence": str(LONGEST_EVIDENCE),
        "figures": json.dumps({name: figure for name, figure in figures.items() if name.endswith(" test")}),
    }
    args.out.mkdir(parents=True, exist_ok=True)
    file = args.out / "adapter.safetensors"
    save_file(made, file, header)
    (args.out / "golden.json").write_text(golden.dump(*shipped(args.encoder, file), args.encoder), encoding="utf-8")
    print(f"{file.name}: {len(made)} tensors, {file.stat().st_size} bytes, sha256 {hashlib.sha256(file.read_bytes()).hexdigest()}")


if __name__ == "__main__":
    main()
