"""Models as other tools want them: directories, weights, packed integers, graphs; each loaded again and compared."""
