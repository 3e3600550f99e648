"""How fast a run learns as its budget is spent: warm-up, a plateau, and a decay to nothing.

Everything is a function of the fraction of the budget that is spent, so one schedule serves budgets of time, of
units and of FLOPs.
Source: Hu et al. 2024 (MiniCPM), section 4, "warmup-stable-decay"; the linear decay to zero is that of Bergsma et al.
2025, "Straight to zero".
"""


def scale_rate(fraction: float, warmup: float, decay: float) -> float:
    """Return the learning rate as a share of its peak, in [0, 1].

    fraction: of the budget that is spent, in [0, 1]. warmup, decay: fractions of the budget.
    """
    rising = min(1.0, fraction / warmup) if warmup else 1.0
    falling = min(1.0, (1.0 - fraction) / decay) if decay else 1.0
    return max(0.0, min(rising, falling))
