"""The queue: jobs, the rules for them, and the places that keep them."""
