"""Runs that are killed, that find the disk full or another run at work, and the seeded simulator of all of it."""
