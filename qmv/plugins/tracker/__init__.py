"""Beat trackers, one file each."""
