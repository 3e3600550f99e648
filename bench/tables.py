"""Turn the results into tables: docs/benchmarks.md as a whole, and the short table inside each README.

Every figure that the repository shows comes through here; run as `python -m bench.lossless --tables-only`.
"""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from bench.codecs import REFERENCE
from bench.corpus import ROOT
from bench.results import Results, Row

BEGIN, END = "<!-- bench:begin -->", "<!-- bench:end -->"

# What the first screen shows: one of each family.
SHORT = (
    "gzip -9",
    "zstd --ultra -22 --long=27",
    "brotli -q 11 -w 24",
    "xz -9e",
    "bzip3 -b 64",
    "ppmd order 6",
    REFERENCE,
    "multum -1",
    "multum -5",
    "multum -9",
)
SHORT_FILE = "enwik4m"

READMES = {
    "README.md": (
        ("compressor", "{file}, bytes", "all {files} files, bytes", "bits per byte", "pack CPU s", "unpack CPU s"),
        "{files} files, {raw:,} bytes: text, logs, tables, scientific data, a genome, Chinese. Every file was unpacked "
        "again and came back equal; CPU seconds of one core of one machine. "
        "How, on what, and all the rest: [docs/benchmarks.md](docs/benchmarks.md).",
    ),
    "README.zh-CN.md": (
        ("压缩程序", "{file}，字节", "全部 {files} 个文件，字节", "每字节比特数", "压缩 CPU 秒", "解压 CPU 秒"),
        "共 {files} 个文件、{raw:,} 字节：文本、日志、表格、科学数据、基因组和中文。每个文件都重新解压，"
        "逐字节比对无误；CPU 秒数均为同一台机器的单核用时。"
        "方法、数据与全部结果见 [docs/benchmarks.md](docs/benchmarks.md)。",
    ),
}


def write_tables(results: Results) -> None:
    """Write docs/benchmarks.md and the tables of the READMEs from `results`."""
    (ROOT / "docs" / "benchmarks.md").write_text(make_page(results), "utf-8")
    for name, (headings, caption) in READMES.items():
        table = make_short_table(results, headings, caption)
        if table:
            path = ROOT / name
            path.write_text(replace_marked(path, table), "utf-8")


def replace_marked(path: Path, table: str, part: str = "") -> str:
    """Return the text of `path` with `table` between the markers, those of `part` where a page has several.

    Raises ValueError when they are missing.
    """
    text = path.read_text("utf-8")
    begin, end = (marker.replace("bench", f"bench:{part}") if part else marker for marker in (BEGIN, END))
    if text.count(begin) != 1 or text.count(end) != 1:
        raise ValueError(f"{path.name} needs one {begin} and one {end} around its table")
    before, rest = text.split(begin)
    return f"{before}{begin}\n{table}\n{end}{rest.split(end)[1]}"


def make_short_table(results: Results, headings: Sequence[str], caption: str) -> str:
    """Return the table of the first screen and its caption; "" when the run left out what it shows."""
    summary = {line["codec"]: line for line in results["summary"] if line["complete"]}
    single = {row["codec"]: row for row in results["rows"] if row["file"] == SHORT_FILE}
    failed = {row["codec"] for row in results["rows"] if not row["verified"]}
    shown = [summary[codec] for codec in SHORT if codec in summary and codec in single and codec not in failed]
    if not shown:
        return ""
    about = {"file": SHORT_FILE, "files": shown[0]["files"], "raw": shown[0]["raw_bytes"]}
    lines = [[heading.format(**about) for heading in headings]]
    for line in shown:
        cells = [
            line["codec"],
            f"{single[line['codec']]['packed_bytes']:,}",
            f"{line['packed_bytes']:,}",
            f"{line['bpb']:.3f}",
            f"{line['pack_cpu_s']:.0f}",
            f"{line['unpack_cpu_s']:.0f}",
        ]
        lines.append([f"**{cell}**" for cell in cells] if _is_ours(line) else cells)
    return f"{make_table(lines)}\n\n{caption.format(**about)}"


def make_page(results: Results) -> str:
    """Return docs/benchmarks.md."""
    parts = [
        "# Benchmarks",
        "Written by `make bench` from [bench/results/lossless.json](../bench/results/lossless.json); not by hand.",
        "## How",
        _tell_method(results),
        "## All files together",
        f"Ratios are to {REFERENCE} on the same files: below 1 is smaller or faster. The worst file is the one with "
        "the largest ratio in bytes.",
        _make_summary(results["summary"]),
        "## Bytes, file by file",
        _make_matrix(results["rows"], lambda row: f"{row['packed_bytes']:,}", least="packed_bytes"),
        "## Pack, CPU seconds",
        _make_matrix(results["rows"], lambda row: f"{row['pack_cpu_s']:.2f}"),
        "## Unpack, CPU seconds",
        _make_matrix(results["rows"], lambda row: f"{row['unpack_cpu_s']:.2f}"),
        *_make_threads(results.get("threads", [])),
        *_make_startup(results.get("startup", {})),
        *_make_skipped(results.get("skipped", {})),
    ]
    return "\n\n".join(parts) + "\n"


def make_table(lines: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table of `lines`, the first being the headings; all columns but the first flush right."""
    rule = ["---", *("---:" for _ in lines[0][1:])]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (lines[0], rule, *lines[1:]))


def _is_ours(line: Row) -> bool:
    return bool(line["codec"].startswith("multum"))


def _tell_method(results: Results) -> str:
    machine = results["machine"]
    runs = sorted({(row["date"], row["commit"]) for row in results["rows"]})
    repeats = sorted({len(row["runs"]) for row in results["rows"]})
    unverified = [f"{row['codec']} on {row['file']}" for row in results["rows"] if not row["verified"]]
    points = [
        "Every size is the length of a whole file on disk. Each was unpacked again and compared with the original: "
        + (f"**these came back different: {', '.join(unverified)}**." if unverified else "all came back equal."),
        "Each compressor runs in a process of its own with one thread. CPU is its user and system time, start-up "
        "included (for Multum that is Python and numba, for a peer called through a Python binding it is left out); "
        f"the best of {_tell_range(repeats)} runs is shown, and the median is in the JSON.",
        "Memory is the peak of resident memory. The measuring script itself, from which processes start, "
        "takes some 22 MB, so smaller figures cannot be seen.",
        f"Machine: {machine['processor']}, {machine['cores']} cores, {machine['memory_gib']} GiB, {machine['system']}, "
        f"Python {machine['python']}, numba {machine['numba']}, NumPy {machine['numpy']}.",
        f"Measured: {'; '.join(f'{date} at commit {commit}' for date, commit in runs)}. "
        f"Corpus hash {results['corpus_hash']}.",
        "Versions: " + ", ".join(f"{name} ({version})" for name, version in results["versions"].items()) + ".",
        "Files with a colon in their name are the start of another file and do not count in the totals.",
    ]
    return "\n".join(f"- {point}" for point in points)


def _tell_range(numbers: Sequence[int]) -> str:
    return f"{numbers[0]}" if len(numbers) == 1 else f"{numbers[0]} to {numbers[-1]}" if numbers else "no"


def _make_summary(summary: Iterable[Row]) -> str:
    lines = [
        ["compressor", "bytes", "bits per byte", "bytes ratio", "worst file", "its ratio", "pack CPU s", "unpack CPU s",
         "pack CPU ratio", "the same without start-up", "unpack / pack", "pack MB", "unpack MB"]
    ]  # fmt: skip
    for line in summary:
        name = line["codec"] if line["complete"] else f"{line['codec']} ({line['files']} files only)"
        lines.append(
            [
                f"**{name}**" if _is_ours(line) else name,
                f"{line['packed_bytes']:,}",
                f"{line['bpb']:.3f}",
                _write_ratio(line.get("bytes_to_reference")),
                line.get("worst_file", ""),
                _write_ratio(line.get("worst_file_to_reference")),
                f"{line['pack_cpu_s']:.1f}",
                f"{line['unpack_cpu_s']:.1f}",
                _write_ratio(line.get("pack_cpu_to_reference")),
                _write_ratio(line.get("pack_cpu_to_reference_without_startup")),
                _write_ratio(line.get("unpack_to_pack_cpu")),
                f"{line['pack_rss_bytes'] / 1e6:.0f}",
                f"{line['unpack_rss_bytes'] / 1e6:.0f}",
            ]
        )
    return make_table(lines)


def _write_ratio(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio:.3f}"


def _make_matrix(rows: Sequence[Row], write: Callable[[Row], str], least: str = "") -> str:
    """Return files × compressors; the least of each line is bold where `least` names the figure that decides."""
    codecs = list(dict.fromkeys(row["codec"] for row in rows))
    found = {(row["file"], row["codec"]): row for row in rows}
    lines = [["file", "raw bytes", *codecs]]
    for file in dict.fromkeys(row["file"] for row in rows):
        mine = [found.get((file, codec)) for codec in codecs]
        best = min(row[least] for row in mine if row) if least else None
        cells = ["" if not row else f"**{write(row)}**" if least and row[least] == best else write(row) for row in mine]
        raw_bytes = next(row["raw_bytes"] for row in mine if row)
        lines.append([file, f"{raw_bytes:,}", *cells])
    return make_table(lines)


def _make_threads(threads: Sequence[Row]) -> list[str]:
    if not threads:
        return []
    lines = [["level", "blocks", "bytes", "pack s, 1 thread", "2 threads", "times faster",
              "unpack s, 1 thread", "2 threads", "times faster", "same bytes"]]  # fmt: skip
    for one in threads:
        # Keys become strings on the way through JSON.
        pack, unpack = ({str(n): s for n, s in one[f"{side}_wall_s"].items()} for side in ("pack", "unpack"))
        times = [f"{pack['1']:.2f}", f"{pack['2']:.2f}", f"{one['pack_speedup']:.2f}",
                 f"{unpack['1']:.2f}", f"{unpack['2']:.2f}", f"{one['unpack_speedup']:.2f}"]  # fmt: skip
        equal = "yes" if one["same_bytes"] and one["verified"] else "**NO**"
        lines.append([one["codec"], f"{one['blocks']}", f"{one['raw_bytes']:,}", *times, equal])
    return ["## A second thread", "Wall seconds on an input of several full blocks.", make_table(lines)]


def _make_startup(startup: dict[str, dict[str, float]]) -> list[str]:
    if not startup:
        return []
    lines = [["command", "CPU s", "wall s"]]
    lines += [[f"`{title}`", f"{cost['cpu_s']:.3f}", f"{cost['wall_s']:.3f}"] for title, cost in startup.items()]
    return ["## Start-up", "Best of five, compiled kernels cached.", make_table(lines)]


def _make_skipped(skipped: dict[str, str]) -> list[str]:
    if not skipped:
        return []
    return ["## Skipped", "\n".join(f"- {name}: {reason}" for name, reason in skipped.items())]
