"""The training loop: epochs, a stopping rule, reports, and what a checkpoint keeps of it."""
