"""The stages that come with QMV; only the registry names them."""
