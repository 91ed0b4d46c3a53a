"""Camera motions, one file each."""
