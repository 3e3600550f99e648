"""Data: reading what programs learn from, with what it is made of told by digests."""
