"""What a program is worth on data: its rate, its errors, its samples."""
