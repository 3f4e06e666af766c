"""`python -m router_audit` is `router-audit`."""

from router_audit.cli import main

if __name__ == "__main__":
    main()
