"""What the registry remembers of what it has given up on purpose."""

from __future__ import annotations

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from vpn_registry.registry.tables.base import BIG, Base, Moment


class DiscardedDeliveryRow(Base):
    """A delivery whose stored bytes had their time: it can't be replayed, and nobody needs to look for them."""

    __tablename__ = "discarded_deliveries"

    delivery_id: Mapped[int] = mapped_column(BIG, ForeignKey("deliveries.id"), primary_key=True, autoincrement=False)
    discarded_at: Mapped[Moment]
