"""Whether providers' limits and users' patience hold under another mix of models. Pure."""

from router_audit.capacity.latency import Samples, by_model, proposed_latency, samples, too_slow
from router_audit.capacity.replay import calls_of, peak_uses, replay

__all__ = [
    "Samples",
    "by_model",
    "calls_of",
    "peak_uses",
    "proposed_latency",
    "replay",
    "samples",
    "too_slow",
]
