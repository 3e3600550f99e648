"""What data is: text, lines, records, genomes, machine code; and transforms that expose it."""
