"""MiniLM (BERT, 6 layers, 384 wide) with a low-rank adapter on every linear layer, and small heads on top.

The base is frozen. `Model` reads sentences in their thread, `Support` reads a claim with its evidence; each has an adapter of its
own. `x` is always [rows, word pieces, 384], f32.
"""

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional as F

from corpus import ACTS, HEADS
from windows import SPEAKERS, Batch

LAYERS, WIDTH, ATTENDERS, WIDE = 6, 384, 12, 1536
EPS = 1e-12
SUPPORT_HIDDEN = 128


class LowRank(nn.Module):
    """y = W x + b + B (A x): W and b frozen, A [rank, in] and B [out, rank] learned, B from zero."""

    def __init__(self, weight, bias, rank):
        super().__init__()
        self.register_buffer("weight", weight, persistent=False)
        self.register_buffer("bias", bias, persistent=False)
        self.lora_a = nn.Parameter(torch.randn(rank, weight.shape[1]) / weight.shape[1] ** 0.5)
        self.lora_b = nn.Parameter(torch.zeros(weight.shape[0], rank))

    def forward(self, x):
        side = F.linear(F.linear(x, self.lora_a), self.lora_b)
        return F.linear(x, self.weight, self.bias) + side


class Layer(nn.Module):
    def __init__(self, base, at, rank):
        super().__init__()
        name = f"encoder.layer.{at}."
        adapted = lambda part: LowRank(base[f"{name}{part}.weight"], base[f"{name}{part}.bias"], rank)
        self.query, self.key, self.value = (adapted(f"attention.self.{part}") for part in ("query", "key", "value"))
        self.attention_output = adapted("attention.output.dense")
        self.intermediate = adapted("intermediate.dense")
        self.output = adapted("output.dense")
        for norm, part in (("norm1", "attention.output"), ("norm2", "output")):
            self.register_buffer(f"{norm}_weight", base[f"{name}{part}.LayerNorm.weight"], persistent=False)
            self.register_buffer(f"{norm}_bias", base[f"{name}{part}.LayerNorm.bias"], persistent=False)

    def forward(self, x, mask):
        rows, pieces, _ = x.shape
        split = lambda y: y.view(rows, pieces, ATTENDERS, WIDTH // ATTENDERS).transpose(1, 2)
        seen = F.scaled_dot_product_attention(split(self.query(x)), split(self.key(x)), split(self.value(x)), attn_mask=mask)
        seen = seen.transpose(1, 2).reshape(rows, pieces, WIDTH)
        x = F.layer_norm(x + self.attention_output(seen), (WIDTH,), self.norm1_weight, self.norm1_bias, EPS)
        wide = F.gelu(self.intermediate(x))
        return F.layer_norm(x + self.output(wide), (WIDTH,), self.norm2_weight, self.norm2_bias, EPS)


class Encoder(nn.Module):
    """`forward` gives the last hidden states, [rows, word pieces, 384]."""

    def __init__(self, folder: Path, rank: int):
        super().__init__()
        base = load_file(Path(folder) / "model.safetensors")
        base = {name.removeprefix("bert."): tensor.float() for name, tensor in base.items()}
        for part in ("word", "position", "token_type"):
            self.register_buffer(f"{part}_embeddings", base[f"embeddings.{part}_embeddings.weight"], persistent=False)
        self.register_buffer("norm_weight", base["embeddings.LayerNorm.weight"], persistent=False)
        self.register_buffer("norm_bias", base["embeddings.LayerNorm.bias"], persistent=False)
        self.start = nn.Embedding(3, WIDTH, padding_idx=0)
        self.speaker = nn.Embedding(1 + SPEAKERS, WIDTH, padding_idx=0)
        nn.init.zeros_(self.start.weight)
        nn.init.zeros_(self.speaker.weight)
        self.layer = nn.ModuleList(Layer(base, at, rank) for at in range(LAYERS))

    def forward(self, batch: Batch, dropout: float = 0.0):
        places = torch.arange(batch.ids.shape[1])
        x = F.embedding(batch.ids, self.word_embeddings) + F.embedding(places, self.position_embeddings)
        x = x + F.embedding(batch.types, self.token_type_embeddings)
        x = x + self.start(batch.starts) + self.speaker(batch.speakers)
        x = F.layer_norm(x, (WIDTH,), self.norm_weight, self.norm_bias, EPS)
        x = F.dropout(x, dropout, self.training)
        mask = torch.zeros(batch.mask.shape).masked_fill(~batch.mask, -1e4)[:, None, None, :]
        for layer in self.layer:
            x = layer(x, mask)
        return x


class Model(nn.Module):
    def __init__(self, folder: Path, rank: int):
        super().__init__()
        self.encoder = Encoder(folder, rank)
        self.heads = nn.Linear(WIDTH, len(HEADS))
        self.acts = nn.Linear(WIDTH, len(ACTS))  # in training only
        self.projection = nn.Linear(WIDTH, WIDTH)
        nn.init.eye_(self.projection.weight)
        nn.init.zeros_(self.projection.bias)

    def sentences(self, batch: Batch, dropout: float = 0.0):
        """The contextual vector of every sentence, in order: [sentences, 384], f32."""
        return torch.bmm(batch.pool, self.encoder(batch, dropout))[batch.real]

    def plain(self, vectors):
        """What MiniLM itself would make of the sentence alone, about: [sentences, 384], of length 1."""
        return F.normalize(self.projection(vectors), dim=-1)


class Support(nn.Module):
    """Does the evidence bear out the claim? The encoder's `start` rows say which word pieces both of them have (`pairs.py`)."""

    def __init__(self, folder: Path, rank: int):
        super().__init__()
        self.encoder = Encoder(folder, rank)
        self.hidden = nn.Linear(5 * WIDTH, SUPPORT_HIDDEN)
        self.out = nn.Linear(SUPPORT_HIDDEN, 1)

    def forward(self, batch: Batch, dropout: float = 0.0):
        """One logit a pair; the pool's two rows are the claim and the evidence."""
        seen = self.encoder(batch, dropout)
        claim, evidence = torch.bmm(batch.pool, seen).unbind(1)
        both = torch.cat([seen[:, 0], claim, evidence, (claim - evidence).abs(), claim * evidence], -1)
        both = F.dropout(both, dropout, self.training)
        return self.out(F.gelu(self.hidden(both))).squeeze(-1)
