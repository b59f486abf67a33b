"""What several rooms need and no user imports: strict JSON, records, digests, atomic files."""
