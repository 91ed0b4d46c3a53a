"""Sound and pictures: exact time, planar frames, decoding, encoding, joining. Knows nothing of plugins or config."""
