"""The health model that an organization begins with: the components of PLAYBOOKS.md B.

As the text that an organization starts from when it makes its own. The seeds name what to look
at (002, 000, 003); they weigh nothing. Where a number is theirs, the line says so.
"""

from __future__ import annotations

from functools import cache

from domain.health.model import HealthModel
from domain.health.parse import parse_health_model

FILE = "standard-health.yaml"

TEXT = """\
# Weights add up to 100. "[14, 30]" on a curve: at 14 the component has 30 of its 100 points.
health: standard
name: Standard health score
least_known: 40
source: our choice; with less than 40 per cent of the weight known, a score would be a guess

components:
  # usage and engagement: 24
  - component: usage-recency
    title: Recency of use
    weight: 12
    field: usage.last_active_at
    by_age: [[1, 100], [7, 80], [14, 30], [30, 0]]
    says: "last used {} days ago"
    source: seed 003, Engagement frequency; 14 days without use are seed 002's, Critical Alert
      Triggers; the weight and the other points are our choice
  - component: usage-trend
    title: Trend of use
    weight: 12
    field: usage.change_30d
    by_number: [[-40, 0], [-15, 60], [0, 85], [15, 100]]
    says: "use changed by {} per cent in 30 days"
    source: seeds 002 and 003, usage decline and Decreased engagement; numbers are our choice, as
      are 40 and 15 per cent in PLAYBOOKS.md A

  # adoption depth: 15
  - component: seats
    title: Seats in use
    weight: 8
    field: usage.seat_ratio
    by_number: [[10, 0], [50, 60], [80, 100]]
    says: "{} per cent of the seats are in use"
    source: seed 003, Adoption depth; numbers are our choice
  - component: features
    title: Features in use
    weight: 7
    field: usage.feature_ratio
    by_number: [[10, 0], [40, 70], [70, 100]]
    says: "{} per cent of the features are in use"
    source: seed 003, Feature adoption; numbers are our choice

  # support: volume, urgency, resolution, sentiment: 18
  - component: ticket-volume
    title: Volume of support
    weight: 5
    field: ticket.count_30d
    by_number: [[0, 100], [2, 80], [5, 30], [10, 0]]
    says: "{} tickets in 30 days"
    source: seed 003, Support ticket patterns; numbers are our choice, as are 5 tickets in 30 days
      in PLAYBOOKS.md A
  - component: ticket-urgency
    title: Urgency of support
    weight: 5
    field: ticket.urgent_open
    by_number: [[0, 100], [1, 30], [3, 0]]
    says: "{} urgent tickets are open"
    source: seed 002, Critical Alert Triggers (urgent or critical tickets); numbers are our choice
  - component: ticket-resolution
    title: Resolution of support
    weight: 4
    field: ticket.resolution_hours
    by_number: [[4, 100], [24, 80], [72, 40], [168, 0]]
    says: "tickets take {} hours to resolve"
    source: seed 000, Track resolution times; numbers are our choice
  - component: ticket-sentiment
    title: Sentiment of support
    weight: 4
    field: ticket.frustrated_open
    by_number: [[0, 100], [1, 30], [3, 0]]
    says: "{} open tickets show frustration"
    source: seed 002, Support ticket sentiment analysis; numbers are our choice

  # sentiment: 15
  - component: nps
    title: NPS
    weight: 7
    field: nps.last_score
    by_number: [[0, 0], [6, 40], [7, 65], [8, 75], [9, 90], [10, 100]]
    fresh: {field: nps.last_at, days: 180}
    says: "the last NPS answer was {}"
    source: seed 002, NPS classes 0-6, 7-8, 9-10; the points, and 180 days (two quarterly surveys)
      for which an answer counts, are our choice
  - component: pulse
    title: Pulse
    weight: 8
    field: pulse.last
    by_text: {low: 95, medium: 55, high: 15}
    fresh: {field: pulse.last_at, days: 120}
    says: "a person judged the risk {}"
    source: seed 004, pulse check, and seed 003, satisfaction pulse check; numbers are our
      choice, 120 days too (a quarterly review, and a month of grace)

  # relationship: recency, frequency, response: 12
  - component: touch-recency
    title: Recency of contact
    weight: 6
    field: touch.last_two_way_at
    by_age: [[7, 100], [30, 60], [60, 20], [90, 0]]
    says: "the last contact with an answer was {} days ago"
    source: seed 000, recency of interactions and no contact in 30+ days; points are our choice
  - component: touch-frequency
    title: Frequency of contact
    weight: 3
    field: touch.count_90d
    by_number: [[0, 0], [3, 70], [6, 100]]
    says: "{} touches in 90 days"
    source: seed 000, Frequency of interactions; numbers are our choice
  - component: response-rate
    title: Response rate
    weight: 3
    field: touch.response_rate
    by_number: [[0, 0], [50, 70], [80, 100]]
    says: "{} per cent of our touches were answered"
    source: seed 000, Response rates; numbers are our choice

  # billing: 7
  - component: billing-issue
    title: Payment
    weight: 4
    field: billing.issue_open
    by_flag: {when_true: 0, when_false: 100}
    says: "a payment failed or is disputed: {}"
    source: seed 002, payment failure or billing dispute; numbers are our choice
  - component: billing-overdue
    title: Overdue invoices
    weight: 3
    field: billing.overdue_days
    by_number: [[0, 100], [30, 40], [60, 0]]
    says: "the oldest invoice is {} days overdue"
    source: seed 002, Payment trend monitoring; numbers are our choice

  # milestones and goals: 5
  - component: milestones
    title: Milestones
    weight: 3
    field: milestone.late_days
    by_number: [[0, 100], [3, 70], [14, 20], [30, 0]]
    says: "the latest milestone is {} days late"
    source: seed 003, Success Milestones and delayed milestones; numbers are our choice
  - component: goals
    title: Goals
    weight: 2
    field: goal.attained_ratio
    by_number: [[0, 0], [50, 70], [90, 100]]
    says: "{} per cent of the agreed goals are reached"
    source: seed 003, Outcome attainment; numbers are our choice

  # deal progression: 2
  - component: deal-progression
    title: Progress of deals
    weight: 2
    field: deal.stage_changed_at
    by_age: [[14, 100], [45, 60], [90, 20]]
    says: "an open deal last moved {} days ago"
    source: seed 000, Deal progression and expansion activity; numbers are our choice

  # follow-through on tasks: 2
  - component: follow-through
    title: Follow-through on tasks
    weight: 2
    field: task.kept_ratio
    by_number: [[40, 0], [70, 60], [95, 100]]
    says: "{} per cent of the tasks were done in time"
    source: seed 000, Task completion rates and follow-through; numbers are our choice
"""


@cache
def standard_model() -> HealthModel:
    """The standard model, parsed once; it names no segments."""
    return parse_health_model(TEXT, FILE, ())
