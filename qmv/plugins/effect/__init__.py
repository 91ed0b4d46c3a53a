"""Effects on finished frames, one file each."""
