"""What a doctor finds, by the names that the checks know it by."""

from app.kit.findings import Finding, Level, is_well, ok, warning, wrong

__all__ = ["Finding", "Level", "is_well", "ok", "warning", "wrong"]
