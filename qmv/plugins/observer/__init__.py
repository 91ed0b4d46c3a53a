"""Who can be told of a run."""
