"""Bundles, whole, thin or in volumes: written as a stream, and read strictly."""
