"""Forms say what the papers they come from say, and need the columns they are written in."""

import numpy as np
import pytest

from multum.errors import UsageError
from multum.laws.forms import list_forms, make_form
from multum.laws.jets import Array
from multum.laws.objective import predict_log, to_theta
from multum.laws.points import read_points
from multum.laws.solving import Fit, fit_form


def say(name: str, columns: dict[str, float], **parameters: float) -> float:
    """Return what a form says at one point."""
    form = make_form(name, list(columns), [one for one in columns if one == "x"])
    values: Array = np.array([[parameters[one.name] for one in form.formula.parameters]])
    rows = {column: np.array([value]) for column, value in columns.items()}
    return float(np.exp(predict_log(form.formula, rows, to_theta(form.formula, values))[0, 0]))


def test_data_constrained_form_says_what_its_authors_published() -> None:
    """The constants and both values are those of the reference implementation (2305.16264)."""
    constants = {
        "A": np.exp(6.255414),
        "B": np.exp(7.3049974),
        "E": np.exp(0.6254804),
        "alpha": 0.3526596,
        "beta": 0.3526596,
        "RD": 15.387756,
        "RN": 5.309743,
    }
    first = say("data-constrained", {"N": 6.34e9, "D": 242e9, "U": 25e9}, **constants)
    second = say("data-constrained", {"N": 8.67e9, "D": 178e9, "U": 25e9}, **constants)
    assert first == pytest.approx(2.2256440889984477, rel=1e-14)
    assert second == pytest.approx(2.2269634075087867, rel=1e-14)


def test_kaplan_forms_say_what_their_authors_published() -> None:
    """Constants of 2001.08361; with data without end, the form of both is the form of N."""
    n = say("kaplan-n", {"N": 1.5e9}, Nc=8.8e13, alpha=0.076)
    assert n == pytest.approx((8.8e13 / 1.5e9) ** 0.076)
    assert say("kaplan-d", {"D": 2.2e10}, Dc=5.4e13, beta=0.095) == pytest.approx((5.4e13 / 2.2e10) ** 0.095)
    both = say("kaplan", {"N": 1.5e9, "D": 1e30}, Nc=8.8e13, Dc=5.4e13, alpha=0.076, beta=0.095)
    assert both == pytest.approx(n, rel=1e-9)


def test_precision_form_loses_parameters_to_few_bits_and_loss_to_fewer_after_training() -> None:
    constants = {"E": 1.7, "A": 400.0, "alpha": 0.34, "B": 1500.0, "beta": 0.37}
    at = {"N": 1e8, "D": 1e10}
    many = say("precision", at | {"P": 1000.0}, gP=2.67, **constants)
    assert many == pytest.approx(say("chinchilla", at, **constants))
    few = say("precision", at | {"P": 3.0}, gP=2.67, **constants)
    effective = at["N"] * (1 - np.exp(-3 / 2.67))
    assert few == pytest.approx(say("chinchilla", at | {"N": effective}, **constants))
    after = say("precision", at | {"Q": 3.0}, K=0.06, gD=0.5, gN=0.34, gQ=0.6, **constants)
    assert after - many == pytest.approx(0.06 * 1e10**0.5 / 1e8**0.34 * np.exp(-3 / 0.6), rel=1e-6)


def test_compressibility_form_is_chinchilla_where_it_moves_nothing() -> None:
    constants = {"E": 1.7, "A": 400.0, "alpha": 0.34, "B": 1500.0, "beta": 0.37}
    still = dict.fromkeys(("e1", "a1", "b1", "alpha1", "beta1"), 0.0)
    at = {"N": 1e8, "D": 1e10}
    assert say("compressibility", at | {"H": 0.3}, **constants, **still) == pytest.approx(
        say("chinchilla", at, **constants)
    )


def test_broken_form_has_one_slope_before_its_break_and_another_after() -> None:
    constants = {"E": 0.0 + 1e-300, "k": 2.0, "c0": 0.1, "d": 1e6, "f": 0.1, "c1": 0.3}
    losses = np.log([say("broken", {"x": x}, **constants) for x in (1e2, 1e3, 1e9, 1e10)])
    assert losses[1] - losses[0] == pytest.approx(-0.1 * np.log(10), rel=1e-3)
    assert losses[3] - losses[2] == pytest.approx(-0.4 * np.log(10), rel=1e-3)


def test_product_is_over_any_columns_and_leaves_compute_out_beside_its_factors() -> None:
    assert make_form("product", ["N", "D", "C"]).formula.text == "k * N**a_N * D**a_D"
    assert make_form("product", ["N", "width", "depth"], ["width", "depth"]).formula.columns == ("width", "depth")


@pytest.mark.parametrize(
    ("columns", "names"),
    [
        (["N", "D"], {"kaplan-n", "kaplan-d", "kaplan", "product", "chinchilla"}),
        (["C"], {"power", "product", "broken"}),
        (["N", "D", "U"], {"kaplan-n", "kaplan-d", "kaplan", "product", "chinchilla", "data-constrained"}),
    ],
)
def test_auto_has_the_forms_that_the_columns_allow(columns: list[str], names: set[str]) -> None:
    assert {form.name for form in list_forms(columns)} == names


@pytest.mark.parametrize(
    ("name", "columns", "message"),
    [
        (
            "chinchila",
            ["N", "D"],
            "there is no form 'chinchila'; there are kaplan-n, .*chinchilla, .*auto, and formulas",
        ),
        ("chinchilla", ["N"], r"needs N, D; the points have N, not D; name the columns with --column D=COLUMN"),
        ("precision", ["N", "D"], "the form precision needs N, D, P"),
        ("power", ["N", "D"], "is in one variable; choose it with --over, from N, D"),
        ("E + A / U**alpha", ["N", "D"], "the formula needs U"),
        ("E + A / N^alpha", ["N", "D"], r"write \*\* for powers"),
    ],
)
def test_form_that_cannot_be_is_refused(name: str, columns: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        make_form(name, columns)


PLANTED = {
    "kaplan-n": {"Nc": 8.8e13, "alpha": 0.076},
    "kaplan-d": {"Dc": 5.4e13, "beta": 0.095},
    "kaplan": {"Nc": 8.8e13, "Dc": 5.4e13, "alpha": 0.076, "beta": 0.095},
    "product": {"k": 30.0, "a_N": -0.06, "a_D": -0.05},
    "data-constrained": {"E": 1.8, "A": 500.0, "alpha": 0.35, "B": 1500.0, "beta": 0.36, "RD": 15.0, "RN": 6.0},
    "precision": {"E": 1.7, "A": 400.0, "alpha": 0.34, "B": 1500.0, "beta": 0.37, "gP": 2.7},
    "compressibility": {"E": 1.2, "e1": 0.8, "A": 300.0, "a1": 0.5, "alpha": 0.4, "alpha1": -0.2}
    | {"B": 900.0, "b1": 0.7, "beta": 0.42, "beta1": -0.3},
    "broken": {"E": 1.0, "k": 40.0, "c0": 0.12, "d": 1e8, "f": 0.3, "c1": 0.25},
    "power": {"E": 1.5, "k": 20.0, "a": 0.15},
}


@pytest.mark.parametrize("name", PLANTED)
def test_every_form_is_found_again_where_it_was_planted(name: str) -> None:
    """Parameters that few points tell may differ; what the law says may not."""
    generator = np.random.default_rng(0)
    n, d = 10 ** generator.uniform(7, 10, 90), 10 ** generator.uniform(8.5, 11.5, 90)
    columns = {"N": n, "D": d, "U": 10 ** generator.uniform(8, 10, 90), "H": generator.uniform(0.1, 0.6, 90)}
    columns |= {"P": generator.uniform(2.0, 12.0, 90)}
    needed = {"kaplan-n": "N", "kaplan-d": "D", "data-constrained": "NDU", "compressibility": "NDH", "precision": "NDP"}
    chosen = {key: columns[key] for key in needed.get(name, "N" if name in ("power", "broken") else "ND")}
    form = make_form(name, list(chosen))
    theta = to_theta(form.formula, np.array([[PLANTED[name][one.name] for one in form.formula.parameters]]))
    truth = np.exp(predict_log(form.formula, chosen, theta)[0])
    noisy = truth * np.exp(generator.normal(0, 0.002, 90))
    fit = fit_form(form, read_points([chosen | {"loss": noisy}]))
    assert np.exp(fit.predict_log(fit.points)) == pytest.approx(truth, rel=0.004)
    assert fit.loss <= fit_at(fit, theta) * (1 + 1e-9)


def fit_at(fit: Fit, theta: Array) -> float:
    """Return the loss of the planted parameters themselves, which the best ones are not above."""
    return float(fit.objective.measure(theta, np.zeros(1, np.intp))[0][0])
