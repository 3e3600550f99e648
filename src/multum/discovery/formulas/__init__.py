"""The search for the shortest formula of a column: a program that gives it from the others."""
