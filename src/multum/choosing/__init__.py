"""Which passes make a model smaller at least cost: a search over recipes, by files that were really written."""
