"""Holds `model.py` against `transformers` on the same file: `python verify.py --gguf FILE [--adapter FILE]`.

The plain logits must agree; with an adapter, its A and B are folded into the other's matrices, q's and k's rows put into the
order that `transformers` wants (each head's halves, where the GGUF has neighbouring pairs), and the logits must agree again.
"""

import argparse
import os

import torch
from transformers import AutoModelForCausalLM

from evaluate import loaded

NAMES = {"attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj", "attn_output": "self_attn.o_proj",
         "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj"}
MOST_OFF = 2e-3


def halves(rows, width):
    """GGUF row order (neighbouring pairs) to halves. rows [heads * width, n]."""
    heads = rows.shape[0] // width
    return rows.view(heads, width // 2, 2, -1).transpose(1, 2).reshape(rows.shape)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--gguf", required=True)
    parser.add_argument("--adapter")
    args = parser.parse_args()
    folder, name = os.path.split(args.gguf)
    theirs = AutoModelForCausalLM.from_pretrained(folder, gguf_file=name, dtype=torch.float32)
    ours = loaded(args.gguf, args.adapter)
    ids = torch.randint(0, 49152, (1, 64), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        if args.adapter:
            modules = dict(theirs.named_modules())
            for block, layer in enumerate(ours.blocks):
                for short, linear in layer.linear.items():
                    if linear.lora_a is not None:
                        change = linear.lora_b @ linear.lora_a
                        change = halves(change, ours.width) if short in ("attn_q", "attn_k") else change
                        modules[f"model.layers.{block}.{NAMES[short]}"].weight += change
        mask = torch.ones(64, 64, dtype=torch.bool).tril()
        states, _ = ours.states(ids, torch.arange(64)[None], mask)
        off = (ours.logits(states) - theirs(ids).logits).abs().max().item()
    print(f"largest difference of a logit: {off:.6f}")
    assert off < MOST_OFF


if __name__ == "__main__":
    main()
