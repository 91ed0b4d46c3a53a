"""The service over HTTP: what applications ask of it, and the page for people."""
