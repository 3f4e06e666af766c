"""Proof that a cheaper model keeps up: exact tests, one family-wise error, verdicts anyone can recompute.

    path = path_of([Candidate("anthropic/claude-haiku-4-5", 0.001, rung_cost_usd=0.015)])
    counts = tally(trials_of_the_route, path)
    audit = certify({"classification": path}, {"classification": counts}, Plan())
    audit["classification"].status, audit["classification"].choice.evidence
    block = evidence_block(audit)
    assert verify_evidence(block) == []

A *route* here is any key the caller tests apart: a profile, or the huge-context band. `exact` holds the
binomial arithmetic, `looks` what looking again costs, `path` the order of hypotheses, `tally` trials to
counts, `procedure` the test, `audit` what it finds, `correction` human grades against a judge's, `evidence`
the block and its check, `observational` what unpaired outcomes of a log may claim. All pure: no file,
clock, network or random state.
"""

from router_audit.certify.audit import Audit, Plan, RouteProof, Tested, Verdict
from router_audit.certify.correction import Claim, Corrected, claim_of, corrected_regret
from router_audit.certify.evidence import audit_again, evidence_block, verify_evidence
from router_audit.certify.exact import (
    critical_regrets,
    further_trials,
    lower_bound,
    p_value,
    p_value_above,
    power,
    trials_needed,
    upper_bound,
)
from router_audit.certify.looks import FIRST, FirstLook
from router_audit.certify.path import TAUS, Candidate, Step, path_of
from router_audit.certify.procedure import certify
from router_audit.certify.tally import Counts, HumanPairs, tally

__all__ = [
    "FIRST",
    "TAUS",
    "Audit",
    "Candidate",
    "Claim",
    "Corrected",
    "Counts",
    "FirstLook",
    "HumanPairs",
    "Plan",
    "RouteProof",
    "Step",
    "Tested",
    "Verdict",
    "audit_again",
    "certify",
    "claim_of",
    "corrected_regret",
    "critical_regrets",
    "evidence_block",
    "further_trials",
    "lower_bound",
    "p_value",
    "p_value_above",
    "path_of",
    "power",
    "tally",
    "trials_needed",
    "upper_bound",
    "verify_evidence",
]
