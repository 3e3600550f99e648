"""Texts of two kinds, small enough to be read in no time."""

import numpy as np

WORDS = {
    "sea": ["wave", "harbour", "sail", "anchor", "tide", "gull", "captain", "storm", "deck", "salt"],
    "kitchen": ["butter", "oven", "flour", "spoon", "onion", "bake", "pepper", "dough", "plate", "sugar"],
}


def draw_text(kind: str, seed: int, words: int = 12) -> str:
    """Return words of `kind`, with a few that both kinds have."""
    generator = np.random.default_rng([seed, sorted(WORDS).index(kind)])
    return " ".join(generator.choice([*WORDS[kind], "the", "and", "of"], words))


def draw_texts(count: int, first_seed: int = 0) -> tuple[list[str], list[str]]:
    """Return (texts, their kinds), the kinds in turn."""
    kinds = [sorted(WORDS)[number % 2] for number in range(count)]
    return [draw_text(kind, first_seed + number) for number, kind in enumerate(kinds)], kinds
