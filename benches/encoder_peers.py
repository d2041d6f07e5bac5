#!/usr/bin/env python3
"""Measures our sentence encoder beside PyTorch and onnxruntime on the same weights and sentences, taking turns in one run.

  encoder_peers.py --encoder PATH_OF_OUR_EXAMPLE --model ENCODER_FOLDER THREADS.jsonl [--sentences 1000] [--rounds 5]

One thread each; sentences a second of process CPU time, tokenization included, medians over the rounds. The peers get what
makes them fast: sentences sorted by length, 32 at a time, so that little is padding; PyTorch in f32 and bf16, onnxruntime in
f32 (all graph optimizations) and with weights in eight bits (its dynamic quantization). The cosine is the least to PyTorch's
f32. Needs the Python packages torch, transformers, onnx and onnxruntime, and our example:
cargo build --release --example encoder
"""
import argparse, json, logging, os, statistics, subprocess, tempfile, time, warnings
from pathlib import Path

os.environ.update(OMP_NUM_THREADS="1", TOKENIZERS_PARALLELISM="false", HF_HUB_OFFLINE="1")
warnings.filterwarnings("ignore")
logging.disable(logging.WARNING)
import numpy, onnxruntime, torch
from onnxruntime.quantization import quantize_dynamic
from transformers import AutoTokenizer, BertModel

BATCH, MAX_TOKENS = 32, 128


class Peer:
    """Sentences to vectors with `forward(ids, mask) -> token vectors`."""

    def __init__(self, tokenizer, forward):
        self.tokenizer, self.forward = tokenizer, forward

    def embed(self, sentences):
        order = sorted(range(len(sentences)), key=lambda i: len(sentences[i]))
        vectors = [None] * len(sentences)
        for at in range(0, len(order), BATCH):
            batch = order[at:at + BATCH]
            tokens = self.tokenizer([sentences[i] for i in batch], padding=True, truncation=True, max_length=MAX_TOKENS, return_tensors="np")
            mask = tokens["attention_mask"]
            hidden = self.forward(tokens["input_ids"], mask)
            mean = (hidden * mask[..., None]).sum(1) / mask.sum(1)[:, None]
            mean /= numpy.linalg.norm(mean, axis=1, keepdims=True)
            for i, vector in zip(batch, mean):
                vectors[i] = vector
        return numpy.stack(vectors)


def torch_forward(model, dtype):
    def forward(ids, mask):
        with torch.inference_mode(), torch.autocast("cpu", dtype, enabled=dtype != torch.float32):
            return model(torch.from_numpy(ids), torch.from_numpy(mask)).last_hidden_state.float().numpy()
    return forward


def onnx_forward(path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return lambda ids, mask: session.run(None, {"ids": ids, "mask": mask})[0]


def export(model, path):
    ids = torch.ones(2, 8, dtype=torch.long)
    axes = {name: {0: "sentences", 1: "tokens"} for name in ("ids", "mask", "hidden")}

    class Hidden(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.model = model

        def forward(self, ids, mask):
            return self.model(ids, mask).last_hidden_state

    torch.onnx.export(Hidden(), (ids, torch.ones_like(ids)), path, input_names=["ids", "mask"], output_names=["hidden"],
                      dynamic_axes=axes, opset_version=17, dynamo=False)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--encoder", required=True)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--sentences", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("threads")
    args = parser.parse_args()
    torch.set_num_threads(1)
    tokenizer = AutoTokenizer.from_pretrained(args.model)
    model = BertModel.from_pretrained(args.model, attn_implementation="sdpa", add_pooling_layer=False).eval()
    plain = BertModel.from_pretrained(args.model, attn_implementation="eager", add_pooling_layer=False).eval()
    with tempfile.TemporaryDirectory() as folder:
        listed, f32, int8 = (str(Path(folder, name)) for name in ("sentences.json", "f32.onnx", "int8.onnx"))
        export(plain, f32)
        quantize_dynamic(f32, int8)
        peers = {
            "PyTorch f32": Peer(tokenizer, torch_forward(model, torch.float32)),
            "PyTorch bf16": Peer(tokenizer, torch_forward(model, torch.bfloat16)),
            "onnxruntime f32": Peer(tokenizer, onnx_forward(f32)),
            "onnxruntime int8": Peer(tokenizer, onnx_forward(int8)),
        }
        ours = [args.encoder, args.model, args.threads, str(args.sentences), "1", listed]
        rates, least = {name: [] for name in ["bluf", *peers]}, {"bluf": 0.0}
        for _ in range(args.rounds):
            out = subprocess.run(ours, stdout=subprocess.PIPE, text=True, check=True).stdout
            line = next(line.split() for line in out.splitlines() if line.startswith("ours  ") and "f32" not in line)
            rates["bluf"].append(float(line[1]))
            least["bluf"] = float(line[line.index("least") + 1])
            sentences = json.loads(Path(listed).read_text(encoding="utf-8"))
            reference = None
            for name, peer in peers.items():
                start = time.process_time()
                vectors = peer.embed(sentences)
                rates[name].append(len(sentences) / (time.process_time() - start))
                reference = vectors if reference is None else reference
                least[name] = float((vectors * reference).sum(1).min())
    medians = {name: statistics.median(of) for name, of in rates.items()}
    for name, rate in medians.items():
        ratios = [a / b for a, b in zip(rates["bluf"], rates[name])]
        print(f"{name:<17} {rate:7.1f} sentences/s  bluf is {medians['bluf'] / rate:5.2f}x ({min(ratios):.2f} to {max(ratios):.2f})  cosine least {least[name]:.4f}")
    print(f"{args.rounds} rounds, {args.sentences} sentences, torch {torch.__version__}, onnxruntime {onnxruntime.__version__}, load {os.getloadavg()[0]:.1f}")


main()
