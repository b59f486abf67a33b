"""A maas-sdk plugin: signs with a key in a PKCS#11 token."""
