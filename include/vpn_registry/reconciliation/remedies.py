"""What an ISP has to do about a client of each status, in one sentence."""

from __future__ import annotations

from typing import Final

from vpn_registry.model import Status

_REMEDIES: Final = {
    Status.DISPUTED: "Nothing: a person decides on the ISP's answer.",
    Status.REGISTERED: "Nothing.",
    Status.EXPIRING: "Extend the registration with a row of action update and a later valid_to, if the client goes on.",
    Status.MISMATCH: "Correct the address or number in the registration (action update) or in the next client list.",
    Status.NOT_COMPARABLE: "Send a new client list.",
    Status.REVIEW: "Nothing until a person of the data team has decided.",
    Status.REJECTED: "Mend the refused row as its findings say, and send it in a file with the next number.",
    Status.EXPIRED: "Register the client anew or extend the registration (action update with a later valid_to).",
    Status.WITHDRAWN: "Register the client again (action add), or correct the client list if there is no VPN any more.",
    Status.UNDECLARED: "Ask, and say yes or no in vpn_use of the next client list; if yes, register the client.",
    Status.UNREGISTERED: "Register the client (action add), or answer the notice if no registration is needed.",
}
_EXEMPT: Final = {
    "case": "Nothing while the decision is in force.",
    "answer": "Say the same in the next client list.",
    "client list": "Nothing, as long as the client list says so.",
}


def remedy(status: Status, key: str, candidate: str = "") -> str:
    """What to do about a client with this status, which this key decided; `candidate` is the nearest registration."""
    if status is Status.EXEMPT:
        return _EXEMPT.get(key, _EXEMPT["client list"])
    if status is Status.UNREGISTERED and candidate:
        usual = _REMEDIES[status]
        return f"Mend {candidate} (action update) if it is meant for this client, else {usual[0].lower()}{usual[1:]}"
    return _REMEDIES[status]
