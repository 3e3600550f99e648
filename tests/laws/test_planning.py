"""Plans are the optima that brute force finds."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize

from multum.errors import UsageError
from multum.laws.fitting import law
from multum.laws.forms import make_form
from multum.laws.joint import Joint, find_cheapest, find_crossover, find_least
from multum.laws.law import Law
from multum.laws.optima import find_optimum, solve_chinchilla, spread_fixed
from multum.laws.planning import plan
from tests.laws.samples import CHINCHILLA, make_byte_runs, make_runs

MUENNIGHOFF = {
    "A": 521.0,
    "B": 1488.0,
    "E": 1.87,
    "alpha": 0.3526596,
    "beta": 0.3526596,
    "RD": 15.387756,
    "RN": 5.309743,
}
PRECISION = CHINCHILLA | {"gP": 2.67}
AFTER = {"E": 0.9, "A": 30.0, "alpha": 0.3, "B": 200.0, "beta": 0.4, "K": 0.5, "gD": 0.1, "gN": 0.1, "gQ": 0.8}


@pytest.fixture(scope="module")
def fitted() -> Law:
    """Return a law of planted runs."""
    return law(make_runs(), form="chinchilla", resamples=50)


@pytest.fixture(scope="module")
def of_bytes() -> Law:
    """Return a law of programs over bytes, in bits per byte."""
    return law(make_byte_runs(), form="chinchilla", resamples=50)


def make_law(pattern: Law, form: str, columns: list[str], parameters: dict[str, float]) -> Law:
    """Return a law of a form with these parameters, else like `pattern`."""
    formula = make_form(form, columns).formula
    draw = [parameters[one.name] for one in formula.parameters]
    ranges = dict.fromkeys((*columns, "compute"), (1e-3, 1e15)) | {"Q": (2.0, 8.0), "P": (2.0, 16.0)}
    law = replace(pattern, form=form, formula=formula.text, parameters=parameters, expected=parameters)
    return replace(law, draws=[draw, draw], ranges=ranges)


def search_by_force(found: Law, flops: float, fixed: dict[str, float]) -> tuple[float, float]:
    """Return (N, loss) of the least loss by scipy, closing in from the best of many sizes."""
    sizes = np.geomspace(1e3, flops / 6e3, 4001)
    losses = found.predict_log(spread_fixed(sizes, flops, fixed))
    place = int(np.argmin(losses))

    def say(log_n: float) -> float:
        return float(found.predict_log(spread_fixed(np.exp([log_n]), flops, fixed))[0])

    ends = np.log(sizes[[max(0, place - 1), min(len(sizes) - 1, place + 1)]])
    best = optimize.minimize_scalar(say, bounds=tuple(ends), method="bounded", options={"xatol": 1e-10})
    return float(np.exp(best.x)), float(np.exp(best.fun))


@given(st.floats(17, 26), st.floats(0.2, 0.6), st.floats(0.2, 0.6))
@settings(max_examples=30)
def test_closed_form_is_what_brute_force_finds(fitted: Law, log_flops: float, alpha: float, beta: float) -> None:
    changed = replace(fitted, expected=fitted.expected | {"alpha": alpha, "beta": beta})
    found = find_optimum(changed, 10**log_flops, {})
    n, _ = search_by_force(changed, 10**log_flops, {})
    assert found.method == "closed form"
    assert found.n == pytest.approx(n, rel=1e-3)
    assert 6 * found.n * found.d == pytest.approx(10**log_flops)


@given(st.floats(18, 23), st.floats(8.5, 11.5))
@settings(max_examples=40)
def test_root_of_the_data_constrained_form_is_what_brute_force_finds(
    fitted: Law, log_flops: float, log_unique: float
) -> None:
    found = make_law(fitted, "data-constrained", ["N", "D", "U"], MUENNIGHOFF)
    fixed = {"U": 10**log_unique}
    best = find_optimum(found, 10**log_flops, fixed)
    _, loss = search_by_force(found, 10**log_flops, fixed)
    ours = np.exp(found.predict_log(spread_fixed(np.array([best.n]), 10**log_flops, fixed))[0])
    assert ours <= loss * (1 + 1e-9)
    assert best.method == ("root" if best.d > 10**log_unique else "closed form")


def test_search_finds_the_optimum_of_any_other_form(fitted: Law) -> None:
    found = make_law(fitted, "precision", ["N", "D", "P"], PRECISION)
    best = find_optimum(found, 1e21, {"P": 3.0})
    n, _ = search_by_force(found, 1e21, {"P": 3.0})
    assert best.method == "search"
    assert best.n == pytest.approx(n, rel=1e-4)
    assert best.n > solve_chinchilla(CHINCHILLA, 1e21).n  # fewer bits, more parameters


def test_published_chinchilla_budget_is_planned_as_known(fitted: Law) -> None:
    known = replace(fitted, expected={"E": 1.8172, "A": 477.83, "alpha": 0.3473, "B": 2143.4, "beta": 0.3672})
    found = plan(known, compute=5.76e23)
    assert pytest.approx(7.3e10, rel=0.01) == found.N
    assert pytest.approx(1.31e12, rel=0.01) == found.D
    assert found.loss == pytest.approx(1.974, abs=0.001)


def test_plan_tells_its_interval_and_what_being_off_costs(fitted: Law) -> None:
    found = plan(fitted, compute=1e20)
    assert found.low < found.loss < found.high
    assert found.N_low is not None
    assert found.N_high is not None
    assert found.N_low <= found.N * 1.1
    assert found.N_high >= found.N / 1.1
    assert found.half is not None
    assert found.double is not None
    assert min(found.half, found.double) > found.loss
    assert found.extrapolated is False


def test_time_is_compute(fitted: Law) -> None:
    assert plan(fitted, time_s=100, device_flops=1e18) == plan(fitted, compute=1e20)


def test_memory_caps_the_size_and_compute_follows(fitted: Law) -> None:
    found = plan(fitted, memory_bytes=16e9)
    assert found.N == 1e9
    assert find_optimum(fitted, found.compute, {}).n == pytest.approx(1e9, rel=1e-6)
    with_data = plan(fitted, memory_bytes=16e9, data=5e9)
    assert (with_data.D, with_data.epochs) == (5e9, 1.0)


def test_data_that_ends_early_caps_what_is_trained_on(fitted: Law) -> None:
    found = plan(fitted, compute=1e21, data=1e9)
    assert (found.D, found.epochs, found.method) == (1e9, 1.0, "all data, once")
    assert "what repeating it is worth" in found.notes[0]
    knowing = make_law(fitted, "data-constrained", ["N", "D", "U"], MUENNIGHOFF)
    repeated = plan(knowing, compute=1e21, data=1e9)
    assert repeated.epochs > 2


def test_bits_are_told_where_the_law_depends_on_them(fitted: Law) -> None:
    found = make_law(fitted, "precision", ["N", "D", "P"], PRECISION)
    assert plan(found, compute=1e20).bits == 16
    assert plan(found, compute=1e20, bits=4).bits == 4
    assert plan(found, compute=1e20, bits=4).loss > plan(found, compute=1e20).loss
    assert plan(fitted, compute=1e20).bits is None


def test_cheapest_program_within_bytes_is_what_brute_force_finds(of_bytes: Law) -> None:
    joint = Joint(of_bytes, data=1e7, epochs=4.0)
    least = find_least(joint)
    budget = 1.1 * least.total_bytes
    found = find_cheapest(joint, budget)
    n, d = np.meshgrid(np.geomspace(1e3, 1e7, 900), np.geomspace(1e4, 4e7, 900))
    total = joint.measure(n, d, np.array(8.0))
    assert least.total_bytes <= total.min() * (1 + 1e-9)
    assert least.total_bytes == pytest.approx(total.min(), rel=1e-3)
    cost = np.where(total <= budget, 6 * n * d, np.inf)
    assert found.total_bytes <= budget * (1 + 1e-9)
    assert found.flops <= cost.min() * (1 + 1e-9)
    assert found.flops == pytest.approx(cost.min(), rel=0.02)


def test_fewer_bits_a_weight_are_taken_where_the_law_knows_their_cost(of_bytes: Law) -> None:
    found = make_law(of_bytes, "precision", ["N", "D", "Q"], AFTER)
    least = find_least(Joint(found, data=1e8))
    fixed = find_least(Joint(found, data=1e8, bits=8.0))
    assert 2 < least.bits < 8
    assert least.total_bytes < fixed.total_bytes
    assert plan(found, archive_bytes=1.05 * least.total_bytes, data=1e8).bits is not None


def test_crossover_is_where_program_and_code_equal_the_rival(of_bytes: Law) -> None:
    joint = Joint(of_bytes, data=1.0)
    data = find_crossover(joint, 1.9)
    assert data is not None
    assert 8 * find_least(replace(joint, data=data)).total_bytes / data == pytest.approx(1.9, rel=1e-6)
    assert 8 * find_least(replace(joint, data=data / 2)).total_bytes / (data / 2) > 1.9
    assert find_crossover(joint, 1.0) is None  # below the floor of the law


def test_plan_of_bytes_has_an_account(of_bytes: Law) -> None:
    found = plan(of_bytes, archive_bytes=2.3e6, data=1e7, rival_bpb=1.9)
    assert found.account is not None
    assert found.account.total_bytes == pytest.approx(2.3e6, rel=1e-6)
    assert found.account.code_bytes == pytest.approx(1e7 * found.loss / 8)
    assert found.epochs == pytest.approx(found.D / 1e7)
    assert found.crossover_bytes is not None
    assert "8 are counted" in found.notes[0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "a plan has one budget: .*; got none"),
        ({"compute": 1e20, "memory_bytes": 1e9}, "got compute, memory_bytes"),
        ({"time_s": 10}, "a budget of time needs the FLOPs a second"),
        ({"compute": 1e20, "device_flops": 1e12}, "a budget of time needs the FLOPs a second"),
        ({"compute": -1}, "a budget of -1 compute is not possible"),
        ({"compute": float("nan")}, "a budget of nan compute is not possible"),
        ({"compute": 1.0}, "1 FLOPs are too few for any program"),
        ({"compute": 1e20, "data": 0}, "data is 0; it must be above 0"),
        ({"compute": 1e20, "rival_bpb": 2.0}, "a rival's rate and epochs are for budgets of bytes"),
        ({"archive_bytes": 1e6, "data": 1e7}, "the law is of nats, over N, D with D in tokens"),
    ],
)
def test_budget_that_says_too_little_or_too_much_is_refused(fitted: Law, options: Any, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        plan(fitted, **options)


def test_bytes_without_data_and_too_few_bytes_are_refused(of_bytes: Law) -> None:
    with pytest.raises(UsageError, match="say how many bytes, with --data"):
        plan(of_bytes, archive_bytes=1e6)
    with pytest.raises(UsageError, match=r"10,000,000 bytes of data take [\d,]+ at least, program and code"):
        plan(of_bytes, archive_bytes=1e5, data=1e7)


def test_laws_that_cannot_plan_say_why(fitted: Law) -> None:
    power = law({"C": np.geomspace(1e17, 1e20, 9), "loss": 1.5 + np.geomspace(1, 0.3, 9)}, form="power", resamples=20)
    with pytest.raises(UsageError, match="the law depends on C; to plan N and D it must depend on both"):
        plan(power, compute=1e20, anyway=True)
    knowing = make_law(fitted, "data-constrained", ["N", "D", "U"], MUENNIGHOFF)
    with pytest.raises(UsageError, match="say how much unique data there is, with --data"):
        plan(knowing, compute=1e20)
    rising = replace(fitted, expected=fitted.expected | {"alpha": -0.1})
    with pytest.raises(UsageError, match="no optimum inside"):
        plan(rising, compute=1e20)
    product = make_law(fitted, "product", ["N", "D"], {"k": 20.0, "a_N": -0.1, "a_D": -0.05})
    with pytest.raises(UsageError, match=r"no optimum inside: at 1e\+20 FLOPs the law is least at the largest size"):
        plan(product, compute=1e20)


def test_doubtful_law_plans_only_inside_its_points_or_anyway(fitted: Law) -> None:
    doubtful = replace(fitted, refusals=("too few points",))
    with pytest.raises(UsageError, match=r"not to be extrapolated: too few points.*--anyway"):
        plan(doubtful, compute=1e26)
    assert plan(doubtful, compute=1e26, anyway=True).extrapolated
