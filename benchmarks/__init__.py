"""What QMV promises in figures, measured on finished files: `python -m benchmarks.sync`, `.render`, `.startup`."""
