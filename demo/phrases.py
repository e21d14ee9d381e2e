"""What the people of the demo write: evidence, notes, tasks and what was said in a call."""

from __future__ import annotations

EVIDENCE: dict[str, tuple[str, ...]] = {
    "trend": (
        "Steady until spring, then three points down a month. The planners stopped logging in.",
        "A slow slide since the reorganization; support sentiment fell first, usage followed.",
    ),
    "cause": (
        "Two of five sites went back to spreadsheets after the last shift-model change.",
        "Their new operations lead was never trained; the weekly plan is made outside the tool.",
    ),
    "pain": (
        "Exports to payroll break when a shift crosses midnight. Reported three times.",
        "Slow month-end reports, and nobody told them when the fix would come.",
    ),
    "challenges": (
        "Planning takes a day a week. They fear the audit of working hours in the autumn.",
        "Too many manual corrections after sick leave; the team leads have lost trust in the plan.",
    ),
    "needs": (
        "Automatic rest-time checks, and one view across all sites.",
        "A mobile view for team leads and a cleaner hand-over between shifts.",
    ),
    "root_causes": (
        "Missing training after the reorganization; one open defect in payroll export.",
    ),
    "plan": (
        "Two training sessions for the new planners, payroll fix by the 15th, weekly review.",
        "Re-import of the shift models with support, then a trial month on two sites.",
    ),
    "strategies": (
        "Weekly calls with the site leads, and fixing the export before anything else.",
    ),
    "strategy": (
        "Support fixes the import today, I call the planning lead, training next week.",
        "Daily check of the logins, a working session on site, then a review with their director.",
    ),
    "reason": (
        "They answered quickly and want to go on; the score follows the usage with a delay.",
        "Budget is there, but the decision waits for the new head of operations.",
    ),
    "begun_with": ("A working session with the two site leads on the broken shift models.",),
    "state": ("Export works again, payroll ran through. They confirmed it by phone.",),
    "pain_points": (
        "Nobody answered the ticket for four days, and the workaround was wrong.",
        "The price went up in the month in which the reports were down.",
    ),
    "concerns": ("They feel that only renewals get our attention.",),
    "features": ("Rule engine for rest times, and the forecast: both replace work done by hand.",),
    "summary": ("They near the seat limit, want the forecast, and decide in the spring budget.",),
    "saved": ("About eleven hours of planning a week, and fewer corrections in payroll.",),
    "answered": ("Data residency, roles for works councils, notice periods. All answered.",),
    "agreed": ("The card was replaced; the invoice is paid again on Monday.",),
}
ANY_EVIDENCE = ("Talked it through with the customer; details are in the call notes.",)

NOTES = (
    "Planning lead prefers short calls on Tuesday mornings.",
    "Works council asks for a data protection sheet before the next roll-out.",
    "They plan a sixth site next year; ask about it in the review.",
    "Mentioned a competitor's demo in passing. No urgency yet.",
    "Very happy with the last training; wants it as a recording.",
    "Procurement changed; invoices now go to the shared mailbox.",
)
TASKS = (
    "Send the recording of the last training",
    "Ask for the roll-out dates of the new site",
    "Prepare slides for the business review",
    "Check the list of seats with their administrator",
    "Share the roadmap for the mobile view",
    "Clean up the contacts after the reorganization",
)
TOUCHES = (
    "Went through the open points; next call agreed.",
    "Short status call. Usage is fine, they wait for the export fix.",
    "Review of the last quarter with the site leads.",
    "Asked how the new planners get along. Training helped.",
    "Left a message and sent a mail with two dates.",
)

FIRST_NAMES = (
    "Anja", "Bastian", "Carla", "Dirk", "Eleni", "Frida", "Gernot", "Hanna", "Ines", "Jasper",
    "Kaja", "Luis", "Marit", "Niklas", "Olga", "Paul", "Runa", "Stefan", "Tilda", "Viktor",
)  # fmt: skip
LAST_NAMES = (
    "Ackermann", "Bohlin", "Carvalho", "Dietz", "Ekström", "Fabri", "Grönlund", "Hartwig",
    "Ivarsen", "Jessen", "Kowalska", "Lorenz", "Moreau", "Nowak", "Oberlin", "Pauli", "Rinaldi",
    "Sandner", "Thorsen", "Weidmann",
)  # fmt: skip
POSITIONS = (
    ("decision_maker", "Head of Operations"),
    ("champion", "Planning Lead"),
    ("influencer", "IT Manager"),
    ("end_user", "Shift Planner"),
)
