"""The pictures of a report: small pure functions from the typed summary to SVG, each with its words and its table."""

from router_audit.render.charts.course import course
from router_audit.render.charts.money import pareto, saving_by_route, trilemma, waterfall
from router_audit.render.charts.operations import capacity, landscape
from router_audit.render.charts.proof import canary, risk_coverage
from router_audit.render.charts.spend import heatmaps, spend_over_time, token_split
from router_audit.render.charts.svg import Chart, Money, plain_name, shortened

__all__ = [
    "Chart",
    "Money",
    "canary",
    "capacity",
    "course",
    "heatmaps",
    "landscape",
    "pareto",
    "plain_name",
    "risk_coverage",
    "saving_by_route",
    "shortened",
    "spend_over_time",
    "token_split",
    "trilemma",
    "waterfall",
]
