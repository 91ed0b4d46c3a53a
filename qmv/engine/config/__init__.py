"""The config: what may be in it, how Hydra learns of it, and the way from a composed one to plugin objects."""
