"""Attacks, each of which worked once: over HTTP, against two servers of two workers."""
