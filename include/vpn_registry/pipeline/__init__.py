"""What the DAGs do, one function a task: joins drop zones, rulebook, registry, comparison and letters.

`collect` takes a delivery from an ISP's zone to its answers, `reconcile` gives each client a status, `notify` plans,
brakes and sends the notices. Each takes an `Exchange`, and everything that reaches outside is handed in.
"""
