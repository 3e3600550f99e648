"""What people read: comparisons with other compressors, and one page about whatever verbs found."""
