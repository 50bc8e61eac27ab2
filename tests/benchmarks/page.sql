-- A large registry for page.py, on SQLite: its ISPs share everything evenly.
INSERT INTO deliveries (
    id, isp, folder, file_name, state, size_bytes, mtime, first_listed_at, settling_s, listed_s, claim_no, received_at,
    feed, mode, content_on, seq, owns_number, outcome, revision, rows_total, rows_accepted, rows_rejected, judged_at,
    is_closing, is_source_removed)
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < :deliveries - 1),
d(i, at) AS (SELECT i, strftime('%Y-%m-%d 04:00:00.000000', :now, '-' || (i / :isps * 365 / :files) || ' days') FROM n)
SELECT i + 1, 'isp' || (i % :isps), 'incoming', 'f' || i, 'answered', 1, 1, at, 0, 0, 1, at,
    CASE i / :isps % 2 WHEN 0 THEN 'clients' ELSE 'registrations' END, 'full', '2026-06-15', i / :isps, 1,
    CASE i % 9 WHEN 0 THEN 'rejected' ELSE 'accepted' END, 1, 10, 9, 1, at, 0, 1
FROM d;

INSERT INTO validation_results (delivery_id, revision, outcome, counts_by_code, result, rulebook_version, judged_at)
SELECT id, 1, 'accepted', :found, '{}', '1', :now FROM deliveries;

INSERT INTO findings (
    delivery_id, revision, row, line, key, column_name, code, severity, value, message, remedy, suggestion)
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :findings)
SELECT 77, 1, i, i, 'k', 'c', 'H101', 'error', 'v', 'm', 'r', '' FROM n;

INSERT INTO reconciliation_runs (
    isp, run_at, rule_version, deadline_on, judgements, counts, new, resolved, changed, gone)
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < :isps * :runs - 1)
SELECT 'isp' || (i % :isps),
    strftime('%Y-%m-%d 01:00:00.000000', :now, '-' || (:runs - 1 - i / :isps) || ' days'), '1', '2026-06-30', 1,
    :counts, 0, 0, 0, 0
FROM n;

INSERT INTO clients (id, isp, subscriber_id, is_in_force, decided_seq, version_id)
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < :clients - 1)
SELECT i + 1, 'isp' || (i % :isps), 'c' || (i % :isps) || '-' || (i / :isps), 1, 1, i + 1 FROM n;

INSERT INTO client_versions (id, current_id, delivery_id, seq, action, is_overtaken, learnt_at, client_name)
SELECT id, id, 1, 1, 'listed', 0, :now, 'Client ' || id FROM clients;

INSERT INTO client_statuses (
    isp, subscriber_id, status, reason, decided_by, registration_ref, candidate, since_at, since_run_id)
SELECT isp, subscriber_id,
    CASE WHEN id % 100 < 70 THEN 'registered' WHEN id % 100 < 90 THEN 'unregistered'
        WHEN id % 100 < 95 THEN 'expired' ELSE 'exempt' END,
    'why', '', '', '', :now, 1
FROM clients;

INSERT INTO registrations (id, isp, registration_ref, national_no, is_in_force, decided_seq, version_id)
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < :registrations - 1)
SELECT i + 1, 'isp' || (i % :isps), 'r' || i, 'VPN-' || i, 1, 1, i + 1 FROM n;

INSERT INTO registration_versions (
    id, current_id, delivery_id, seq, action, is_overtaken, learnt_at, subscriber_id, client_name)
SELECT registrations.id, registrations.id, 1, 1, 'add', 0, :now, clients.subscriber_id, 'Client'
FROM registrations JOIN clients ON clients.id = registrations.id;

INSERT INTO delivery_rows (delivery_id, revision, row, line, key, subscriber_id, outcome, effect, codes)
SELECT 1 + (registrations.id - 1) % :isps, 1, registrations.id, registrations.id, registration_ref,
    clients.subscriber_id, 'accepted', 'created', ''
FROM registrations JOIN clients ON clients.id = registrations.id
