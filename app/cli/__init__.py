"""The commands of ``python -m app`` that have grown out of ``__main__``, a file a group."""
