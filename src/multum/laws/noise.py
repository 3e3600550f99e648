"""How far points scatter around a law, as a density: what the Huber loss is the code length of.

p(r) = exp(-loss(r) / scale) / Z. It is a bell within `delta` and falls like exp(-|r|) beyond, so that the scale alone
decides whether it is nearer to Gauss or to Laplace. What it says of points in bits is what forms are chosen by.
"""

import math

# The scale is looked for between these shares of delta squared.
_LEAST, _MOST = 1e-12, 1e12


def measure_bits(loss: float, points: int, delta: float) -> float:
    """Return the bits of residuals with a Huber loss of `loss`, at the best scale, up to what all forms share.

    The cost loss / scale + points ln Z(scale) has one minimum in ln scale; golden section finds it.
    """
    low, high = math.log(_LEAST * delta * delta), math.log(_MOST * delta * delta)
    ratio = (math.sqrt(5) - 1) / 2

    def cost(log_scale: float) -> float:
        return loss * math.exp(-log_scale) + points * _log_normaliser(math.exp(log_scale), delta)

    left, right = high - ratio * (high - low), low + ratio * (high - low)
    for _ in range(80):  # each step keeps 0.62 of the range
        if cost(left) <= cost(right):
            high, right = right, left
            left = high - ratio * (high - low)
        else:
            low, left = left, right
            right = low + ratio * (high - low)
    return cost((low + high) / 2) / math.log(2)


def _log_normaliser(scale: float, delta: float) -> float:
    """Return ln Z: the bell's part of the integral of exp(-loss / scale), and that of the two tails."""
    inside = math.sqrt(2 * math.pi * scale) * math.erf(delta / math.sqrt(2 * scale))
    tails = 2 * scale / delta * math.exp(-delta * delta / (2 * scale))
    return math.log(inside + tails)
