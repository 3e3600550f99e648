"""One export of a network that is changed on the way: read, made, written, loaded again, compared, measured.

Invariant: the target appears only when what loads from it has been compared.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from multum.archive.limits import count_threads
from multum.archive.targets import whole_folder
from multum.errors import UsageError
from multum.exporting.compressed import (
    check_packable,
    compare_values,
    import_compressed,
    load_again,
    round_linear,
    write_packed,
)
from multum.exporting.graphs import import_onnx, make_graph
from multum.exporting.integers import round_dynamic, round_static
from multum.exporting.options import DYNAMIC, ONNX, STATIC, ExportOptions
from multum.exporting.probing import Inputs, compare_outputs, make_probes, name_output
from multum.exporting.reports import ExportReport
from multum.exporting.sessions import Session
from multum.neural.sources import DESCRIPTION
from multum.reduction.choices import RTN
from multum.shrinking.limits import check_memory
from multum.shrinking.material import Material, read_material
from multum.shrinking.measuring import make_probe, measure_running
from multum.shrinking.models import Model, check_finite, open_model
from multum.shrinking.reports import Loss, Running
from multum.training.processes import limited_cores

if TYPE_CHECKING:
    from multum.shrinking.shrinker import Progress

GRAPH = "model.onnx"
# Shares of the outputs' size: what other orders of sums cost, and what 8-bit products may.
_FLOAT, _INTEGERS = 1e-4, 0.3


def run_export(
    folder: str, name: str, target: str, asked: ExportOptions, force: bool, progress: "Progress | None"
) -> ExportReport:
    """Return the report of the model in `folder`, called `name`, written to `target`; see `export`."""
    if asked.to == ONNX:
        import_onnx()
    else:
        check_packable(asked.rounding)
        import_compressed()
    model = open_model(folder)
    model.name = name
    check_memory(model.weights, asked.memory_limit)
    check_finite(model)
    with whole_folder(target, force, None) as made, limited_cores(count_threads(asked.threads)):
        one = _Export(model, name, target, asked, make_probes(model), _read(model, asked, progress), progress)
        report = one.write_graph(Path(made)) if asked.to == ONNX else one.write_packed(Path(made))
        _write_facts(model, Path(made))
    return report


def _read(model: Model, asked: ExportOptions, progress: "Progress | None") -> Material:
    """Return the data of an export: nothing where none is needed."""
    calibrates = asked.int8 == STATIC or (asked.to != ONNX and asked.rounding.method != RTN)
    if not calibrates and asked.data is None and asked.evaluation is None:
        return Material()
    return read_material(model, asked.data, asked.evaluation, asked.calibration, asked.seed, progress)


def _write_facts(model: Model, folder: Path) -> None:
    """Write what multum.json said of the model, so that Multum's verbs still know what the network is for."""
    facts = {key: value for key, value in model.read_facts().items() if key != "shrunken"}
    if facts:
        (folder / DESCRIPTION).write_text(json.dumps(facts, indent=1, ensure_ascii=False) + "\n", "utf-8")


@dataclass(frozen=True, eq=False)
class _Export:
    """A model, what it is compared on and what its data are."""

    model: Model
    name: str
    target: str
    asked: ExportOptions
    probes: tuple[Inputs, Inputs]
    material: Material
    progress: "Progress | None"

    def write_graph(self, folder: Path) -> ExportReport:
        """Write a graph, in float32 or in 8-bit integers."""
        module, asked, threads = self.model.module, self.asked, torch.get_num_threads()
        output = name_output(module, self.probes[0])
        self._tell("tracing", 0.0)
        exact = make_graph(module, self.probes[0], output)
        session = Session(exact, threads)
        compared = compare_outputs(module, session, output, self.probes, _FLOAT)
        running = self._measure(session)
        written, exact_running = exact, None
        if asked.int8 is not None:
            self._tell("rounding", 0.5)
            written, exact_running = self._round(exact), running
            session = Session(written, threads)
            compared = compare_outputs(module, session, output, self._list_inputs(session.names), _INTEGERS)
            running = self._measure(session)
        self.model.write_rest(folder)
        (folder / GRAPH).write_bytes(written)
        return self._report(
            size_bytes=len(written),
            rounding="" if asked.int8 is None else f"int8 {asked.int8}",
            comparison=compared,
            running_before=self._measure(module),
            running_float=exact_running,
            running_after=running,
            loss_before=self._lose(module),
            loss_after=self._lose(session),
        )

    def _list_inputs(self, names: Sequence[str]) -> Sequence[Inputs]:
        """Return what integers are compared on: data where there are any, as steps may fit them and nothing else."""
        batches = (self.material.batches or ())[: len(self.probes)]
        return [{name: batch[name] for name in names} for batch in batches] or self.probes

    def _round(self, graph: bytes) -> bytes:
        """Return the graph in 8-bit integers. Raises UsageError for a static one without data."""
        if self.asked.int8 == DYNAMIC:
            return round_dynamic(graph)
        if not self.material.batches:
            raise UsageError("static integers are calibrated: give data with --data (data=), or use --int8 dynamic")
        return round_static(graph, self.material.batches)

    def write_packed(self, folder: Path) -> ExportReport:
        """Write packed integers, from which exactly the rounded values load."""
        model, rounding = self.model, self.asked.rounding
        running, loss = self._measure(model.module), self._lose(model.module)
        grids = round_linear(model, rounding, self.material.batches, self.progress)
        rounded = {name: parameter.detach().clone() for name, parameter in model.module.named_parameters()}
        write_packed(model, grids, rounding, folder)
        again = load_again(folder, self.probes[0])
        compare_values(self.name, again, rounded)
        return self._report(
            tensors=len(rounded),
            size_bytes=sum(path.stat().st_size for path in folder.glob("*.safetensors")),
            rounding=str(rounding),
            running_before=running,
            running_after=self._measure(again),
            loss_before=loss,
            loss_after=self._lose(again),
        )

    def _report(self, **found: Any) -> ExportReport:
        threads = torch.get_num_threads()
        return ExportReport(self.name, self.target, self.asked.to, threads=threads, **({"tensors": 0} | found))

    def _measure(self, module: nn.Module) -> Running:
        """Return what one run takes, on what other verbs measure it on."""
        assert self.model.source is not None, "probes come from files"
        probe = make_probe(self.model.config, self.model.source)
        assert probe is not None, "so do the inputs that were made of it"
        running = measure_running(module, *probe)
        return replace(running, weight_bytes=module.weight_bytes) if isinstance(module, Session) else running

    def _lose(self, module: nn.Module) -> Loss | None:
        """Return what a network, or a graph, costs on the held-out data."""
        self._tell("measuring", 0.9)
        gauge = self.material.gauge
        return None if gauge is None else gauge.measure(module)

    def _tell(self, what: str, share: float) -> None:
        if self.progress is not None:
            self.progress(what, share)
