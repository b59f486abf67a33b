"""The bytes of parts on their way in and out: streamed, sealed, opened and checked."""
