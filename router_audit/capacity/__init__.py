"""Whether providers' limits and users' patience hold under another mix of models. Pure."""

from router_audit.capacity.latency import by_model, proposed_latency, too_slow
from router_audit.capacity.replay import calls_of, peak_uses, replay

__all__ = ["by_model", "calls_of", "peak_uses", "proposed_latency", "replay", "too_slow"]
