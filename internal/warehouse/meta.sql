-- What DuckDB's own catalog does not hold of a Redshift database.
CREATE SCHEMA IF NOT EXISTS stepwell;
CREATE SCHEMA IF NOT EXISTS public;

-- A schema; source is the JSON of an external schema, NULL for a local one.
CREATE TABLE IF NOT EXISTS stepwell.schemas (
  oid BIGINT, name VARCHAR, owner VARCHAR, source VARCHAR);

-- A table (kind r), view (v), late-binding view (l) or materialized view (m).
-- definition is the Redshift text of a view's query.
CREATE TABLE IF NOT EXISTS stepwell.relations (
  oid BIGINT, schema VARCHAR, name VARCHAR, kind VARCHAR, owner VARCHAR,
  diststyle VARCHAR, sortstyle VARCHAR, definition VARCHAR, comment VARCHAR, created TIMESTAMP);

CREATE TABLE IF NOT EXISTS stepwell.columns (
  oid BIGINT, num INTEGER, name VARCHAR, type VARCHAR, not_null BOOLEAN, default_text VARCHAR,
  identity VARCHAR, encoding VARCHAR, distkey BOOLEAN, sortkey INTEGER, comment VARCHAR);

-- case_insensitive, or NULL.
ALTER TABLE stepwell.columns ADD COLUMN IF NOT EXISTS collated VARCHAR;

-- Informational constraints: kind p, u or f.
CREATE TABLE IF NOT EXISTS stepwell.constraints (
  oid BIGINT, name VARCHAR, kind VARCHAR, columns VARCHAR, ref_schema VARCHAR, ref_table VARCHAR, ref_columns VARCHAR);

-- View oid reads relation on_oid.
CREATE TABLE IF NOT EXISTS stepwell.depends (oid BIGINT, on_oid BIGINT);

-- A privilege on the relation, schema or procedure oid (0: the database; kind
-- says which), on one of its columns when column_name is not empty.
-- grantee_kind is user, group, role or public.
CREATE TABLE IF NOT EXISTS stepwell.acl (
  oid BIGINT, kind VARCHAR, column_name VARCHAR, privilege VARCHAR,
  grantee_kind VARCHAR, grantee VARCHAR, grantor VARCHAR, grant_option BOOLEAN);

-- What ALTER DEFAULT PRIVILEGES gives on objects that owner makes from now on,
-- in the schema or, where that is empty, in all. kind is table, function or
-- procedure; the privilege -execute keeps new functions from PUBLIC.
CREATE TABLE IF NOT EXISTS stepwell.default_acl (
  owner VARCHAR, schema VARCHAR, kind VARCHAR, privilege VARCHAR,
  grantee_kind VARCHAR, grantee VARCHAR, grant_option BOOLEAN);

-- A stored procedure; args and options are JSON, signature its input types.
CREATE TABLE IF NOT EXISTS stepwell.procedures (
  oid BIGINT, schema VARCHAR, name VARCHAR, owner VARCHAR, args VARCHAR, signature VARCHAR, body VARCHAR,
  security VARCHAR, nonatomic BOOLEAN, options VARCHAR, created TIMESTAMP);

-- A scalar function in SQL; args and returns are JSON, signature its input types.
CREATE TABLE IF NOT EXISTS stepwell.functions (
  oid BIGINT, schema VARCHAR, name VARCHAR, owner VARCHAR, args VARCHAR, signature VARCHAR, returns VARCHAR,
  language VARCHAR, volatility VARCHAR, body VARCHAR, created TIMESTAMP);

-- open: PUBLIC was given EXECUTE when the function was made.
ALTER TABLE stepwell.functions ADD COLUMN IF NOT EXISTS open BOOLEAN;
INSERT INTO stepwell.acl SELECT oid, 'function', '', 'execute', 'public', '', owner, false FROM stepwell.functions WHERE open IS NULL;
UPDATE stepwell.functions SET open = true WHERE open IS NULL;

-- A COPY JOB, and the objects it has loaded or that were there before it.
CREATE TABLE IF NOT EXISTS stepwell.copy_jobs (id BIGINT, name VARCHAR, owner VARCHAR, auto BOOLEAN, statement VARCHAR, source VARCHAR, target VARCHAR, created TIMESTAMP);
CREATE TABLE IF NOT EXISTS stepwell.copy_job_files (job BIGINT, key VARCHAR);

-- Policies: kind is "rls policy" or "masking policy"; columns is the JSON of the
-- columns of WITH, expressions and lookups are JSON lists: the Redshift texts,
-- and the relations they read as "schema.name".
CREATE TABLE IF NOT EXISTS stepwell.policies (
  kind VARCHAR, name VARCHAR, columns VARCHAR, alias VARCHAR, expressions VARCHAR, lookups VARCHAR, modified_by VARCHAR, modified TIMESTAMP);

-- A policy on the relation oid for a user, a role or public. inputs and outputs
-- are JSON lists of the columns a policy reads and a masking policy gives.
CREATE TABLE IF NOT EXISTS stepwell.policy_attachments (
  oid BIGINT, kind VARCHAR, policy VARCHAR, grantee_kind VARCHAR, grantee VARCHAR, grantor VARCHAR, priority BIGINT, inputs VARCHAR, outputs VARCHAR);

-- The relations with row-level security on; conjunction is and, or.
CREATE TABLE IF NOT EXISTS stepwell.row_security (oid BIGINT, conjunction VARCHAR);

-- Marks of committed transactions that changed users; see preparePrincipals.
CREATE TABLE IF NOT EXISTS stepwell.principal_changes (mark VARCHAR);

-- Marks of committed transactions; see Session.SetMark.
CREATE TABLE IF NOT EXISTS stepwell.marks (mark VARCHAR, committed TIMESTAMP);
DELETE FROM stepwell.marks WHERE committed < now()::TIMESTAMP - INTERVAL 2 DAY;

-- PUBLIC may use the schema public, make tables in it and temporary ones.
INSERT INTO stepwell.acl SELECT v.oid, v.kind, '', v.privilege, 'public', '', 'rdsdb', false
  FROM (VALUES (2200, 'schema', 'usage'), (2200, 'schema', 'create'), (0, 'database', 'temporary')) v(oid, kind, privilege)
  WHERE NOT EXISTS (SELECT 1 FROM stepwell.schemas WHERE name = 'public');
INSERT INTO stepwell.schemas SELECT 2200, 'public', 'rdsdb', NULL
  WHERE NOT EXISTS (SELECT 1 FROM stepwell.schemas WHERE name = 'public');
