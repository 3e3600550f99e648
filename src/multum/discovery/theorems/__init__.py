"""Laws that hold in every row of a table: columns that others give, and what each law saves."""
