"""What ISPs answered about clients named in notices; answers are only added, the highest number speaks."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from vpn_registry.model import Response
from vpn_registry.registry.tables.base import BIG, Base, LongText, Moment, Ref, Sha256, Slug, Surrogate
from vpn_registry.registry.times import UtcDateTime, one_of


class ResponseRow(Base):
    """One accepted row of a responses file; `is_overtaken` when a later number had answered for the client before."""

    __tablename__ = "responses"
    __table_args__ = (Index(None, "isp", "subscriber_id", "seq"), Index(None, "delivery_id"))

    id: Mapped[Surrogate]
    isp: Mapped[Slug]
    subscriber_id: Mapped[Ref]
    notice_no: Mapped[str] = mapped_column(String(32))
    response: Mapped[Response] = mapped_column(one_of(Response, "response"))
    reference: Mapped[LongText | None]
    comment: Mapped[LongText | None]
    responded_on: Mapped[date]
    delivery_id: Mapped[int] = mapped_column(BIG, ForeignKey("deliveries.id"))
    row: Mapped[int]
    seq: Mapped[int]
    is_overtaken: Mapped[bool]
    content_sha256: Mapped[Sha256]
    learnt_at: Mapped[Moment]
    erased_at: Mapped[datetime | None] = mapped_column(UtcDateTime())  # when `reference` and `comment` were emptied
