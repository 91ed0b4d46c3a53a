"""Places that finished videos go to, one file each."""
