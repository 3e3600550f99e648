"""Networks of a few thousand parameters, written to folders as `transformers` writes them."""

from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, MambaConfig, MambaForCausalLM, PreTrainedTokenizerFast

from tests.archive.samples import text

LONGEST = 64
# Text with what is hard for tokenizers: accents, other scripts, emoji, runs of spaces, line ends.
HARD = "  Ein Fuß — naïve café, 中文字符, \U0001f600!\r\n\tx  y\n\n".encode()


def build_llama(vocabulary: int = 256, seed: int = 0, **changes: Any) -> LlamaForCausalLM:
    """Return a random Llama, far enough from uniform that its rates say something."""
    torch.manual_seed(seed)
    shape: dict[str, Any] = {
        "vocab_size": vocabulary,
        "hidden_size": 16,
        "intermediate_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "max_position_embeddings": LONGEST,
        "initializer_range": 0.5,
    }
    return LlamaForCausalLM(LlamaConfig(**(shape | changes)))


def save_byte_llama(folder: Path, seed: int = 0, **changes: Any) -> LlamaForCausalLM:
    """Write a network over the 256 bytes, without a tokenizer, and return it."""
    network = build_llama(seed=seed, **changes)
    network.save_pretrained(folder)
    return network


def save_byte_mamba(folder: Path) -> MambaForCausalLM:
    """Write a recurrent network over the 256 bytes and return it."""
    torch.manual_seed(0)
    shape: dict[str, Any] = {
        "vocab_size": 256,
        "hidden_size": 16,
        "state_size": 4,
        "num_hidden_layers": 2,
        "initializer_range": 0.5,
    }
    network = MambaForCausalLM(MambaConfig(**shape))
    network.save_pretrained(folder)
    return network


def wrap(tokenizer: Tokenizer, **special: str | None) -> PreTrainedTokenizerFast:
    """Return what `transformers` makes of a tokenizer."""
    make: Any = PreTrainedTokenizerFast  # it ships no types
    made: PreTrainedTokenizerFast = make(tokenizer_object=tokenizer, **special)
    return made


def build_byte_level(start: str | None = "<s>", end: str | None = "</s>") -> PreTrainedTokenizerFast:
    """Return a byte-level BPE tokenizer of the GPT-2 kind, of at most 400 tokens."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=[token for token in (start, end) if token],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([text(3000).decode()], trainer)
    return wrap(tokenizer, bos_token=start, eos_token=end)


def build_byte_fallback() -> PreTrainedTokenizerFast:
    """Return a BPE tokenizer of the sentencepiece kind: a space before the text, tokens for single bytes."""
    letters = ["<unk>", *(f"<0x{byte:02X}>" for byte in range(256)), "\u2581", *"abcdefghijklmnopqrstuvwxyz"]
    vocabulary = {token: number for number, token in enumerate([*letters, "\u2581t", "he", "\u2581the"])}
    merges = [("\u2581", "t"), ("h", "e"), ("\u2581t", "he")]
    tokenizer = Tokenizer(models.BPE(vocabulary, merges, unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")])
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    return wrap(tokenizer, unk_token="<unk>")


def build_word_pieces() -> PreTrainedTokenizerFast:
    """Return a tokenizer that forgets: lower case, words only."""
    tokenizer = Tokenizer(models.WordPiece({"[UNK]": 0, "hello": 1}, unk_token="[UNK]"))
    tokenizer.decoder = decoders.WordPiece()
    return wrap(tokenizer, unk_token="[UNK]")


def save_text_llama(folder: Path, tokenizer: PreTrainedTokenizerFast | None = None) -> LlamaForCausalLM:
    """Write a network over the tokens of a byte-level tokenizer (or the given one) and return it."""
    chosen = tokenizer or build_byte_level()
    chosen.save_pretrained(folder)
    network = build_llama(len(chosen))
    network.save_pretrained(folder)
    return network
