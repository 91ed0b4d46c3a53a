"""What QMV promises in figures, measured on finished files: `python -m benchmarks.cuts`, `.render`, `.startup`."""
