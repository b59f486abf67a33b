"""The model card: what a receiver should know about a model, as Markdown and self-contained HTML."""

from maas_sdk.reporting._card import ModelCard
from maas_sdk.reporting._chain import Step, describe_chain
from maas_sdk.reporting._charts import bar_chart

__all__ = ["ModelCard", "Step", "bar_chart", "describe_chain"]
