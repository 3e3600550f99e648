"""Networks with less in them: weights that are zero, or few bits each, and what is made good by those that stay."""
