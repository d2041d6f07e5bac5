"""SmolLM2 (llama architecture) with low-rank adapters, in PyTorch, over the dequantized weights of the GGUF that will run.

Everything keeps the row order of the GGUF: q and k are rotated in neighbouring pairs (2i, 2i+1), as llama.cpp and our own
kernels do, so an adapter trained here needs no permutation to be used there. `verify.py` holds it against `transformers`.

Shapes: d = hidden (576), f = feed-forward (1536), H = heads (9), G = key/value heads (3), e = d/H (64), t = tokens.
"""

import gguf
import numpy as np
import torch
import torch.nn.functional as F

ADAPTED = ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_down")
"""Tensors of a block that get an adapter. Gate and up are left alone: they are the widest, and cost the most."""
FIRST_BLOCK = 8
"""Blocks before this one are left alone: a third of the backward pass less, and less to do where it runs."""


class Adapted(torch.nn.Module):
    """x [t, in] -> x Wᵀ + (x Aᵀ) Bᵀ with W [out, in] frozen, A [rank, in], B [out, rank] (zero at the start)."""

    def __init__(self, weight, rank):
        super().__init__()
        self.register_buffer("weight", weight, persistent=False)
        self.lora_a = self.lora_b = None
        if rank:
            self.lora_a = torch.nn.Parameter(torch.randn(rank, weight.shape[1]) / weight.shape[1] ** 0.5)
            self.lora_b = torch.nn.Parameter(torch.zeros(weight.shape[0], rank))

    def forward(self, x):
        y = F.linear(x, self.weight)
        return y if self.lora_a is None else y + F.linear(F.linear(x, self.lora_a), self.lora_b)


class Block(torch.nn.Module):
    """One layer: attention and feed-forward, each on the normed stream and added to it."""

    def __init__(self, tensors, n, shape, rank, adapted):
        super().__init__()
        self.shape = shape
        weight = lambda name: tensors[f"blk.{n}.{name}.weight"]
        names = ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down")
        self.linear = torch.nn.ModuleDict({m: Adapted(weight(m), rank if m in adapted else 0) for m in names})
        self.register_buffer("attn_norm", weight("attn_norm"), persistent=False)
        self.register_buffer("ffn_norm", weight("ffn_norm"), persistent=False)

    def forward(self, x, turn, mask, past=None):
        """x [b, t, d]; turn = (cos, sin) [.., t, e/2]; mask [.., t, t_past + t] added to the scores; past = (k, v) or None."""
        b, t, _ = x.shape
        heads, groups, width, eps = self.shape
        m = self.linear
        h = F.rms_norm(x, x.shape[-1:], self.attn_norm, eps)
        q = rotate(m["attn_q"](h).view(b, t, heads, width).transpose(1, 2), turn)
        k = rotate(m["attn_k"](h).view(b, t, groups, width).transpose(1, 2), turn)
        v = m["attn_v"](h).view(b, t, groups, width).transpose(1, 2)
        if past is not None:
            k, v = torch.cat([past[0], k], 2), torch.cat([past[1], v], 2)
        a = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, enable_gqa=True)
        x = x + m["attn_output"](a.transpose(1, 2).reshape(b, t, -1))
        h = F.rms_norm(x, x.shape[-1:], self.ffn_norm, eps)
        return x + m["ffn_down"](F.silu(m["ffn_gate"](h)) * m["ffn_up"](h)), (k, v)


class SmolLM2(torch.nn.Module):
    """The whole network. Only the adapters are parameters; all else is frozen."""

    def __init__(self, path, rank=16, adapted=ADAPTED, seed=7):
        super().__init__()
        torch.manual_seed(seed)
        reader = gguf.GGUFReader(path)
        tensors = {
            t.name: torch.from_numpy(np.array(gguf.dequantize(t.data, t.tensor_type), dtype=np.float32))
            for t in reader.tensors
        }
        field = lambda name: reader.fields[f"llama.{name}"].contents()
        self.rank, self.adapted = rank, tuple(adapted)
        eps = field("attention.layer_norm_rms_epsilon")
        heads, groups = field("attention.head_count"), field("attention.head_count_kv")
        self.width = field("rope.dimension_count")
        self.base = field("rope.freq_base")
        self.eps = eps
        shape = (heads, groups, self.width, eps)
        self.blocks = torch.nn.ModuleList(
            Block(tensors, n, shape, rank if n >= FIRST_BLOCK else 0, adapted) for n in range(field("block_count"))
        )
        self.register_buffer("embedding", tensors["token_embd.weight"], persistent=False)
        self.register_buffer("norm", tensors["output_norm.weight"], persistent=False)
        head = tensors.get("output.weight", tensors["token_embd.weight"])
        self.register_buffer("head", head, persistent=False)

    def turn(self, positions):
        """cos and sin [.., t, e/2] for positions [.., t]."""
        steps = torch.arange(0, self.width, 2, dtype=torch.float32) / self.width
        angles = positions.float()[..., None] * (self.base**-steps)
        return angles.cos(), angles.sin()

    def states(self, ids, positions, mask, past=None):
        """Normed states [b, t, d] of ids [b, t], and each layer's keys and values."""
        x, turn, kept = F.embedding(ids, self.embedding), self.turn(positions)[0:2], []
        turn = tuple(c[:, None] if c.dim() == 3 else c for c in turn)
        for n, block in enumerate(self.blocks):
            x, kv = block(x, turn, mask, None if past is None else past[n])
            kept.append(kv)
        return F.rms_norm(x, x.shape[-1:], self.norm, self.eps), kept

    def logits(self, states):
        return F.linear(states, self.head)

    def adapter(self):
        """The trained tensors under the names they are shipped by: blk.N.NAME.lora_a, blk.N.NAME.lora_b."""
        return {
            f"blk.{n}.{name}.lora_{part}": getattr(linear, f"lora_{part}")
            for n, block in enumerate(self.blocks)
            for name, linear in block.linear.items()
            if linear.lora_a is not None
            for part in "ab"
        }

    def load_adapter(self, tensors):
        with torch.no_grad():
            for name, parameter in self.adapter().items():
                parameter.copy_(tensors[name])


def rotate(x, turn):
    """Rotary positions on neighbouring pairs. x [b, heads, t, e]."""
    cos, sin = turn
    a, b = x[..., 0::2], x[..., 1::2]
    return torch.stack([a * cos - b * sin, a * sin + b * cos], -1).flatten(-2)


def greedy(model, prompts, most_new, stops):
    """Greedy answers to prompts (lists of ids), all at once: [[ids without the stop]]. Left padded, keys and values kept."""
    with torch.no_grad():
        b, longest = len(prompts), max(map(len, prompts))
        ids = torch.zeros(b, longest, dtype=torch.long)
        real = torch.zeros(b, longest, dtype=torch.bool)
        for n, prompt in enumerate(prompts):
            ids[n, longest - len(prompt) :] = torch.tensor(prompt)
            real[n, longest - len(prompt) :] = True
        positions = (real.long().cumsum(-1) - 1).clamp(min=0)
        causal = torch.ones(longest, longest, dtype=torch.bool).tril()
        # A padding token may look at itself, so that no row of the softmax is empty.
        mask = (causal & real[:, None, None, :]) | torch.eye(longest, dtype=torch.bool)
        states, past = model.states(ids, positions, mask)
        at, answers, open_ = positions[:, -1:], [[] for _ in prompts], set(range(b))
        for _ in range(most_new):
            nxt = model.logits(states[:, -1]).argmax(-1)
            for n in list(open_):
                if int(nxt[n]) in stops:
                    open_.discard(n)
                else:
                    answers[n].append(int(nxt[n]))
            if not open_:
                break
            at, real = at + 1, torch.cat([real, torch.ones(b, 1, dtype=torch.bool)], 1)
            states, past = model.states(nxt[:, None], at, real[:, None, None, :], past)
        return answers
