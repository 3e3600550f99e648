"""Laws of integer sequences, each with a certificate: how many terms it gives that it was not fitted to."""
