"""Multum: learning as compression.

    multum.pack("notes.txt")              # -> notes.txt.mtm
    multum.unpack("notes.txt.mtm", "copy.txt")
    with multum.open("notes.txt.mtm") as file: ...

Everything here loads on first use, so that `import multum` costs nothing.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from multum.archive.listing import BlockListing, Listing, ProgramListing, list_archive
    from multum.archive.packing import PackReport, pack, pack_bytes
    from multum.archive.seeking import open_archive as open
    from multum.archive.unpacking import UnpackReport, test, unpack, unpack_bytes
    from multum.bits.ledger import Ledger
    from multum.choosing.adapt import AdaptReport, adapt
    from multum.choosing.auto import auto_shrink
    from multum.choosing.reports import AutoReport
    from multum.discovery.formulas.estimators import FormulaRegressor
    from multum.discovery.formulas.finder import discover_formula
    from multum.discovery.formulas.reports import FormulaReport
    from multum.discovery.sequences.finder import SequenceReport, discover_sequence
    from multum.discovery.theorems.finder import discover_laws
    from multum.discovery.theorems.reports import LawsReport, Theorem
    from multum.errors import (
        FormatError,
        LimitExceeded,
        MissingExtra,
        MultumError,
        ProgramMismatch,
        UsageError,
    )
    from multum.evaluation.programs import Program, open_program
    from multum.evaluation.rates import RateReport, code_bits
    from multum.evaluation.sampling import sample
    from multum.explaining.explainer import explain
    from multum.explaining.reports import ExplainReport
    from multum.exporting.exporter import export
    from multum.exporting.reports import ExportReport
    from multum.finding.finder import find
    from multum.finding.reports import FindReport
    from multum.judging.judge import evaluate
    from multum.judging.reports import EvaluateReport
    from multum.ladders.ladder import ladder
    from multum.ladders.reports import LadderReport
    from multum.laws.files import open_law
    from multum.laws.fitting import law
    from multum.laws.law import Law
    from multum.laws.planning import Plan, plan
    from multum.laws.predicting import PredictionReport, predict
    from multum.mining.miner import PatternsReport, patterns
    from multum.reduction.changing import lowrank, project, prune, quantize, structure
    from multum.reporting.reporter import PageReport, report
    from multum.shrinking.loading import load_program
    from multum.shrinking.reports import ShrinkReport
    from multum.shrinking.shrinker import shrink
    from multum.similarity.classifying import ClassifyReport, classify
    from multum.similarity.clustering import ClusterReport, cluster
    from multum.similarity.distances import DistanceReport, distance
    from multum.similarity.estimators import CodeLengthClassifier, ProgramFeatures
    from multum.similarity.extraction import FeaturesReport, features
    from multum.similarity.surprise import SurpriseReport, surprise
    from multum.training.distilling.distilling import distil
    from multum.training.distilling.reports import DistilReport
    from multum.training.fitting import fit
    from multum.training.labels.fitting import cross_validate_labels, fit_labels
    from multum.training.reports import FitReport
    from multum.training.retraining.learning import retrain

    __version__: str

__all__ = [
    "AdaptReport",
    "AutoReport",
    "BlockListing",
    "ClassifyReport",
    "ClusterReport",
    "CodeLengthClassifier",
    "DistanceReport",
    "DistilReport",
    "EvaluateReport",
    "ExplainReport",
    "ExportReport",
    "FeaturesReport",
    "FindReport",
    "FitReport",
    "FormatError",
    "FormulaRegressor",
    "FormulaReport",
    "LadderReport",
    "Law",
    "LawsReport",
    "Ledger",
    "LimitExceeded",
    "Listing",
    "MissingExtra",
    "MultumError",
    "PackReport",
    "PageReport",
    "PatternsReport",
    "Plan",
    "PredictionReport",
    "Program",
    "ProgramFeatures",
    "ProgramListing",
    "ProgramMismatch",
    "RateReport",
    "SequenceReport",
    "ShrinkReport",
    "SurpriseReport",
    "Theorem",
    "UnpackReport",
    "UsageError",
    "__version__",
    "adapt",
    "auto_shrink",
    "classify",
    "cluster",
    "code_bits",
    "cross_validate_labels",
    "discover_formula",
    "discover_laws",
    "discover_sequence",
    "distance",
    "distil",
    "evaluate",
    "explain",
    "export",
    "features",
    "find",
    "fit",
    "fit_labels",
    "ladder",
    "law",
    "list_archive",
    "load_program",
    "lowrank",
    "open",
    "open_law",
    "open_program",
    "pack",
    "pack_bytes",
    "patterns",
    "plan",
    "predict",
    "project",
    "prune",
    "quantize",
    "report",
    "retrain",
    "sample",
    "shrink",
    "structure",
    "surprise",
    "test",
    "unpack",
    "unpack_bytes",
]

# Public name -> (module, name there).
_HOMES = {
    "AdaptReport": ("multum.choosing.adapt", "AdaptReport"),
    "AutoReport": ("multum.choosing.reports", "AutoReport"),
    "BlockListing": ("multum.archive.listing", "BlockListing"),
    "ClassifyReport": ("multum.similarity.classifying", "ClassifyReport"),
    "ClusterReport": ("multum.similarity.clustering", "ClusterReport"),
    "CodeLengthClassifier": ("multum.similarity.estimators", "CodeLengthClassifier"),
    "DistilReport": ("multum.training.distilling.reports", "DistilReport"),
    "DistanceReport": ("multum.similarity.distances", "DistanceReport"),
    "EvaluateReport": ("multum.judging.reports", "EvaluateReport"),
    "ExplainReport": ("multum.explaining.reports", "ExplainReport"),
    "ExportReport": ("multum.exporting.reports", "ExportReport"),
    "FeaturesReport": ("multum.similarity.extraction", "FeaturesReport"),
    "FindReport": ("multum.finding.reports", "FindReport"),
    "FitReport": ("multum.training.reports", "FitReport"),
    "FormatError": ("multum.errors", "FormatError"),
    "FormulaRegressor": ("multum.discovery.formulas.estimators", "FormulaRegressor"),
    "FormulaReport": ("multum.discovery.formulas.reports", "FormulaReport"),
    "LadderReport": ("multum.ladders.reports", "LadderReport"),
    "Law": ("multum.laws.law", "Law"),
    "LawsReport": ("multum.discovery.theorems.reports", "LawsReport"),
    "Ledger": ("multum.bits.ledger", "Ledger"),
    "LimitExceeded": ("multum.errors", "LimitExceeded"),
    "Listing": ("multum.archive.listing", "Listing"),
    "MissingExtra": ("multum.errors", "MissingExtra"),
    "MultumError": ("multum.errors", "MultumError"),
    "PageReport": ("multum.reporting.reporter", "PageReport"),
    "PackReport": ("multum.archive.packing", "PackReport"),
    "PatternsReport": ("multum.mining.miner", "PatternsReport"),
    "Plan": ("multum.laws.planning", "Plan"),
    "PredictionReport": ("multum.laws.predicting", "PredictionReport"),
    "Program": ("multum.evaluation.programs", "Program"),
    "ProgramFeatures": ("multum.similarity.estimators", "ProgramFeatures"),
    "ProgramListing": ("multum.archive.listing", "ProgramListing"),
    "ProgramMismatch": ("multum.errors", "ProgramMismatch"),
    "RateReport": ("multum.evaluation.rates", "RateReport"),
    "SequenceReport": ("multum.discovery.sequences.finder", "SequenceReport"),
    "ShrinkReport": ("multum.shrinking.reports", "ShrinkReport"),
    "Theorem": ("multum.discovery.theorems.reports", "Theorem"),
    "SurpriseReport": ("multum.similarity.surprise", "SurpriseReport"),
    "UnpackReport": ("multum.archive.unpacking", "UnpackReport"),
    "UsageError": ("multum.errors", "UsageError"),
    "adapt": ("multum.choosing.adapt", "adapt"),
    "auto_shrink": ("multum.choosing.auto", "auto_shrink"),
    "classify": ("multum.similarity.classifying", "classify"),
    "cluster": ("multum.similarity.clustering", "cluster"),
    "code_bits": ("multum.evaluation.rates", "code_bits"),
    "cross_validate_labels": ("multum.training.labels.fitting", "cross_validate_labels"),
    "discover_formula": ("multum.discovery.formulas.finder", "discover_formula"),
    "discover_laws": ("multum.discovery.theorems.finder", "discover_laws"),
    "discover_sequence": ("multum.discovery.sequences.finder", "discover_sequence"),
    "distil": ("multum.training.distilling.distilling", "distil"),
    "distance": ("multum.similarity.distances", "distance"),
    "evaluate": ("multum.judging.judge", "evaluate"),
    "explain": ("multum.explaining.explainer", "explain"),
    "export": ("multum.exporting.exporter", "export"),
    "features": ("multum.similarity.extraction", "features"),
    "find": ("multum.finding.finder", "find"),
    "fit": ("multum.training.fitting", "fit"),
    "fit_labels": ("multum.training.labels.fitting", "fit_labels"),
    "ladder": ("multum.ladders.ladder", "ladder"),
    "law": ("multum.laws.fitting", "law"),
    "list_archive": ("multum.archive.listing", "list_archive"),
    "load_program": ("multum.shrinking.loading", "load_program"),
    "lowrank": ("multum.reduction.changing", "lowrank"),
    "open": ("multum.archive.seeking", "open_archive"),
    "open_law": ("multum.laws.files", "open_law"),
    "open_program": ("multum.evaluation.programs", "open_program"),
    "pack": ("multum.archive.packing", "pack"),
    "pack_bytes": ("multum.archive.packing", "pack_bytes"),
    "patterns": ("multum.mining.miner", "patterns"),
    "plan": ("multum.laws.planning", "plan"),
    "predict": ("multum.laws.predicting", "predict"),
    "project": ("multum.reduction.changing", "project"),
    "prune": ("multum.reduction.changing", "prune"),
    "quantize": ("multum.reduction.changing", "quantize"),
    "retrain": ("multum.training.retraining.learning", "retrain"),
    "report": ("multum.reporting.reporter", "report"),
    "sample": ("multum.evaluation.sampling", "sample"),
    "shrink": ("multum.shrinking.shrinker", "shrink"),
    "structure": ("multum.reduction.changing", "structure"),
    "surprise": ("multum.similarity.surprise", "surprise"),
    "test": ("multum.archive.unpacking", "test"),
    "unpack": ("multum.archive.unpacking", "unpack"),
    "unpack_bytes": ("multum.archive.unpacking", "unpack_bytes"),
}


def __getattr__(name: str) -> Any:
    """Return a public object, loading its module on first use. Raises AttributeError."""
    if name == "__version__":
        from importlib.metadata import version

        return version("multum")
    if name not in _HOMES:
        raise AttributeError(f"module 'multum' has no attribute {name!r}")
    module, attribute = _HOMES[name]
    value = getattr(importlib.import_module(module), attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Return the public names."""
    return sorted(__all__)
