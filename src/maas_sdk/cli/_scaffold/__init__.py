"""Writes the source tree of a plugin distribution; it installs nothing and replaces nothing."""

from maas_sdk.cli._scaffold._components import COMPONENTS
from maas_sdk.cli._scaffold._writing import distribution_files, write_distribution

__all__ = ["COMPONENTS", "distribution_files", "write_distribution"]
