"""The public names, loaded lazily (PEP 562)."""

__all__ = ["__version__"]
__version__ = "0.1.0"
