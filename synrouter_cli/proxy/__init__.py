"""The edge: HTTP in, HTTP out, and nothing between that a pure module could do."""
