"""The model card: what a receiver should know about a model, as Markdown and self-contained HTML."""

from maas_sdk._internal.charts import bar_chart
from maas_sdk.reporting._card import ModelCard
from maas_sdk.reporting._chain import Step, describe_chain

__all__ = ["ModelCard", "Step", "bar_chart", "describe_chain"]
