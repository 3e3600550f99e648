"""Fitting programs to data: one trainer for every task, from one process to many."""
