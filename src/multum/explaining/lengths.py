"""Evidence of a classifier by code length: exact, as every byte of a text has bits of its own under each class.

A class is likelier than another by its bias and by a weight times the bits that it saves; what each word's bytes save
is that word's evidence, and nothing is left over.
"""

from math import log

import numpy as np

from multum.explaining.evidence import Attribution, Question
from multum.explaining.pieces import Words
from multum.judging.tellers import LengthTeller


def weigh_words(teller: LengthTeller, text: str, question: Question) -> Attribution:
    """Return the bits that each word of `text` adds for a class; the end of the text counts with its last word."""
    pieces = Words(text).words
    bits = teller.programs.measure(text.encode())  # [classes, bytes and the end]
    saved = bits[question.rival] - bits[question.chosen]
    ends = np.cumsum([len(piece.encode()) for piece in pieces])
    starts = np.concatenate([[0], ends[:-1]])
    calibration = teller.calibration
    base = (calibration.biases[question.chosen] - calibration.biases[question.rival]) / log(2)
    scores = np.add.reduceat(saved, starts) * calibration.weight / log(2)
    return Attribution(tuple(pieces), scores, float(base + scores.sum()), float(base))
