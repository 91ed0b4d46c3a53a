"""What strangers may ask for, turned into orders: settings, addresses, uploads."""
