"""Pure tools: no tables, no HTTP."""
