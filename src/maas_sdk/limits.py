"""Every bound on what is read from a file, in one frozen object; it enforces none of them itself."""

from __future__ import annotations

from attrs import field, frozen
from attrs.validators import ge, instance_of

__all__ = ["DEFAULT_LIMITS", "Limits"]

_KIB = 1024
_MIB = 1024 * _KIB
_GIB = 1024 * _MIB


def _bound(default: int) -> int:
    return field(default=default, validator=[instance_of(int), ge(1)])


@frozen(kw_only=True)
class Limits:
    """Bounds on untrusted input.

    Parameters
    ----------
    max_json_bytes : int
        Size of one JSON document (manifest, statement, ``model.json``), in bytes.
    max_json_depth : int
        Nesting of arrays and objects in one JSON document.
    max_json_values : int
        Numbers, strings, arrays and objects together in one JSON document.
    max_parts : int
        Parts (layers) of a release.
    max_part_bytes : int
        Size of one part, in bytes, sealed or not.
    max_release_bytes : int
        Size of all parts of a release together, in bytes.
    max_bundle_entries : int
        Entries of a bundle's tar archive.
    max_signatures : int
        Signatures around one envelope.
    max_key_file_bytes : int
        Size of one file with keys (PEM, contact, identity), in bytes.
    max_recipients : int
        Recipients of one sealed release.
    max_header_bytes : int
        Size of the header of a sealed file, in bytes.
    max_stanzas : int
        Recipient stanzas in the header of a sealed file.
    max_scrypt_work_factor : int
        Base-two logarithm of the scrypt cost that a file may ask for (20: 1 GiB, about 4 s).
    max_model_nodes : int
        Nodes of a serialized estimator graph.
    max_model_depth : int
        Nesting of a serialized estimator graph.
    max_array_bytes : int
        Size of one array in memory, in bytes.
    max_tree_nodes : int
        Nodes of one decision tree.
    """

    max_json_bytes: int = _bound(64 * _MIB)
    max_json_depth: int = _bound(64)
    max_json_values: int = _bound(4_000_000)
    max_parts: int = _bound(128)
    max_part_bytes: int = _bound(64 * _GIB)
    max_release_bytes: int = _bound(256 * _GIB)
    max_bundle_entries: int = _bound(1024)
    max_signatures: int = _bound(64)
    max_key_file_bytes: int = _bound(_MIB)
    max_recipients: int = _bound(1024)
    max_header_bytes: int = _bound(_MIB)
    max_stanzas: int = _bound(1024)
    max_scrypt_work_factor: int = _bound(20)
    max_model_nodes: int = _bound(100_000)
    max_model_depth: int = _bound(32)
    max_array_bytes: int = _bound(16 * _GIB)
    max_tree_nodes: int = _bound(100_000_000)


DEFAULT_LIMITS = Limits()
"""The bounds that hold where the caller gives none."""
