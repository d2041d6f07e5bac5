"""The prompt, token for token as `model::chat` encodes it, and the tokenizer of the GGUF. README.md shows an example."""

import gguf
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

VERSION = "bottom-line/2"
SYSTEM = "You reword one of the notes as one plain sentence."
TASKS = {"bottom line": "Bottom line", "decision": "Decision", "ask": "Ask", "question": "Question"}
NOTHING = "Nothing to report."
MOST_NOTES = 5


def user(task, title, notes):
    """The user's turn. `notes`: [(speaker or None, text)], best first; without notes the title stands alone."""
    lines = [f"- {speaker}: {text}" if speaker else f"- {text}" for speaker, text in notes]
    return "\n".join([f"{TASKS[task]} of \"{title.strip()}\":", *lines])


class Prompts:
    """Texts to ids and back. Text of a thread is encoded apart from the template, so that it can hold no control token."""

    def __init__(self, path):
        fields = gguf.GGUFReader(path).fields
        value = lambda name: fields[f"tokenizer.ggml.{name}"].contents()
        assert value("pre") == "smollm" and not value("add_bos_token")
        tokens, types = value("tokens"), value("token_type")
        merges = [tuple(m.split(" ", 1)) for m in value("merges")]
        bpe = models.BPE(vocab={t: n for n, t in enumerate(tokens)}, merges=merges)
        self.tokenizer = Tokenizer(bpe)
        self.tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
        )
        self.tokenizer.decoder = decoders.ByteLevel()
        control = [AddedToken(t, special=True, normalized=False) for t, kind in zip(tokens, types) if kind == 3]
        self.tokenizer.add_special_tokens(control)
        self.end = self.tokenizer.token_to_id("<|im_end|>")
        self.stops = {self.end, self.tokenizer.token_to_id("<|endoftext|>"), *self.newlines()}
        start = self.control("<|im_start|>system\n") + self.text(SYSTEM)
        self.static = start + self.control("<|im_end|>\n<|im_start|>user\n")
        self.opening = self.control("<|im_end|>\n<|im_start|>assistant\n")

    def newlines(self):
        """Tokens with a line break in them: the answer is one line."""
        return {n for t, n in self.tokenizer.get_vocab().items() if "Ċ" in t}

    def control(self, text):
        self.tokenizer.encode_special_tokens = False
        return self.tokenizer.encode(text, add_special_tokens=False).ids

    def text(self, text):
        self.tokenizer.encode_special_tokens = True
        return self.tokenizer.encode(text, add_special_tokens=False).ids

    def tail(self, task, title, notes):
        """The ids that follow the static beginning, up to where the answer starts."""
        return self.text(user(task, title, notes)) + self.opening

    def encode(self, task, title, notes):
        return self.static + self.tail(task, title, notes)

    def answer(self, text):
        """The answer's ids with the token that ends the turn."""
        return self.text(text) + [self.end]

    def decode(self, ids):
        return self.tokenizer.decode(ids)
