"""Tensors as numbers that are nearly independent once their scale is known: coded exactly, or on a grid."""
