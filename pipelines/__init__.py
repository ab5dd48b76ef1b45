"""Meterhouse: from per-request token logs to rated usage, spend, margin and extraction flags."""
