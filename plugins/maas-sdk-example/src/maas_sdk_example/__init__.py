"""Components for maas-sdk."""
