"""What a release says of itself, in bytes: names, statements, notices, OCI documents; no file is read."""
