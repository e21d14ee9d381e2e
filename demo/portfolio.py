"""The customers of the demo organization: thirty-six invented companies and how they stand now.

Money in whole euros, days counted from the load, percentages from 0 to 100.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from demo.identity import fixed


@dataclass(frozen=True, slots=True)
class Customer:
    """One account as it stands now; `csm` and `manager` are keys of colleagues.

    `renewal` and `since` are days ahead of and before the load. `inactive` are days without use,
    `limit` is the per cent of the plan in use.
    """

    key: str
    name: str
    industry: str
    country: str
    tier: str
    plan: str
    seats: int
    arr: int
    csm: str
    manager: str
    renewal: int
    since: int
    score: int
    change: int
    inactive: int
    limit: int
    nps: int
    tickets: int = 0
    stage: str = "customer"

    @property
    def id(self) -> UUID:
        return fixed("account", self.key)

    def contact(self, number: int = 1) -> UUID:
        """Contacts are numbered from 1, the decision maker."""
        return fixed("contact", self.key, str(number))


def _rows(text: str) -> tuple[Customer, ...]:
    made = []
    for line in text.strip().splitlines():
        key, name, industry, country, tier, plan, csm, manager, stage, *numbers = (
            part.strip() for part in line.split("|")
        )
        seats, arr, renewal, since, score, change, inactive, limit, nps, tickets = (
            int(number) for part in numbers for number in part.split()
        )
        made.append(
            Customer(
                key, name, industry, country, tier, plan, seats, arr, csm, manager, renewal, since,
                score, change, inactive, limit, nps, tickets, stage,
            )
        )  # fmt: skip
    return tuple(made)


# key | name | industry | country | tier | plan | csm | account manager | stage |
# seats, ARR, renewal in, customer since, score, change, inactive, limit, NPS, tickets
CUSTOMERS = _rows("""
asterholm | Asterholm Freight | logistics | DK | growth | business | mara | sofia | customer | 120 86400 142 640 58 -16 2 41 6 3
birkhain | Birkhain Kliniken | healthcare | DE | high_value | enterprise | mara | sofia | customer | 540 372000 96 910 61 -12 1 55 7 5
calloway | Calloway Instruments | manufacturing | GB | growth | business | tomasz | henrik | customer | 160 115200 201 520 68 9 1 58 8 1
dunmore | Dunmore Dairy | food | IE | stable | team | tomasz | henrik | customer | 45 27000 61 730 57 -3 4 38 6 4
eschbach | Eschbach Werkzeuge | manufacturing | DE | growth | business | mara | sofia | customer | 140 100800 118 460 63 -9 3 49 7 2
fjordlys | Fjordlys Energi | energy | NO | high_value | enterprise | felix | henrik | customer | 480 331200 84 1020 55 -18 2 44 6 6
granvik | Granvik Shipping | logistics | SE | high_value | enterprise | felix | henrik | customer | 390 269100 73 800 44 -21 6 36 5 7
halden | Halden Feinwerk | manufacturing | CH | growth | business | tomasz | sofia | customer | 110 79200 155 380 71 -6 15 22 8 0
isolde | Isolde Moden | retail | DE | stable | team | aylin | sofia | customer | 60 36000 47 610 72 -4 1 61 7 1
juniper | Juniper Row Hotels | hospitality | GB | growth | business | felix | henrik | customer | 210 151200 189 440 74 -5 1 66 8 4
kestrel | Kestrel Avionics | aerospace | GB | high_value | business | mara | sofia | customer | 230 165600 233 690 91 4 0 93 10 0
lindenhof | Lindenhof Pflege | healthcare | DE | growth | business | aylin | henrik | customer | 190 136800 171 560 89 3 0 88 9 1
marisol | Marisol Foods | food | ES | growth | business | tomasz | sofia | customer | 170 122400 214 480 90 5 0 91 9 0
nebelhorn | Nebelhorn Outdoor | retail | DE | growth | team | mara | henrik | customer | 95 57000 126 350 88 6 0 87 9 0
ostsee | Ostsee Kühlhaus | logistics | DE | stable | team | mara | sofia | customer | 55 33000 88 700 66 -7 2 47 7 2
pinewick | Pinewick Paper | manufacturing | FI | growth | business | felix | henrik | customer | 150 108000 109 590 64 -23 1 86 8 3
quellgrund | Quellgrund Chemie | chemicals | DE | high_value | enterprise | tomasz | sofia | customer | 420 289800 256 870 60 -8 5 39 6 3
rosendal | Rosendal Furniture | retail | DK | stable | team | felix | henrik | customer | 70 42000 134 410 76 -3 1 57 4 2
silbersee | Silbersee Versicherung | insurance | DE | high_value | enterprise | aylin | sofia | customer | 610 420900 178 1150 78 -6 0 63 3 3
tavira | Tavira Solar | energy | PT | growth | business | tomasz | henrik | customer | 130 93600 147 320 77 2 1 60 5 1
ulmenhof | Ulmenhof Agrar | agriculture | DE | growth | business | mara | sofia | customer | 105 75600 193 500 81 11 0 64 9 0
varnholt | Varnholt Bau | construction | DE | growth | business | felix | sofia | customer | 180 129600 221 630 79 7 0 68 8 1
wexmoor | Wexmoor Water | utilities | GB | high_value | enterprise | aylin | henrik | customer | 450 310500 302 940 93 2 0 71 10 0
xenia | Xenia Druckhaus | media | DE | stable | team | tomasz | henrik | churned | 40 24000 -25 820 31 -14 26 9 2 0
ypernburg | Ypernburg Textil | manufacturing | BE | stable | team | felix | sofia | customer | 50 30000 39 660 52 -5 7 33 5 3
zirbenthal | Zirbenthal Holz | manufacturing | AT | stable | team | mara | henrik | customer | 35 21000 164 390 73 -2 3 46 8 1
amberton | Amberton Clinics | healthcare | GB | growth | business | aylin | sofia | customer | 145 104400 207 450 87 1 0 82 9 0
brightwater | Brightwater Learning | education | IE | stable | team | tomasz | sofia | customer | 65 39000 116 280 75 6 1 52 8 0
corvane | Corvane Biotech | biotech | NL | growth | business | felix | henrik | customer | 125 90000 182 540 80 3 1 62 6 1
delmora | Delmora Coffee | food | IT | stable | team | felix | sofia | customer | 58 34800 158 360 82 2 0 59 8 0
elmstead | Elmstead Properties | real estate | GB | growth | business | mara | henrik | customer | 155 111600 69 720 47 -17 4 40 6 4
falkensee | Falkensee Medien | media | DE | growth | business | aylin | henrik | customer | 135 97200 101 570 62 -11 2 45 7 2
glasmoor | Glasmoor Optik | manufacturing | DE | growth | business | tomasz | sofia | customer | 115 82800 244 510 86 0 0 84 9 1
hollerbach | Hollerbach Events | events | DE | stable | team | felix | henrik | customer | 30 18000 198 75 84 8 0 48 9 0
immenried | Immenried Mobil | mobility | DE | growth | business | mara | sofia | customer | 165 118800 265 54 83 5 0 56 9 1
jordalen | Jordalen Fisk | food | NO | growth | team | aylin | henrik | lead | 80 0 0 0 75 0 0 0 8 0
""")  # noqa: E501
BY_KEY = {customer.key: customer for customer in CUSTOMERS}
