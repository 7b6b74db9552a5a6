"""The real MNIST, as it ships; its licence is beside it."""
