"""How small does Multum make files, and for how much CPU, beside its peers in the same run?

Run as `python -m bench.lossless`. Writes bench/results/lossless.json, and from it docs/benchmarks.md and the table in
each README. Each size is the length of a file that was unpacked again and compared; CPU is of single-threaded runs.
Results are written after every measurement, so a stopped run continues with --merge.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

from bench import corpus, experiments, tables
from bench.codecs import CODECS, Codec, find_version, select_codecs, tell_reason
from bench.corpus import ROOT, CorpusFile
from bench.machine import describe_commit, describe_machine, tell_date
from bench.measure import CommandFailed, measure
from bench.results import Results, Row, add_run, keep_rows, read_results, start_row, summarise, write_results

RESULTS = ROOT / "bench" / "results" / "lossless.json"


def main() -> int:
    """Run what the command line asks for; return 1 when something did not come back as it was."""
    asked = parse_arguments()
    if asked.tables_only:
        tables.write_tables(read_results(asked.out))
        return 0
    try:
        folder = corpus.find_corpus()
    except corpus.CorpusMissing as missing:
        print(missing, file=sys.stderr)
        return 1
    bench = Bench(asked, folder)
    if not asked.no_files:
        bench.measure_files()
    bench.run_experiments()
    if asked.out == RESULTS:
        tables.write_tables(bench.results)
    bad = [f"{row['codec']} on {row['file']}" for row in bench.results["rows"] if not row["verified"]]
    for name in bad:
        print(f"CAME BACK DIFFERENT: {name}", file=sys.stderr)
    return 1 if bad or bench.failures else 0


def parse_arguments() -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.lossless", description=__doc__)
    add = parser.add_argument
    add("--codecs", nargs="+", default=[], metavar="GLOB", help="only these, e.g. 'multum -[159]' 'zpaq*' (see --list)")
    add("--files", nargs="+", default=["*"], metavar="GLOB", help="only these, e.g. 'text/*' enwik4m '*.log'")
    add("--repeat", type=int, default=3, metavar="N", help="runs of each; best and median are kept (default 3)")
    add("--out", type=Path, default=RESULTS, metavar="FILE", help="results; tables follow only the default file")
    add("--merge", action="store_true", help="keep the other rows of FILE where machine, corpus and versions agree")
    add("--threads", type=int, nargs="*", default=None, metavar="LEVEL", help="what a 2nd thread is worth (1 and 5)")
    add("--no-files", action="store_true", help="only start-up times, and --threads; the rows of FILE stay")
    add("--tables-only", action="store_true", help="measure nothing; write the tables from FILE")
    add("--list", action="store_true", help="list codecs, with the reason where one cannot run, and files")
    asked = parser.parse_args()
    if asked.list:
        print_list()
        raise SystemExit(0)
    return asked


def print_list() -> None:
    """Print which codecs and files there are."""
    for codec in CODECS:
        version = find_version(codec)
        print(f"{codec.name:28} {version or 'skipped: ' + tell_reason(codec)}")
    for file in corpus.list_files(corpus.find_corpus()):
        print(f"{file.name:28} {file.limit_bytes or file.path.stat().st_size:>12,}")


class Bench:
    """One run: what it measures, and the results as they grow."""

    def __init__(self, asked: argparse.Namespace, folder: Path) -> None:
        self.asked = asked
        self.files = corpus.list_files(folder, asked.files)
        chosen = {codec: find_version(codec) for codec in select_codecs(asked.codecs)}
        self.codecs = [codec for codec, version in chosen.items() if version]
        self.failures = 0
        old = read_results(asked.out) if asked.merge or asked.no_files else {}
        self.results = self._start_results(folder, {c.name: v for c, v in chosen.items() if v}, old)
        self.results["skipped"] = {codec.name: tell_reason(codec) for codec, v in chosen.items() if not v}
        for name, reason in self.results["skipped"].items():
            self.say(f"skipped {name}: {reason}")
        self.origin = {"date": self.results["date"], "commit": self.results["commit"]}

    def say(self, words: str) -> None:
        """Tell the person at the terminal."""
        print(words, file=sys.stderr, flush=True)

    def measure_files(self) -> None:
        """Measure every codec on every file, file by file, so that codecs that are compared run close together."""
        if not self.files:
            raise SystemExit(f"no file of the corpus matches {' '.join(self.asked.files)}")
        self.say("warming up ...")
        experiments.warm_kernels(self.codecs, self.files)
        self.results["startup_cpu_s"] |= experiments.measure_startup_of_codecs(self.codecs, 3)
        fresh: dict[tuple[str, str], Row] = {}
        for turn in range(self.asked.repeat):
            for file in self.files:
                for codec in self.codecs:
                    self._measure_one(fresh, file, codec, turn)

    def run_experiments(self) -> None:
        """Measure start-up, and threads where asked; keep what a merged file knew."""
        self.results["startup"] = experiments.measure_startup(5)
        if self.asked.threads is not None:
            self.results["threads"] = [
                experiments.measure_threads(level, corpus.list_files(corpus.find_corpus()), self.asked.repeat)
                for level in self.asked.threads or (1, 5)
            ]
        self._save()

    def _measure_one(self, fresh: dict[tuple[str, str], Row], file: CorpusFile, codec: Codec, turn: int) -> None:
        try:
            measured = measure(codec, file)
        except CommandFailed as failed:
            self.failures += 1
            self.say(f"FAILED {codec.name} on {file.name}: {failed}")
            return
        key = (codec.name, file.name)
        if key in fresh:
            add_run(fresh[key], measured)
        else:
            version = self.results["versions"][codec.name]
            fresh[key] = start_row(codec.name, version, file, measured, **self.origin)
        self._put_row(fresh[key])
        cpu = f"{measured.pack.cpu_s:8.2f} s {measured.unpack.cpu_s:8.2f} s"
        equal = "" if measured.verified else "  CAME BACK DIFFERENT"
        self.say(f"{turn + 1}  {file.name:26} {codec.name:24} {measured.packed_bytes:>12,} {cpu}{equal}")

    def _put_row(self, row: Row) -> None:
        key = (row["codec"], row["file"])
        self.results["rows"] = [r for r in self.results["rows"] if (r["codec"], r["file"]) != key] + [row]
        self._save()

    def _save(self) -> None:
        """Write the results with rows in the order of the corpus and of the codecs, and their sums."""
        codecs = [codec.name for codec in CODECS]
        files = [file.name for file in corpus.list_files(corpus.find_corpus())]
        self.results["rows"].sort(key=lambda row: (files.index(row["file"]), codecs.index(row["codec"])))
        by_codec = sorted(self.results["rows"], key=lambda row: codecs.index(row["codec"]))
        self.results["summary"] = summarise(by_codec, self.results["startup_cpu_s"])
        write_results(self.asked.out, self.results)

    def _start_results(self, folder: Path, versions: dict[str, str], old: Results) -> Results:
        new: Results = {
            "question": "bytes and CPU of lossless compressors, each file unpacked again and compared",
            "date": tell_date(),
            "commit": describe_commit(),
            "machine": describe_machine(),
            "corpus_hash": corpus.hash_corpus(folder),
            "versions": versions,
        }
        rows, reasons = keep_rows(old, new)
        for reason in reasons:
            self.say(f"not merged: {reason}")
        kept: dict[str, Any] = old if rows else {}
        new["versions"] = kept.get("versions", {}) | versions
        new |= {"startup_cpu_s": kept.get("startup_cpu_s", {}), "startup": kept.get("startup", {})}
        return new | {"threads": kept.get("threads", []), "rows": rows}


if __name__ == "__main__":
    sys.exit(main())
