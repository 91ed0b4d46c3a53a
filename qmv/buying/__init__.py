"""How pictures are bought from a service on the network: each paid for once, checked, and had by a deadline.

A provider brings a `Seller`, which speaks the service's protocol and sorts its answers; what is tried again,
under which order, and when to stop is decided here. Imports `qmv.api` and below.
"""
