"""A tokenizer whose 256 tokens are the bytes, in a form that transformers' AutoTokenizer loads by itself.

Token b is byte b. Text goes in as UTF-8 and any text comes back equal. A Python str cannot hold arbitrary bytes, so
data that is no text is fed as ids (`list(data)`) and read from ids; decoding such ids to str puts U+FFFD where the
bytes are no UTF-8. There are no special tokens: nothing marks a beginning or an end, and every id is data.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

VOCABULARY = 256


def make_byte_tokenizer(longest: int) -> "PreTrainedTokenizerFast":
    """Return the tokenizer. longest: bytes that its program was trained to read at once."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE(vocab={letter: byte for byte, letter in enumerate(spell_bytes())}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, model_max_length=longest, clean_up_tokenization_spaces=False
    )


def spell_bytes() -> list[str]:
    """Return the character by which byte-level tokenizers write each byte.

    Printable Latin-1 stands for itself, the other 68 bytes for U+0100 and on.
    Source: Radford et al. 2019 (GPT-2), whose table every byte-level tokenizer uses.
    """
    itself = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = iter(range(0x100, 0x200))
    return [chr(byte) if byte in itself else chr(next(others)) for byte in range(VOCABULARY)]
