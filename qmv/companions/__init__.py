"""What lies beside a delivered video: its sidecar, its thumbnail, its page. Functions of values."""
