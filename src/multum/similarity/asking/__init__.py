"""Asking a network about many texts, each as if it were the first."""
