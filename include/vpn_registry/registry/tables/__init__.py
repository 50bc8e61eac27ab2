"""The tables of the registry, typed. `Base.metadata` knows them all (design.md section 5).

Column suffixes: `_at` aware UTC moment, `_on` local date, `_id` surrogate, `_no` number issued by somebody (text),
`_seq` sequence number, `_sha256`, `is_`/`owns_`.
"""

from vpn_registry.registry.tables.base import Base, metadata
from vpn_registry.registry.tables.books import (
    ClientRow,
    ClientVersionRow,
    KeptKeyRow,
    RegistrationRow,
    RegistrationVersionRow,
)
from vpn_registry.registry.tables.contests import (
    ContestedClaimRow,
    RegistrationAddressRow,
    SurveyedDeliveryRow,
)
from vpn_registry.registry.tables.house import (
    AuditEventRow,
    AuditSealRow,
    CaseRow,
    CounterRow,
    DecisionRow,
    HomeRow,
    KeyMarkRow,
)
from vpn_registry.registry.tables.ledger import (
    AnswerRow,
    DeliveryMoveRow,
    DeliveryRow,
    DeliveryRowRow,
    FindingRow,
    IrregularFileRow,
    LeaseRow,
    NumberUseRow,
    ValidationResultRow,
    ZoneOutageRow,
    ZoneWatchRow,
)
from vpn_registry.registry.tables.notices import (
    DeadlineRow,
    MessageMoveRow,
    MessageRow,
    NoticeClientRow,
    NoticeRow,
)
from vpn_registry.registry.tables.office import OfficeMailRow
from vpn_registry.registry.tables.responses import ResponseRow
from vpn_registry.registry.tables.retention import DiscardedDeliveryRow
from vpn_registry.registry.tables.statuses import (
    ClientStatusRow,
    ClientSuccessionRow,
    OrphanRow,
    ReconciliationRunRow,
)

__all__ = [
    "AnswerRow",
    "AuditEventRow",
    "AuditSealRow",
    "Base",
    "CaseRow",
    "ClientRow",
    "ClientStatusRow",
    "ClientSuccessionRow",
    "ClientVersionRow",
    "ContestedClaimRow",
    "CounterRow",
    "DeadlineRow",
    "DecisionRow",
    "DeliveryMoveRow",
    "DeliveryRow",
    "DeliveryRowRow",
    "DiscardedDeliveryRow",
    "FindingRow",
    "HomeRow",
    "IrregularFileRow",
    "KeptKeyRow",
    "KeyMarkRow",
    "LeaseRow",
    "MessageMoveRow",
    "MessageRow",
    "NoticeClientRow",
    "NoticeRow",
    "NumberUseRow",
    "OfficeMailRow",
    "OrphanRow",
    "ReconciliationRunRow",
    "RegistrationAddressRow",
    "RegistrationRow",
    "RegistrationVersionRow",
    "ResponseRow",
    "SurveyedDeliveryRow",
    "ValidationResultRow",
    "ZoneOutageRow",
    "ZoneWatchRow",
    "metadata",
]
