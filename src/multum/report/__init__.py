"""What people read: comparisons with other compressors, as tables and as JSON."""
