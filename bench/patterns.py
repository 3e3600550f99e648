"""Templates of logs: how many lines are grouped as people grouped them, and in how many bits, beside drain3.

Run as `python -m bench.patterns [--truth FOLDER]`. FOLDER holds what loghub publishes as NAME_2k.log_templates.csv
(github.com/logpai/loghub), for the logs of the corpus that it has; without it only bits are measured. Grouping accuracy
is the share of lines whose group is exactly one of the right ones (Zhu et al., "Tools and benchmarks for automated log
parsing", 2019). `patterns` is given whole lines; drain3, where it is installed, lines without the header that
`patterns` found, with its usual settings. Both groupings are counted in bits by the same code.
Writes bench/results/patterns.json and the table in docs/patterns.md.
"""

import argparse
import csv
import importlib.metadata
import json
import re
import time
from collections import Counter, defaultdict
from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import Any

import multum
from bench.corpus import ROOT, find_corpus
from bench.machine import describe_commit, describe_machine, tell_date
from bench.tables import make_table, replace_marked
from multum.mining.reading import read_lines, split_words
from multum.mining.templates import Book, Template

RESULTS = ROOT / "bench" / "results" / "patterns.json"
PAGE = ROOT / "docs" / "patterns.md"
PEER = "drain3"
Row = dict[str, Any]


def main() -> int:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(prog="python -m bench.patterns", description=__doc__)
    parser.add_argument("--truth", type=Path, metavar="FOLDER", help="loghub's tables of templates")
    asked = parser.parse_args()
    found = {
        "date": tell_date(),
        "commit": describe_commit(),
        "machine": describe_machine(),
        "peer": _find_peer(),
        "logs": [measure(path, asked.truth) for path in sorted((find_corpus() / "log").glob("*.log"))],
    }
    RESULTS.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    PAGE.write_text(replace_marked(PAGE, show_table(found)), "utf-8")
    print(show_table(found))
    return 0


def _find_peer() -> str | None:
    """Return the name and version of the peer, None where it is not installed."""
    try:
        return f"{PEER} {importlib.metadata.version(PEER)}"
    except importlib.metadata.PackageNotFoundError:
        return None


def measure(path: Path, truth: Path | None) -> Row:
    """Return what both make of a log."""
    started_s = time.process_time()
    report = multum.patterns(path, kind="log")
    spent_s = time.process_time() - started_s
    lines = read_lines(path)
    bodies = [split_words(line)[report.header_words :] for line in lines]
    row: Row = {
        "name": path.stem,
        "lines": len(lines),
        "raw_bytes": report.raw_bytes,
        "plain_bytes": report.plain_bits / 8,
        "total_bytes": report.total_bits / 8,
        "header_bytes": report.header_bits / 8,
        "ours": {
            "templates": len(report.patterns),
            "time_s": spent_s,
            "bytes": (report.table_bits + report.data_bits) / 8,
        },
    }
    groups: dict[str, Sequence[Hashable]] = {"ours": report.members}
    if _find_peer():
        started_s = time.process_time()
        groups["peer"] = ask_peer([" ".join(body) for body in bodies])
        spent_s = time.process_time() - started_s
        row["peer"] = {
            "templates": len(set(groups["peer"])),
            "time_s": spent_s,
            "bytes": count_bytes(bodies, groups["peer"]),
        }
    table = truth and truth / f"{path.name}_templates.csv"
    if table and table.is_file():
        right = label(lines, table)
        row["events"], row["unmatched"] = len(set(right)), right.count(None)
        for who, found in groups.items():
            row[who]["accuracy"] = score_groups(right, found)
    print(path.name, json.dumps(row), flush=True)
    return row


def ask_peer(lines: Sequence[str]) -> list[int]:
    """Return the number of each line's cluster by drain3 with its usual settings."""
    from drain3 import TemplateMiner
    from drain3.template_miner_config import TemplateMinerConfig

    miner = TemplateMiner(config=TemplateMinerConfig())
    return [int(miner.add_log_message(line)["cluster_id"]) for line in lines]


def count_bytes(bodies: Sequence[Sequence[str]], groups: Sequence[Hashable]) -> float:
    """Return the bytes of lines under templates of given groups, a group of lines of several lengths being several."""
    book = Book([])
    rows: dict[tuple[Hashable, int], list[int]] = defaultdict(list)
    for row, (group, body) in enumerate(zip(groups, bodies, strict=True)):
        rows[group, len(body)].append(row)
    for number, members in enumerate(rows.values()):
        columns = list(zip(*(bodies[row] for row in members), strict=True))
        values = {place: Counter(column) for place, column in enumerate(columns) if len(set(column)) > 1}
        words = tuple(None if place in values else column[0] for place, column in enumerate(columns))
        book.templates[number] = template = Template(words, members, values)
        template.settle()
        book.words.update(word for word in words if word is not None)
    return sum(book.count_bits()) / 8


def label(lines: Sequence[str], table: Path) -> list[str | None]:
    """Return the right event of each line: the template with most characters that its end is one of."""
    patterns = []
    with table.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            parts = row["EventTemplate"].strip().split("<*>")
            joined = ".*?".join(re.sub(r"(\\ )+", r"\\s+", re.escape(part)) for part in parts)
            patterns.append((sum(map(len, parts)), re.compile(rf"(?:.*[\s:\]])?\s*{joined}\s*"), row["EventId"]))
    patterns.sort(key=lambda one: -one[0])
    return [next((event for _, pattern, event in patterns if pattern.fullmatch(line)), None) for line in lines]


def score_groups(right: Sequence[Hashable], found: Sequence[Hashable]) -> float:
    """Return the share of lines whose group has the lines of one right group, all of them and no others."""
    groups: list[dict[Hashable, set[int]]] = [defaultdict(set), defaultdict(set)]
    for known, names in zip(groups, (right, found), strict=True):
        for row, name in enumerate(names):
            known[name].add(row)
    rights = {frozenset(rows) for rows in groups[0].values()}
    return sum(len(rows) for rows in groups[1].values() if frozenset(rows) in rights) / len(right)


def show_table(found: Row) -> str:
    """Return the table, as Markdown."""
    peer = found["peer"] or PEER
    head = ("log", "bytes", "word by word", "with templates", "templates", "right events", "grouped rightly")
    rows = [(*head, f"{peer}: templates", "bytes of lines, ours / its", "grouped rightly")]
    for row in found["logs"]:
        ours, theirs = row["ours"], row.get("peer")
        rows.append(
            (
                row["name"],
                f"{row['raw_bytes']:,}",
                f"{row['plain_bytes']:,.0f}",
                f"{row['total_bytes']:,.0f}",
                str(ours["templates"]),
                str(row.get("events", "")),
                _show_share(ours),
                str(theirs["templates"]) if theirs else "",
                f"{ours['bytes']:,.0f} / {theirs['bytes']:,.0f}" if theirs else "",
                _show_share(theirs),
            )
        )
    return make_table(rows)


def _show_share(one: Row | None) -> str:
    return f"{one['accuracy']:.4f}" if one and "accuracy" in one else ""


if __name__ == "__main__":
    raise SystemExit(main())
