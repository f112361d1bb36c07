"""``python -m app doctor``: looks at a running deployment from inside and from outside.

Facts are gathered first (``visits``, ``gathering``); the checks are pure functions over them.
"""
