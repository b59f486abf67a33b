"""An example of a maas-sdk plugin."""
