"""The `.mtm` container: frames, checksums, index, safe files and folders.

docs/FORMAT.md is the normative description of what is written here.
"""
