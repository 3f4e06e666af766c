"""What the log cost, what another routing would cost, and how sure we are. Pure: frames in, frames out.

Costs are whole pico-USD (1e-12 USD) in Int64 columns named `*_pico`: a token's price in USD per million
tokens is a whole number of them, so every product and sum is exact. Sums leave as Decimal USD.
"""

from router_audit.savings.reprice import TERMS, Window, monthly, reprice, reprice_at, total_usd, usd, window

__all__ = ["TERMS", "Window", "monthly", "reprice", "reprice_at", "total_usd", "usd", "window"]
