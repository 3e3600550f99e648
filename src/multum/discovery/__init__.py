"""From regularities to statements that can be checked: formulas, laws of integer sequences, laws of tables.

Invariant: nothing is called exact unless it was recomputed from its own text on every row, and on rows that the search
did not see.
"""
