"""What holds in every row of a table is found and told once; what holds by chance is not claimed."""

import numpy as np
import pytest

pytest.importorskip("sympy", reason="the extra multum[discover] is not installed")

from multum.discovery.theorems.finder import choose_theorems, discover_laws
from multum.discovery.theorems.reports import LawsReport, Theorem
from multum.errors import UsageError


@pytest.fixture(scope="module")
def orders() -> LawsReport:
    """Return the laws of a table of orders."""
    generator = np.random.default_rng(0)
    places = [("Paris", "FR", "EUR"), ("Lyon", "FR", "EUR"), ("London", "UK", "GBP"), ("Leeds", "UK", "GBP")]
    drawn = [places[place] for place in generator.integers(0, 4, 150)]
    celsius = np.round(generator.uniform(-10, 35, 150), 1)
    quantity, price = generator.integers(1, 10, 150), np.round(generator.uniform(1, 99, 150), 2)
    pounds = np.round(generator.uniform(1, 90, 150), 2)
    table = {
        "id": [str(n) for n in range(100, 250)],
        "shop": ["north"] * 150,
        "city": [one[0] for one in drawn],
        "country": [one[1] for one in drawn],
        "currency": [one[2] for one in drawn],
        "celsius": [f"{one:.1f}" for one in celsius],
        "fahrenheit": [f"{one * 1.8 + 32:.2f}" for one in celsius],
        "pounds": [f"{one:.2f}" for one in pounds],
        "kilograms": [f"{one * 0.45359237:.3f}" for one in pounds],
        "quantity": [str(one) for one in quantity],
        "price": [f"{one:.2f}" for one in price],
        "total": [f"{a * b + 5:.2f}" for a, b in zip(quantity, price, strict=True)],
    }
    return discover_laws(table)


@pytest.mark.parametrize(
    ("target", "kind", "text"),
    [
        ("shop", "constant", "shop = north"),
        ("id", "sequence", "id: a(n) = n + 99, n the row"),
        ("fahrenheit", "conversion", "fahrenheit = 9*celsius/5 + 32, degrees Celsius to Fahrenheit"),
        ("kilograms", "conversion", "kilograms = 45359237*pounds/100000000, pounds to kilograms"),
        ("total", "formula", "total = price*quantity + 5"),
        ("country", "dependency", "city -> country"),
        ("currency", "dependency", "country -> currency"),
    ],
)
def test_planted_laws_are_found(orders: LawsReport, target: str, kind: str, text: str) -> None:
    theorem = next(one for one in orders.theorems if one.target == target)
    assert (theorem.kind, theorem.text) == (kind, text)
    assert theorem.rows == 150
    assert theorem.saved_bits >= 20


def test_nothing_else_is_claimed_and_the_account_adds_up(orders: LawsReport) -> None:
    assert len(orders.theorems) == 7
    assert orders.bits < orders.raw_bits
    assert "saves" in str(orders)


def test_pairs_of_columns_determine_a_third() -> None:
    generator = np.random.default_rng(1)
    a, b = generator.integers(0, 6, 300), generator.integers(0, 6, 300)
    kinds = generator.integers(0, 1000, (6, 6))
    table = {"a": [f"a{one}" for one in a], "b": [f"b{one}" for one in b], "c": [f"c{one}" for one in kinds[a, b]]}
    theorems = discover_laws(table).theorems
    assert [(one.inputs, one.target) for one in theorems] == [(("a", "b"), "c")]


@pytest.mark.parametrize("kind", range(4))
def test_random_tables_have_no_laws(kind: int) -> None:
    generator = np.random.default_rng(kind)
    for _ in range(2):
        rows, width = int(generator.integers(5, 120)), int(generator.integers(2, 6))
        whole = generator.integers(0, (2, 5, 50, 10)[kind], (width, rows))
        tenths = np.round(generator.uniform(0, 9, (width, rows)), 1)
        columns = tenths if kind == 3 else whole
        table = {f"c{place}": column for place, column in enumerate(columns) if len(set(column.tolist())) > 1}
        if table:
            assert discover_laws(table).theorems == ()


def test_theorems_never_go_in_circles() -> None:
    circle = [Theorem("copy", a, (b,), f"{a} = {b}", 9, 7, 50) for a, b in ("ab", "ba", "bc", "cb")]
    chosen = choose_theorems(circle)
    assert [(one.target, one.inputs) for one in chosen] == [("a", ("b",)), ("b", ("c",))]


def test_few_rows_and_odd_budgets_are_refused() -> None:
    with pytest.raises(UsageError, match="has 3 rows; a law needs 5 at least"):
        discover_laws({"a": [1, 2, 3]})
    with pytest.raises(UsageError, match="a budget of -1 s"):
        discover_laws({"a": range(9)}, time_s=-1)
