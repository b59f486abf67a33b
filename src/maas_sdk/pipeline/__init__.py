"""`Pipeline`: joins the rooms; a scikit-learn estimator that can be compressed, published and loaded."""

from maas_sdk.pipeline._pipeline import Pipeline

__all__ = ["Pipeline"]
