"""Benchmarks: one script a question, results as JSON, tables made from the JSON and never typed in."""
