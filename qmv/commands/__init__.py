"""The small commands of `python -m qmv`, one file each: `add(commands)` declares it, its function does it."""
