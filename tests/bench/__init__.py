"""Measurements. They print ratios and never assert seconds."""
