"""The service: sessions hand over songs, workers render them, everybody sees how far they are."""
