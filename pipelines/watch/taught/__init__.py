"""Detectors that were taught on planted campaigns: small trees, kept as numbers, with what made them.

detectors   which features each sees and what it is taught to find
trees       reading and evaluating them
teach       making them anew (needs scikit-learn)
score       their scores on watch_features
"""
