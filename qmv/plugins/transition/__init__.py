"""Transitions between two shots, one file each."""
