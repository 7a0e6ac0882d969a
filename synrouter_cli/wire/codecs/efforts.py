"""Budgets of thinking tokens ⇄ efforts in words, the same for every dialect; an effort's own budget is it again.

>>> effort_of_budget(10_000), effort_of_budget(BUDGETS["low"])
('high', 'low')
"""

from __future__ import annotations

from typing import Final

__all__ = ["BUDGETS", "effort_of_budget"]

BUDGETS: Final = {"minimal": 1_024, "low": 4_096, "medium": 8_192, "high": 16_384, "xhigh": 32_768, "max": 63_999}
"""Tokens to think for models that are told a budget and no effort."""
_LIMITS: Final = ((BUDGETS["low"], "low"), (BUDGETS["medium"], "medium"), (BUDGETS["xhigh"] - 1, "high"))
"""Up to so many tokens are that effort; more is xhigh, the highest that most models have."""


def effort_of_budget(budget_tokens: int) -> str:
    """The word for a budget, for models that take no number."""
    return next((word for most, word in _LIMITS if budget_tokens <= most), "xhigh")
