-- A registry of any size, whose ISPs share everything evenly. Both databases read it: large_registry.py gives each of
-- them ago(now, days) and as_json(text).
INSERT INTO deliveries (
    id, isp, folder, file_name, state, size_bytes, mtime, first_listed_at, settling_s, listed_s, claim_no, received_at,
    feed, mode, content_on, seq, owns_number, outcome, revision, rows_total, rows_accepted, rows_rejected, judged_at,
    is_closing, is_source_removed)
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < :deliveries - 1),
d(i, at) AS (SELECT i, ago(:now, i / :isps * 365 / :files) FROM n)
SELECT i + 1, 'isp' || (i % :isps), 'incoming', 'f' || i, 'answered', 1, 1, at, 0, 0, 1, at,
    CASE i / :isps % 2 WHEN 0 THEN 'clients' ELSE 'registrations' END, 'full', '2026-06-15', i / :isps, TRUE,
    CASE i % 9 WHEN 0 THEN 'rejected' ELSE 'accepted' END, 1, 10, 9, 1, at, FALSE, TRUE
FROM d;

INSERT INTO validation_results (delivery_id, revision, outcome, counts_by_code, result, rulebook_version, judged_at)
SELECT id, 1, 'accepted', as_json(:found), as_json('{}'), '1', ago(:now, 0) FROM deliveries;

INSERT INTO findings (
    delivery_id, revision, row, line, key, column_name, code, severity, value, message, remedy, suggestion)
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :findings)
SELECT 77, 1, i, i, 'k', 'c', 'H101', 'error', 'v', 'm', 'r', '' FROM n;

INSERT INTO reconciliation_runs (
    isp, run_at, rule_version, deadline_on, judgements, counts, new, resolved, changed, gone)
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < :isps * :runs - 1)
SELECT 'isp' || (i % :isps),
    ago(:now, :runs - 1 - i / :isps), '1', '2026-06-30', 1,
    as_json(:counts), 0, 0, 0, 0
FROM n;

INSERT INTO clients (id, isp, subscriber_id, is_in_force, decided_seq, version_id)
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < :clients - 1)
SELECT i + 1, 'isp' || (i % :isps), 'c' || (i % :isps) || '-' || (i / :isps), TRUE, 1, i + 1 FROM n;

INSERT INTO client_versions (id, current_id, delivery_id, seq, action, is_overtaken, learnt_at, client_name)
SELECT id, id, 1, 1, 'listed', FALSE, ago(:now, 0), 'Client ' || id FROM clients;

INSERT INTO client_statuses (
    isp, subscriber_id, status, reason, decided_by, registration_ref, candidate, since_at, since_run_id)
SELECT isp, subscriber_id,
    CASE WHEN id % 100 < 70 THEN 'registered' WHEN id % 100 < 90 THEN 'unregistered'
        WHEN id % 100 < 95 THEN 'expired' ELSE 'exempt' END,
    'why', '', '', '', ago(:now, 0), 1
FROM clients;

INSERT INTO registrations (id, isp, registration_ref, national_no, is_in_force, decided_seq, version_id)
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < :registrations - 1)
SELECT i + 1, 'isp' || (i % :isps), 'r' || i, 'VPN-' || i, TRUE, 1, i + 1 FROM n;

INSERT INTO registration_versions (
    id, current_id, delivery_id, seq, action, is_overtaken, learnt_at, subscriber_id, client_name)
SELECT registrations.id, registrations.id, 1, 1, 'add', FALSE, ago(:now, 0), clients.subscriber_id, 'Client'
FROM registrations JOIN clients ON clients.id = registrations.id;

INSERT INTO delivery_rows (delivery_id, revision, row, line, key, subscriber_id, outcome, effect, codes)
SELECT 1 + (registrations.id - 1) % :isps, 1, registrations.id, registrations.id, registration_ref,
    clients.subscriber_id, 'accepted', 'created', ''
FROM registrations JOIN clients ON clients.id = registrations.id;

INSERT INTO zone_watches (isp, listed_at)
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < :isps - 1)
SELECT 'isp' || i, ago(:now, 0) FROM n;

INSERT INTO zone_outages (isp, began_at, ended_at)
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < :isps * 20 - 1)
SELECT 'isp' || (i % :isps), ago(:now, 1 + i / :isps), ago(:now, i / :isps) FROM n;

INSERT INTO cases (id, isp, kind, subject, delivery_id, reason, opened_at, closed_at)
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < :cases - 1)
SELECT i + 1, 'isp' || (i % :isps), CASE i % 3 WHEN 0 THEN 'review' WHEN 1 THEN 'dispute' ELSE 'held_delivery' END,
    'c' || (i % :isps) || '-' || (i / :isps), CASE i % 3 WHEN 2 THEN 1 + i % :deliveries END, 'why',
    ago(:now, i % 90), CASE WHEN i % 10 > 0 THEN ago(:now, 0) END
FROM n;

INSERT INTO decisions (case_id, outcome, reason, actor, decided_at)
SELECT id, 'confirmed', 'why', 'ayesha', closed_at FROM cases WHERE closed_at IS NOT NULL;

INSERT INTO notices (
    id, notice_no, isp, campaign, deadline_version, ends_on, stage, stage_on, form, state, reason, counts, planned_at,
    approved_by, settled_at)
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < :isps * 40 - 1)
SELECT i + 1, 'N-2026-' || (100000 + i), 'isp' || (i % :isps), '2026', 1, '2026-06-30',
    CASE WHEN i / :isps % 2 = 0 THEN 'T-' ELSE 'silent-' END || (i / :isps), '2026-06-01',
    CASE WHEN i / :isps % 2 = 0 THEN 'T-14' ELSE 'silent' END, CASE WHEN i / :isps = 39 THEN 'held' ELSE 'sent' END,
    '', as_json(:counted), ago(:now, 40 - i / :isps), 'send_notices', ago(:now, 40 - i / :isps)
FROM n;

INSERT INTO notice_clients (notice_id, subscriber_id, isp, part, status, reason)
SELECT notices.id, clients.subscriber_id, notices.isp, 'A', 'unregistered', 'why'
FROM notices JOIN clients ON clients.isp = notices.isp
WHERE notices.form = 'T-14' AND notices.id > :isps * 36 AND clients.id % 5 = 0;

INSERT INTO messages (
    notice_id, contact_name, email, role, header_message_id, state, attempts, reply, subject, body_text, body_html,
    frozen_at, settled_at)
SELECT id, 'Desk', 'desk@isp.example', 'compliance', '<' || id || '@pta>', state, 1, '', 's', 't', 'h', settled_at,
    settled_at
FROM notices;

INSERT INTO audit_events (happened_at, actor, action, object_type, object_id, detail)
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < :events - 1)
SELECT ago(:now, 300 - i * 3 / (:events / 100)),
    CASE i % 3 WHEN 0 THEN 'collect_deliveries' WHEN 1 THEN 'reconcile_clients' ELSE 'ayesha' END,
    CASE i % 3 WHEN 0 THEN 'judge' WHEN 1 THEN 'reconcile' ELSE 'look_at_client' END,
    CASE i % 3 WHEN 0 THEN 'delivery' WHEN 1 THEN 'isp' ELSE 'client' END,
    CASE i % 3 WHEN 0 THEN '' || (1 + i % :deliveries) WHEN 1 THEN 'isp' || (i % :isps)
        ELSE 'isp7/c7-' || (i % 1000) END,
    as_json(:told)
FROM n;

INSERT INTO audit_seals (id, event_id, previous_sha256, sha256, sealed_at)
SELECT id, id, '', '', happened_at FROM audit_events
