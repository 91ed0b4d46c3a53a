"""Places that keep files under keys: folders and buckets, behind one face."""
