"""How good a program is, how sure that is, and what it stands: scores with intervals, rivals, damage, memory."""
