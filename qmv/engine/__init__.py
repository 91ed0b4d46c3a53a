"""Finds plugins, reads the config, orders the stages, runs them and remembers what they made."""
