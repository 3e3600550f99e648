"""Smaller models, and what it costs them: passes over trained networks, each with its line in the ledger."""
