"""The search for the program with the least total on the data at hand."""
