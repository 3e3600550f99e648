"""Classifiers: the task of coding labels given inputs."""
