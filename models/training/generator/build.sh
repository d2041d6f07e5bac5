#!/bin/sh
# Rebuilds the adapter: build.sh DATA GGUF OUT [THREADS]. Run in the repository's root; started again, it goes on where it stopped.
# DATA: the folder of the training sets. GGUF: SmolLM2-135M-Instruct.Q4_1.gguf. PYTHON: an interpreter with requirements.lock.txt.
set -eu
data=$1 gguf=$2 out=$3 threads=${4:-2}
here=$(dirname "$0")
python=${PYTHON:-python3}
mkdir -p "$out"
[ -s "$out/notes.jsonl" ] || {
    cargo run --release --example generator_notes -- --data "$data" > "$out/notes.jsonl.new"
    mv "$out/notes.jsonl.new" "$out/notes.jsonl"
}
"$python" "$here/test_checks.py"
[ -s "$out/train.jsonl" ] || "$python" "$here/pairs.py" --notes "$out/notes.jsonl" --data "$data" --out "$out"
"$python" "$here/train.py" --gguf "$gguf" --pairs "$out/train.jsonl" --out "$out/run" --threads "$threads"
"$python" "$here/evaluate.py" --gguf "$gguf" --pairs "$out/test.jsonl" --adapter "$out/run/checkpoint.pt" --threads "$threads" | tee "$out/figures.txt"
"$python" "$here/export.py" --gguf "$gguf" --checkpoint "$out/run/checkpoint.pt" --out "$out/out" --figures "$out/figures.txt"
"$python" "$here/verify.py" --gguf "$gguf" --adapter "$out/out/adapter.safetensors"
