"""What the benchmark of similarity asks and shows."""

import numpy as np

from bench import similarity


def test_neighbours_by_gzip_tell_texts_apart() -> None:
    texts = np.array(["the sea and the waves " * 4, "waves of the sea " * 4, "bread from the oven " * 4], object)
    labels = np.array(["sea", "sea", "kitchen"])
    assert similarity.ask_neighbours(texts, labels, "the waves of the sea " * 3) == "sea"


def test_tables_show_what_was_found() -> None:
    spent = {"accuracy": 0.875, "accuracy_asked": 0.87, "train_time_s": 2.0, "test_time_s": 3.0}
    row = {"name": "news", "known": 3800, "told": 3800, "multum": spent, "regression": spent}
    row["gzip"] = {"accuracy_asked": 0.75, "time_all_s": 250.0}
    logs = [{"name": "HDFS_2k", "lines": 2000, "areas": [0.97, 0.99], "time_s": 1.0}]
    shown = similarity.show_tables({"sets": [row], "logs": logs, "asked": 100})
    assert "| news | 3,800, 3,800 | 0.875 (0.870) | (0.750) | 0.875 (0.870) | 5.0 | 250 (50 times) |" in shown
    assert "| mean |  | 0.9800 |  |" in shown
