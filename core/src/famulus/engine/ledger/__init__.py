"""From a decision to a verdict and a payment."""
