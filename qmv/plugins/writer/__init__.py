"""Prompt writers, one file each."""
