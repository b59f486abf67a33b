"""State in compiled code, a module each: taken apart into arrays, and validated and built again.

Each module has `apart` and `together`, as `_spec.Native` describes; it is imported when a model needs it.
"""
