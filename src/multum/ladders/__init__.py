"""Ladders: grids of small runs that tell a law what larger ones would bring."""
