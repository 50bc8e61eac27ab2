"""What `vpnreg status` tells beyond counts."""

from __future__ import annotations

from datetime import timedelta

from tests.installation import Cast, Installation, clients, registrations
from vpn_registry.forecast import Forecast
from vpn_registry.pipeline import reconcile
from vpn_registry.pipeline.overview import overview


def test_the_forecast_follows_the_daily_comparisons(house: Installation, indus: Cast) -> None:
    open_clients = indus.open(10)
    house.drop(clients("indus", 1, indus.listed))
    house.run()
    for day, who in enumerate(open_clients[:4]):
        house.drop(registrations("indus", day + 1, [indus.registration(who)], age=1 - day))
        house.run()
        reconcile.compare(house.exchange, "indus")
        house.at(timedelta(days=1))
    [told, silent] = overview(house.exchange).isps
    assert (told.to_register, told.forecast) == (6, Forecast(0, 0, 0))
    assert silent.forecast is None
    assert told.comparable
    assert told.coverage == told.covered / told.comparable
    assert (silent.comparable, silent.coverage) == (None, None)
    assert (told.overdue_since, silent.overdue_since, silent.reminded_on) == (None, "2026-02-06", None)
