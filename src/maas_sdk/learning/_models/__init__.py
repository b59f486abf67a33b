"""Estimators that any optimizer trains: linear models and perceptrons, by scikit-learn's conventions."""
