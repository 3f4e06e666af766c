"""Labellers: each tells the profile of logged requests in its own way."""
