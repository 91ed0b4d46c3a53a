"""What a worker does with a job: tries, each a process of its own, and what becomes of them."""
