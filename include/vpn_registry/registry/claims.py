"""The addresses that open registrations claim, as spans, and whose claims lie near each other.

A delivery's registrations are taken up once it is merged (`surveyed_deliveries`); whatever a survey touches is kept in
a temporary table, so that every step is one statement however many registrations a delivery names.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa
from sqlalchemy import and_, delete, exists, func, insert, literal, or_, select, update
from sqlalchemy.orm import Session, aliased

from vpn_registry.model import TAKEN, Feed, ZoneFolder
from vpn_registry.registry.bulk import insert_frame, read_frame
from vpn_registry.registry.tables import (
    ContestedClaimRow,
    DeliveryRow,
    RegistrationAddressRow,
    RegistrationRow,
    RegistrationVersionRow,
    SurveyedDeliveryRow,
)
from vpn_registry.registry.tables.base import BIG
from vpn_registry.registry.temporary import analyze, empty

if TYPE_CHECKING:
    import pandas as pd

_LARGE_SHARE: Final = 20
"""From one in so many on, it is quicker to look at every claim than to look for the near ones."""
_TEMPORARY: Final = sa.MetaData()
NEAR: Final = sa.Table(
    "near_claims",
    _TEMPORARY,
    sa.Column("registration_id", BIG, primary_key=True, autoincrement=False),
    sa.Column("distance", sa.Integer),  # 0 = touched, 1 = shares an address with those, 2 = with these
    prefixes=["TEMPORARY"],
)
_FRESH: Final = sa.Table(
    "fresh_deliveries",
    _TEMPORARY,
    sa.Column("delivery_id", BIG, primary_key=True, autoincrement=False),
    prefixes=["TEMPORARY"],
)
_ASKED: Final = sa.Table(
    "asked_registrations",
    _TEMPORARY,
    sa.Column("registration_id", BIG, primary_key=True, autoincrement=False),
    prefixes=["TEMPORARY"],
)
_PROBES: Final = sa.Table(
    "claim_probes",
    _TEMPORARY,
    sa.Column("bits", sa.Integer),
    sa.Column("low", sa.String(32)),  # where spans of this width begin that still reach `first`
    sa.Column("first", sa.String(32)),
    sa.Column("last", sa.String(32)),
    prefixes=["TEMPORARY"],
)
_CLAIM: Final = RegistrationAddressRow


def is_surveyed(db: Session, today: date) -> bool:
    """Whether every merged delivery has been taken up, and no claim began or ended since."""
    is_waiting = or_(exists(_unsurveyed()), exists(select(_CLAIM.id).where(_turns(today))))
    return not db.scalar(select(is_waiting))


def take_up(db: Session, at: datetime) -> pd.DataFrame:
    """Forget the claims of the registrations that deliveries touched since the last survey; those of them that are
    open as registration_id, local_ip, begins_on, ends_on (ISO text, None for no day)."""

    import pandas as pd

    for table in (NEAR, _FRESH):
        empty(db, table)
    version = RegistrationVersionRow
    db.execute(insert(_FRESH).from_select(["delivery_id"], _unsurveyed()))
    is_fresh = version.delivery_id.in_(select(_FRESH.c.delivery_id))
    touched = select(version.current_id, literal(0)).where(is_fresh).distinct()
    db.execute(insert(NEAR).from_select(["registration_id", "distance"], touched))
    db.execute(delete(_CLAIM).where(_CLAIM.registration_id.in_(select(NEAR.c.registration_id))))
    stamp = literal(at, SurveyedDeliveryRow.surveyed_at.type)
    db.execute(
        insert(SurveyedDeliveryRow).from_select(["delivery_id", "surveyed_at"], select(_FRESH.c.delivery_id, stamp))
    )
    open_now = (
        select(RegistrationRow.id.label("registration_id"), version.local_ip, version.valid_from, version.valid_to)
        .join(version, version.id == RegistrationRow.version_id)
        .join(NEAR, NEAR.c.registration_id == RegistrationRow.id)
        .where(RegistrationRow.is_in_force, version.local_ip != "")
        .order_by(RegistrationRow.id)
    )
    found = read_frame(db, open_now, text=("local_ip",), whole=("registration_id",))
    days = {"begins_on": found.pop("valid_from"), "ends_on": found.pop("valid_to")}
    return found.assign(
        **{name: pd.Series([day or None for day in told], dtype="object") for name, told in days.items()}
    )


def add(db: Session, claims: pd.DataFrame) -> None:
    """Enter claims: registration_id, first, last, bits, begins_on, ends_on; they hold from the next `turn` on."""
    insert_frame(db, _CLAIM, claims.assign(is_holding=False))


def turn(db: Session, today: date) -> None:
    """Let begin and end what begins and ends by that day; those registrations are touched as well."""
    turned = select(_CLAIM.registration_id, literal(0)).where(_turns(today), _is_new(_CLAIM.registration_id)).distinct()
    db.execute(insert(NEAR).from_select(["registration_id", "distance"], turned))
    db.execute(update(_CLAIM).where(_turns(today)).values(is_holding=~_CLAIM.is_holding))
    # Who was contested along with one of these may not be any more, wherever its addresses lie by now.
    mark, other = ContestedClaimRow, aliased(ContestedClaimRow)
    along = (
        select(other.registration_id, literal(0))
        .join(mark, and_(mark.case_id == other.case_id, mark.ended_at.is_(None), other.ended_at.is_(None)))
        .join(NEAR, NEAR.c.registration_id == mark.registration_id)
        .where(_is_new(other.registration_id))
        .distinct()
    )
    db.execute(insert(NEAR).from_select(["registration_id", "distance"], along))


def spread(db: Session) -> None:
    """Add to NEAR whoever shares an address with the touched registrations, and then with these."""
    for distance in (0, 1):
        _add_neighbours(db, distance)


def near(db: Session) -> pd.DataFrame:
    """What is claimed near the touched registrations: registration_id, first, last."""
    query = select(_CLAIM.registration_id, _CLAIM.first, _CLAIM.last).join(
        NEAR, NEAR.c.registration_id == _CLAIM.registration_id
    )
    return read_frame(
        db, query.where(_CLAIM.is_holding).order_by(_CLAIM.id), text=("first", "last"), whole=("registration_id",)
    )


def filed(db: Session, registrations: list[int]) -> pd.DataFrame:
    """Of these registrations: registration_id, isp, registration_ref, national_no, subscriber_id, ntn, cnic_fp,
    other_id_fp."""

    import pandas as pd

    empty(db, _ASKED)
    insert_frame(db, _ASKED, pd.DataFrame({"registration_id": registrations}, dtype="int64"))
    version = RegistrationVersionRow
    query = (
        select(
            RegistrationRow.id.label("registration_id"),
            RegistrationRow.isp,
            RegistrationRow.registration_ref,
            RegistrationRow.national_no,
            version.subscriber_id,
            version.ntn_key.label("ntn"),
            version.cnic_fingerprint.label("cnic_fp"),
            version.other_id_fingerprint.label("other_id_fp"),
        )
        .join(_ASKED, _ASKED.c.registration_id == RegistrationRow.id)
        .join(version, version.id == RegistrationRow.version_id)
        .order_by(RegistrationRow.id)
    )
    text = [str(column.key) for column in query.selected_columns if column.key != "registration_id"]
    return read_frame(db, query, text=text, whole=("registration_id",))


def _unsurveyed() -> Any:
    """Ids of merged deliveries of registrations that no survey has taken up."""
    is_known = exists().where(SurveyedDeliveryRow.delivery_id == DeliveryRow.id)
    return select(DeliveryRow.id).where(
        DeliveryRow.feed == Feed.REGISTRATIONS,
        DeliveryRow.folder == ZoneFolder.INCOMING,
        DeliveryRow.outcome.in_(TAKEN),
        ~is_known,
    )


def _turns(today: date) -> Any:
    """Claims that hold and should not, or should and don't."""
    begun = or_(_CLAIM.begins_on.is_(None), _CLAIM.begins_on <= today)
    lasts = or_(_CLAIM.ends_on.is_(None), _CLAIM.ends_on >= today)
    return or_(and_(~_CLAIM.is_holding, begun, lasts), and_(_CLAIM.is_holding, ~and_(begun, lasts)))


def _is_new(registration_id: Any) -> Any:
    known = NEAR.alias("known")
    return registration_id.not_in(select(known.c.registration_id))


def _add_neighbours(db: Session, distance: int) -> None:
    asked = (
        select(_CLAIM.first, _CLAIM.last)
        .join(NEAR, NEAR.c.registration_id == _CLAIM.registration_id)
        .where(_CLAIM.is_holding, NEAR.c.distance == distance)
        .distinct()
    )
    spans = db.execute(asked).all()
    all_claims = db.scalar(select(func.count()).select_from(_CLAIM)) or 0
    found = select(_CLAIM.registration_id, literal(distance + 1)).where(
        _CLAIM.is_holding, _is_new(_CLAIM.registration_id)
    )
    if len(spans) * _LARGE_SHARE < all_claims:
        _probe(db, spans)
        # Written so that the index on width and begin finds the few spans that come into question.
        found = found.join(
            _PROBES,
            and_(
                _CLAIM.bits == _PROBES.c.bits,
                _CLAIM.first >= _PROBES.c.low,
                _CLAIM.first <= _PROBES.c.last,
                _CLAIM.last >= _PROBES.c.first,
            ),
        )
    db.execute(insert(NEAR).from_select(["registration_id", "distance"], found.distinct()))


def _probe(db: Session, spans: Any) -> None:
    """For each span and each width of claims there is: from where on a claim of that width reaches the span."""

    import pandas as pd

    empty(db, _PROBES)
    widths = list(db.scalars(select(_CLAIM.bits).distinct().order_by(_CLAIM.bits)))
    rows = [
        (bits, f"{max(int(span.first, 16) - (1 << bits) + 1, 0):032x}", span.first, span.last)
        for span in spans
        for bits in widths
    ]
    insert_frame(db, _PROBES, pd.DataFrame(rows, columns=[column.name for column in _PROBES.columns]))
    analyze(db, _PROBES, "bits, low, first, last")
