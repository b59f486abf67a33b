"""The version, for those who may not import the top (the build reads it here, too)."""

__all__ = ["__version__"]

__version__ = "0.1.0"
