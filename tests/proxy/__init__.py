"""Tests of the plug-in inside the real LiteLLM proxy: `make test-proxy`."""
