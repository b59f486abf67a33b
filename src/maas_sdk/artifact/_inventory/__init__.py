"""What a store holds under which name: references, their log, the index that is a cache of them, search."""
