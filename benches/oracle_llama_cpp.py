#!/usr/bin/env python3
"""Checks our tokenizer and greedy text against llama.cpp's (Python package `xllamacpp`, prebuilt wheels).

  oracle_llama_cpp.py ORACLE MODEL.gguf THREADS.jsonl...

ORACLE is the built example `oracle`. Takes 200 messages spread over the files for token ids and 5 for 32 greedy tokens;
prints one line a difference, with both engines' ids, and for greedy text the gap between our two best logits there.
"""
import json, subprocess, sys, urllib.request

MESSAGES, PROMPTS, STEPS, MOST_CHARACTERS = 200, 5, 32, 1500


def messages(paths):
    texts = []
    for path in paths:
        with open(path, encoding="utf-8") as lines:
            texts += [m["text"] for line in lines for m in json.loads(line)["messages"] if m.get("text", "").strip()]
    step = max(1, len(texts) // MESSAGES)
    return texts[::step][:MESSAGES]


def ours(oracle, model, what, texts):
    stdin = "".join(json.dumps(t, ensure_ascii=False) + "\n" for t in texts)
    out = subprocess.run([oracle, model, what, str(STEPS)], input=stdin, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in out.stdout.splitlines()]


def ask(server, path, body):
    request = urllib.request.Request(server.listening_address + path, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=300) as reply:
        return json.load(reply)


def main():
    oracle, model, *paths = sys.argv[1:]
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = model
    params.n_ctx = 4096
    params.n_parallel = 1
    params.cpuparams.n_threads = 2
    params.warmup = False
    server = xllamacpp.Server(params)
    texts = messages(paths)
    wrong = 0
    for text, mine in zip(texts, ours(oracle, model, "tokens", texts)):
        theirs = ask(server, "/tokenize", {"content": text, "add_special": False, "parse_special": False})["tokens"]
        if mine["ids"] != theirs:
            wrong += 1
            at = next((i for i, (a, b) in enumerate(zip(mine["ids"], theirs)) if a != b), -1)
            print(f"tokens differ at {at}: ours {mine['ids'][at:at + 6]} llama.cpp {theirs[at:at + 6]} in {text[:60]!r}")
    print(f"tokens: {len(texts) - wrong} of {len(texts)} texts give the same ids")
    long = sorted(texts, key=len, reverse=True)
    prompts = ["Summarise in one sentence:\n" + t[:MOST_CHARACTERS] for t in long[:: max(1, len(long) // PROMPTS)][:PROMPTS]]
    for prompt, mine in zip(prompts, ours(oracle, model, "greedy", prompts)):
        request = {"prompt": mine["prompt"], "n_predict": STEPS, "temperature": 0.0, "top_k": 1, "repeat_penalty": 1.0,
                   "return_tokens": True, "cache_prompt": False}
        theirs = ask(server, "/completion", request)["tokens"]
        at = next((i for i, (a, b) in enumerate(zip(mine["ids"], theirs)) if a != b), None)
        if at is None:
            print(f"greedy: {len(mine['prompt'])} prompt tokens, all {len(theirs)} tokens agree")
        else:
            (best, x), (second, y) = mine["best_two"][at]
            print(f"greedy: {len(mine['prompt'])} prompt tokens, differ at {at}: ours {best} llama.cpp {theirs[at]}, "
                  f"our second best {second}, logits {x:.3f} and {y:.3f}")


main()
