"""The currency: fixed-point logistic tables, adaptive probabilities, the binary coder, the ledger."""
