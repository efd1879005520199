"""Reaching a cloud: HTTP, limits, retries, authentication."""
