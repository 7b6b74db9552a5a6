"""The pipeline's components, and the modules that they share."""
