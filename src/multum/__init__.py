"""Multum: learning as compression."""
