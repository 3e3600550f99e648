"""What `eval` and `explain` print, small, with numbers that are easy to follow."""

from typing import Any


def make_evaluation() -> dict[str, Any]:
    """Return what `eval --json` prints of a classifier on two files, with a rival, damage and copies."""
    scores = {
        "classes": ["no", "yes"],
        "examples": 10,
        "bits_per_label": 0.5,
        "accuracy": 0.8,
        "macro_f1": 0.75,
        "precision": [0.8, 0.8],
        "recall": [0.8, 0.8],
        "f1": [0.8, 0.8],
        "confusion": [[4, 1], [1, 4]],
        "brier": 0.3,
        "calibration_error": 0.1,
        "bins": [{"low": 0.8, "high": 0.9, "examples": 10, "confidence": 0.85, "accuracy": 0.8}],
        "intervals": {
            "bits_per_label": [0.4, 0.7],
            "accuracy": [0.5, 0.95],
            "macro_f1": [0.5, 0.9],
            "brier": [0.2, 0.4],
        },
    }
    bits = {"value": -0.1, "interval": [-0.2, -0.05], "chance": 0.01}
    damage = {"damage": "typos", "told": "of characters", "bits": 0.9, "rise_interval": [0.3, 0.5], "accuracy": 0.6}
    return {
        "program": "run",
        "task": "labels",
        "verdicts": [{"data": name, "columns": ""} | scores for name in ("a.csv", "b.csv")],
        "pooled": {"data": "all together", "columns": ""} | scores | {"examples": 20},
        "against": {
            "other": "classify",
            "unit": "label",
            "bits": bits,
            "answers": bits | {"value": 0.2},
            "only_this": 5,
            "only_other": 1,
        },
        "robust": [damage | {"share": share, "rise": 4 * share} for share in (0.05, 0.1)],
        "memorised": {
            "generated": 4,
            "fresh": 9,
            "generated_share": 0.4,
            "fresh_share": 0.5,
            "copied": 1,
            "nearest": [{"name": "line 1", "nearest": "line 7", "share": 0.05}],
        },
        "confidence": 0.95,
    }


def make_rating() -> dict[str, Any]:
    """Return what `eval --json` prints of a level on one file."""
    verdict = {"data": "a.txt", "bpb": 2.0, "tokens": 100, "perplexity": 4.0, "intervals": {"bpb": [1.5, 2.5]}}
    nothing: dict[str, Any] = {"pooled": None, "against": None, "robust": [], "memorised": None}
    return {"program": "level:5", "task": "bytes", "verdicts": [verdict], "confidence": 0.95} | nothing


def make_explanation() -> dict[str, Any]:
    """Return what `explain --json` prints of a text that was told wrong, of an image, and of a level."""
    asked = {"number": 3, "label": "no", "told": "yes", "probability": 0.75, "chosen": "yes", "rival": "no"}
    text = asked | {
        "value": 2.0,
        "base": 0.5,
        "gap": 0.0,
        "pieces": ["so", " superb"],
        "scores": [-0.5, 2.0],
        "image": None,
    }
    image = asked | {"value": 2.0, "base": 0.5, "gap": 0.0, "pieces": [], "scores": [[0.5, 1.0]], "image": [[[0, 255]]]}
    parts = [
        {"name": "last byte", "kind": "context", "earned": 50.0},
        {"name": "last byte", "kind": "adjustment", "earned": -1.0},
    ]
    earnings = {"data": "a.txt", "recipe": "text-5", "raw_bytes": 100, "bits": 200.0, "parts": parts}
    return {"program": "run", "method": "gradients", "examples": [text, image], "earnings": [earnings]}
