"""What comes again in transactions, sequences and logs: patterns that are worth their own bits."""
