"""How far data are from each other: pairs, and all of several in the order of the tree that joins them."""

from collections.abc import Sequence

from multum.reporting.charts import draw, hover, layer, names
from multum.reporting.content import Figure, Material, Section, Table
from multum.reporting.documents import Document, Kind, read_number

KINDS = (
    Kind(
        "distance",
        frozenset({"distance", "a_bits", "b_bits", "a_bits_after_b", "b_bits_after_a"}),
        printed_by="distance",
    ),
    Kind("cluster", frozenset({"names", "distances", "tree", "newick"}), printed_by="cluster"),
)

_SIDE, _CELL = 480, 24
# Pairs that a table lists, the nearest first.
_MOST_PAIRS = 100


def show(material: Material) -> Section | None:
    """Return the pairs in one table, and a map of the distances in each cluster."""
    pairs, clusters = material.take("distance"), material.take("cluster")
    if not pairs and not clusters:
        return None
    told = [one.read(_tell_pair) for one in pairs] + [one.read(_tell_cluster) for one in clusters]
    figures = tuple(_draw(one.read(_order), number, one.name) for number, one in enumerate(clusters, 1))
    head = ("a", "b", "distance", "bits of a", "after b", "bits of b", "after a")
    tables = (Table(head, tuple(one.read(_list_pair) for one in pairs)),) if pairs else ()
    notes = tuple(f"The tree in Newick's format: {one.fields['newick']}" for one in clusters)
    return Section("nearness", "What is near", " ".join(told), figures, tables, notes=notes)


def _list_pair(document: Document) -> tuple[str | float, ...]:
    fields = document.fields
    bits = [round(read_number(fields[name])) for name in ("a_bits", "a_bits_after_b", "b_bits", "b_bits_after_a")]
    return str(fields["a"] or "a"), str(fields["b"] or "b"), round(read_number(fields["distance"]), 4), *bits


def _tell_pair(document: Document) -> str:
    a, b, distance, *_ = _list_pair(document)
    return f"{a} and {b} are {distance:.3f} apart, where 0 is the same and 1 nothing in common."


def _tell_cluster(document: Document) -> str:
    fields = document.fields
    groups = fields.get("groups")
    apart = f" in {len(set(groups))} groups" if groups else ""
    return f"{document.name}: {len(fields['names'])} items{apart}, joined by what they have in common."


def _order(document: Document) -> list[tuple[str, str, float]]:
    """Return (one, other, distance) of all pairs, items in the order of the tree's leaves."""
    fields = document.fields
    labels = [f"{number}. {name}" for number, name in enumerate(map(str, fields["names"]), 1)]
    leaves = _list_leaves(fields["tree"], len(labels))
    rows = [[read_number(value) for value in row] for row in fields["distances"]]
    return [(labels[a], labels[b], rows[a][b]) for a in leaves for b in leaves]


def _list_leaves(tree: Sequence[Sequence[float]], count: int) -> list[int]:
    """Return the items in the order of a linkage's leaves. Raises ValueError for what is no tree of them."""
    below = [[number] for number in range(count)]
    for row in tree:
        a, b = int(row[0]), int(row[1])
        below.append(below[a] + below[b])
    if sorted(below[-1]) != list(range(count)):
        raise ValueError("the tree does not join all items")
    return below[-1]


def _draw(pairs: Sequence[tuple[str, str, float]], number: int, name: str) -> Figure:
    """Return a map of the distances, darker where items are nearer."""
    order = list(dict.fromkeys(a for a, _, _ in pairs))
    rows = [{"a": a, "b": b, "distance": distance} for a, b, distance in pairs]
    x = {"field": "b", "type": "nominal", "sort": order, "title": None, "axis": {"labels": False, "ticks": False}}
    shade = {
        "field": "distance",
        "type": "quantitative",
        "title": "distance",
        "scale": {"domain": [0, 1], "scheme": "blues", "reverse": True},
    }
    tips = hover(("a", "one", None), ("b", "other", None), ("distance", "distance", ".4f"))
    chart = draw("rect", rows, x=x, y=names("a", order), color=shade, tooltip=tips)
    place = {item: at for at, item in enumerate(order)}
    apart = sorted((one for one in pairs if place[one[0]] < place[one[1]]), key=lambda one: one[2])
    told = f"Distances of {len(order)} items, neighbours in the tree side by side"
    nearest = f"; nearest: {apart[0][0]} and {apart[0][1]}, {apart[0][2]:.3f}." if apart else "."
    cells = tuple((a, b, round(distance, 4)) for a, b, distance in apart[:_MOST_PAIRS])
    return Figure(
        f"nearness-{number}",
        f"Distances in {name}",
        told + nearest,
        layer(chart, height=min(_SIDE, _CELL * len(order) + 20)),
        Table(("one", "other", "distance"), cells, "The nearest pairs"),
    )
