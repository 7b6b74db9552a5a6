"""Training of Dense networks."""
