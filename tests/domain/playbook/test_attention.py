"""An execution is told of the changes that concern it, and of no others (law 15)."""

from __future__ import annotations

from domain.playbook.attention import concerns
from domain.playbook.definition import AllOf, Anchor, Compare, Definition, Op, Value
from tests.domain.playbook.definitions import (
    above,
    before,
    chosen,
    days,
    decision,
    failure,
    of_steps,
    success,
    task,
)
from tests.domain.playbook.scenario import scenario

READS = ("health.score", "account.renewal_date", "touch.last_at")


def concerned(definition: Definition, known: dict[str, Value], changed: dict[str, Value]) -> bool:
    run = scenario(definition).knowing(known).starts()
    return concerns(definition, run.state, {**known, **changed}, run.now)


class TestConcerns:
    RESCUE = of_steps(task("call"), exits=(success(when=above(70)),), reads=READS)

    def test_a_condition_that_turns(self) -> None:
        assert concerned(self.RESCUE, {"health.score": 60}, {"health.score": 71})
        assert not concerned(self.RESCUE, {"health.score": 60}, {"health.score": 70})
        assert concerned(self.RESCUE, {"health.score": 60}, {"health.score": None})

    def test_nothing_that_is_not_read(self) -> None:
        assert not concerned(self.RESCUE, {"health.score": 60}, {"usage.seats": 4})

    def test_a_date_that_a_step_counts_from(self) -> None:
        call = task("call", due=before(Anchor.field, days(60), "account.renewal_date"))
        rescue = of_steps(call, reads=READS)
        known: dict[str, Value] = {"account.renewal_date": "2026-06-01"}
        assert concerned(rescue, known, {"account.renewal_date": "2026-06-02"})

    def test_a_comparison_that_counts_only_once_a_step_is_decided(self) -> None:
        """Otherwise the decision would be met by a score of last month."""
        lost = failure(
            "lost", when=AllOf((chosen("go", "no"), Compare("health.score", Op.below, 50)))
        )
        rescue = of_steps(decision("go", "yes", "no"), exits=(lost,), reads=READS)
        assert concerned(rescue, {"health.score": 60}, {"health.score": 40})

    def test_a_date_whose_age_is_compared_though_it_is_true_of_neither_yet(self) -> None:
        silent = failure("silent", when=Compare("touch.last_at", Op.older_than_days, 30))
        rescue = of_steps(task("call"), exits=(silent,), reads=READS)
        known: dict[str, Value] = {"touch.last_at": "2026-02-20"}
        assert concerned(rescue, known, {"touch.last_at": "2026-02-28"})
