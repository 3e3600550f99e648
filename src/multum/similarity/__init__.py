"""What data have in common, by code length: memories to go back to, and what is said with them."""
