"""User stories: plain async functions that own their transactions and never heard of HTTP."""
