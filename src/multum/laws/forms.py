"""The forms a law can have, by name, and those that a user writes.

Names of columns: N parameters, D tokens (or bytes) trained on, U unique ones among them, C training FLOPs, H how far
the data compresses (compressed / raw), P, Pa and Pkv bits of weights, activations and keys and values in training, Q
bits of weights after it.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from multum.errors import UsageError
from multum.laws.formulas import Formula, parse

COLUMNS = ("N", "D", "U", "C", "H", "P", "Pa", "Pkv", "Q")
AUTO = "auto"

Range = tuple[float, float]
Maker = Callable[..., "Form"]


@dataclass(frozen=True)
class Form:
    """A formula and what is known of it.

    floor: the parameter that is the loss nothing goes below, or None. falling: parameters above zero where more of
    what they are exponents of helps; else there is no optimum inside. ranges: where starts are drawn from, for
    parameters of which the points do not tell. surrogate: a simpler formula whose best parameters make good starts.
    usual: exponents as laws of other data had them, (mean, standard deviation), which predictions lean to.
    """

    name: str
    formula: Formula
    floor: str | None = None
    falling: tuple[str, ...] = ()
    ranges: dict[str, Range] = field(default_factory=dict)
    surrogate: Formula | None = None
    usual: dict[str, Range] = field(default_factory=dict)


def make_form(name: str, columns: Collection[str], over: Sequence[str] = ()) -> Form:
    """Return the form called `name`, or the one that `name` writes out, for points with `columns`.

    over: the columns of forms over any columns. Raises UsageError for a name that is not known, a formula that does
    not parse, and columns that the points do not have.
    """
    maker = _MAKERS.get(name.lower())
    if maker is not None:
        return maker(columns, over)
    if name.isidentifier() or name.replace("-", "").isidentifier():
        raise UsageError(f"there is no form '{name}'; there are {', '.join(_MAKERS)}, {AUTO}, and formulas")
    formula = parse(name, sorted(set(columns) | set(COLUMNS)))
    _check_columns("the formula", formula.columns, columns)
    return Form(name, formula, floor=_find_floor(formula))


def list_forms(columns: Collection[str], over: Sequence[str] = ()) -> list[Form]:
    """Return the forms that points with `columns` can be fitted with, simplest first."""
    forms = []
    for maker in _MAKERS.values():
        try:
            forms.append(maker(columns, over))
        except UsageError:
            continue
    return sorted(forms, key=lambda form: len(form.formula.parameters))


def _check_columns(what: str, needed: Collection[str], columns: Collection[str]) -> None:
    """Raise UsageError that names the columns `what` needs and the points lack."""
    missing = [name for name in needed if name not in columns]
    if missing:
        raise UsageError(
            f"{what} needs {', '.join(needed)}; the points have {', '.join(columns) or 'nothing'}, not"
            f" {', '.join(missing)}; name the columns with --column {missing[0]}=COLUMN"
        )


def _find_floor(formula: Formula) -> str | None:
    """Return the parameter that a sum ends at, such as E in E + k / x**a."""
    alone = [term.name for term in formula.terms if term in formula.parameters]
    return alone[0] if len(alone) == 1 and len(formula.terms) > 1 else None


def _fixed(
    name: str,
    text: str,
    falling: tuple[str, ...],
    ranges: dict[str, Range] | None = None,
    surrogate: Formula | None = None,
    usual: dict[str, Range] | None = None,
) -> Maker:
    """Return the maker of a form with columns of its own; see `Form`."""

    def make(columns: Collection[str], over: Sequence[str] = ()) -> Form:  # noqa: ARG001 - the makers' one shape
        formula = parse(text, COLUMNS)
        _check_columns(f"the form {name}", formula.columns, columns)
        return Form(name, formula, _find_floor(formula), falling, ranges or {}, surrogate, usual or {})

    return make


def _choose_one(name: str, columns: Collection[str], over: Sequence[str]) -> str:
    """Return the one column of a form in one variable: as asked, or the only one, or compute."""
    chosen = list(over) or (["C"] if "C" in columns else list(columns))
    _check_columns(f"the form {name}", chosen, columns)
    if len(chosen) != 1:
        raise UsageError(f"the form {name} is in one variable; choose it with --over, from {', '.join(columns)}")
    return chosen[0]


def _make_power(columns: Collection[str], over: Sequence[str] = ()) -> Form:
    x = _choose_one("power", columns, over)
    return Form("power", parse(f"E + k / {x}**a", [x]), "E", ("a",))


def _make_broken(columns: Collection[str], over: Sequence[str] = ()) -> Form:
    """Source: Caballero et al. 2022 (2210.14891), one break."""
    x = _choose_one("broken", columns, over)
    text = f"E + k * {x}**(-c0) * (1 + ({x} / d)**(1 / f))**(-c1 * f)"
    return Form("broken", parse(text, [x]), "E", ("c0",), {"f": (0.05, 1.0), "c1": (-0.5, 1.0)})


def _make_product(columns: Collection[str], over: Sequence[str] = ()) -> Form:
    # C is 6 N D, so that it tells nothing new beside the two.
    chosen = list(over) or [name for name in columns if name != "C" or not {"N", "D"} <= set(columns)]
    _check_columns("the form product", chosen, columns)
    factors = " * ".join(f"{x}**a_{x}" for x in chosen)
    formula = parse(f"k * {factors}", chosen)
    return Form("product", formula, ranges={f"a_{x}": (-0.5, 0.5) for x in chosen})


def _make_precision(columns: Collection[str], over: Sequence[str] = ()) -> Form:  # noqa: ARG001
    """Source: Kumar et al. 2024 (2411.04330); of bits after training, the form without those of training."""
    training = [name for name in ("P", "Pa", "Pkv") if name in columns]
    if not training and "Q" not in columns:
        _check_columns("the form precision", ("N", "D", "P"), columns)
    weights = " * ".join(["N", *(f"-expm1(-{name} / g{name})" for name in training)])
    text = f"NE = {weights}; E + A / NE**alpha + B / D**beta"
    if "Q" in columns:
        text += " + K * D**gD / N**gN * exp(-Q / gQ)"
    formula = parse(text, COLUMNS)
    _check_columns("the form precision", formula.columns, columns)
    ranges = {f"g{name}": (0.3, 6.0) for name in (*training, "Q")} | {"gD": (0.0, 1.0), "gN": (0.0, 1.0)}
    return Form("precision", formula, "E", ("alpha", "beta"), ranges, usual=_USUAL)


# Exponents of parameters and of data beside a floor. Source: 0.34 and 0.28 in Hoffmann et al. 2022 (2203.15556), 0.35
# and 0.37 in Besiroglu et al. 2024 (2404.10102), 0.35 for both in Muennighoff et al. 2023 (2305.16264).
_USUAL: dict[str, Range] = {"alpha": (0.35, 0.1), "beta": (0.35, 0.1)}

# How often repeated data and parameters still count: D, and N beyond what the unique data asks for, decay towards
# 1 + RD and 1 + RN times the unique amount. Source: Muennighoff et al. 2023 (2305.16264), eq. 5 and 6.
_REPEATED = "UD = min(D, U); DR = UD + UD * RD * -expm1(-(D / UD - 1) / RD); "
_EXCESS = (
    "G = (alpha * A / (beta * B))**(1 / (alpha + beta)); UN = min(N, (UD * G)**(beta / alpha) * G); "
    "NR = UN + UN * RN * -expm1(-(N / UN - 1) / RN); "
)

_MAKERS: dict[str, Maker] = {
    "kaplan-n": _fixed("kaplan-n", "(Nc / N)**alpha", ("alpha",)),
    "kaplan-d": _fixed("kaplan-d", "(Dc / D)**beta", ("beta",)),
    "kaplan": _fixed("kaplan", "((Nc / N)**(alpha / beta) + Dc / D)**beta", ("alpha", "beta")),
    "power": _make_power,
    "product": _make_product,
    "chinchilla": _fixed("chinchilla", "E + A / N**alpha + B / D**beta", ("alpha", "beta"), usual=_USUAL),
    "data-constrained": _fixed(
        "data-constrained",
        f"{_REPEATED}{_EXCESS}E + A / NR**alpha + B / DR**beta",
        (),
        ranges={"RD": (1.0, 60.0), "RN": (1.0, 60.0), "alpha": (0.1, 1.0), "beta": (0.1, 1.0)},
        surrogate=parse(f"{_REPEATED}E + A / N**alpha + B / DR**beta", COLUMNS),
        usual=_USUAL,
    ),
    "precision": _make_precision,
    "compressibility": _fixed(
        "compressibility",
        # Coefficients move by powers of e, so that none can fall below zero; exponents move linearly.
        "E * exp(e1 * H) + A * exp(a1 * H) / N**(alpha + alpha1 * H) + B * exp(b1 * H) / D**(beta + beta1 * H)",
        (),
        ranges=dict.fromkeys(("e1", "a1", "b1"), (-2.0, 2.0)) | {"alpha1": (-1.0, 0.5), "beta1": (-1.0, 0.5)},
    ),
    "broken": _make_broken,
}
