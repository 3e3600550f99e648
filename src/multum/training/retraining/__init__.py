"""Networks that learn again: from a teacher, with more and more zeros, in integers of few bits."""
