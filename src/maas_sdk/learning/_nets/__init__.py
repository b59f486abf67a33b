"""Losses and networks over one flat buffer: forward for prediction, gradient for training."""
