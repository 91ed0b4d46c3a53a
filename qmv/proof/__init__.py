"""Measures a finished video from its decoded pixels and samples, and tells whether it is what was planned."""
