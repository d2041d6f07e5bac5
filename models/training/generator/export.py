"""Writes what ships: `python export.py --gguf FILE --checkpoint FILE --out FOLDER [--figures FILE]`.

`adapter.safetensors`: f16 tensors `blk.N.NAME.lora_a` [rank, in] and `blk.N.NAME.lora_b` [out, rank], in the rows' order of the
GGUF; y = W x + B (A x), nothing left to scale. `golden.json`: prompts with their ids, the ten largest logits of the first step and
the greedy text, by this file's weights (the f16 ones) in f32, so that another runtime can be held against them.
"""

import argparse
import hashlib
import json
import os

import torch
from safetensors.torch import save_file

from evaluate import MOST_NEW, loaded
from model import greedy
from prompt import SYSTEM, VERSION, Prompts, user

LICENCES = (
    "AMI CC-BY-4.0; BC3 CC-BY-SA-3.0; ConvoSumm CC-BY-SA-4.0; QMSum MIT, ICSI CC-BY-4.0, committees open with attribution; "
    "W3C minutes W3C-Software-and-Document-20150513; ethereum/pm CC-BY-SA-3.0; Ubuntu IRC CC-BY-4.0; PEP public domain or CC0; "
    "KEP Apache-2.0; Rust RFC MIT or Apache-2.0; EIP CC0"
)
# Written for this file; no sentence of the data.
GOLDEN = [
    ("bottom line", "Billing export fails at night", [
        ("Mira Okafor", "Hi all, the export has failed three nights in a row because the database runs out of connections."),
        ("Tom Reyes", "Thanks, I saw that too.")]),
    ("decision", "Release 2.4", [("Ana Lima", "So, um, we agreed to move the release to 14 March because the parser is not ready.")]),
    ("ask", "Support rota", [("Wei Chen", "Raj, could you please send me the list of open tickets by Friday?")]),
    ("question", "Search is slow", [("Priya", "Do we still need the old index after the upgrade?"), ("Kofi", "Good question.")]),
    ("bottom line", "Stand-up", [("Lena", "Okay."), ("Omar", "Thanks, bye!")]),
]


def golden(model, prompts):
    for task, title, notes in GOLDEN:
        ids = prompts.encode(task, title, notes)
        with torch.no_grad():
            t = len(ids)
            mask = torch.ones(t, t, dtype=torch.bool).tril()
            states, _ = model.states(torch.tensor(ids)[None], torch.arange(t)[None], mask)
            top = model.logits(states[0, -1]).topk(10)
        said = greedy(model, [ids], MOST_NEW, prompts.stops)[0]
        yield {"system": SYSTEM, "user": user(task, title, notes), "ids": ids, "top_ids": top.indices.tolist(),
               "top_logits": [round(x, 4) for x in top.values.tolist()], "answer_ids": said, "answer": prompts.decode(said)}


def figures(path):
    """The heading and the line over all pairs of `evaluate.py`'s table, as one line."""
    if not path:
        return ""
    lines = open(path).read().splitlines()
    of_all = next(line for line in lines if line.startswith("all "))
    return "; ".join(f"{name} {value}" for name, value in zip(lines[0].split(), of_all.split()[1:]))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--gguf", required=True)
    parser.add_argument("--checkpoint", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--figures", help="the table of evaluate.py; its first line of figures is kept with the weights")
    args = parser.parse_args()
    os.makedirs(args.out, exist_ok=True)
    model, prompts = loaded(args.gguf, args.checkpoint), Prompts(args.gguf)
    tensors = {name: p.detach().half().contiguous() for name, p in model.adapter().items()}
    with open(args.gguf, "rb") as file:
        base = hashlib.file_digest(file, "sha256").hexdigest()
    metadata = {
        "kind": "generator-adapter", "version": "2", "base_sha256": base, "rank": str(model.rank), "adapted": ",".join(model.adapted),
        "prompt_version": VERSION, "system": SYSTEM, "data_licences": LICENCES, "figures": figures(args.figures),
    }
    path = os.path.join(args.out, "adapter.safetensors")
    save_file(tensors, path, metadata)
    exported = loaded(args.gguf, path)
    with open(os.path.join(args.out, "golden.json"), "w") as file:
        json.dump(list(golden(exported, prompts)), file, indent=1, ensure_ascii=False)
    with open(path, "rb") as file:
        print(os.path.getsize(path), "bytes, sha256", hashlib.file_digest(file, "sha256").hexdigest())


if __name__ == "__main__":
    main()
