"""The plugins that come with QMV, one folder a kind and one file a plugin; only the registry names them."""
