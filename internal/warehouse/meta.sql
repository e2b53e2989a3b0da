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

-- Informational constraints: kind p, u or f.
CREATE TABLE IF NOT EXISTS stepwell.constraints (
  oid BIGINT, name VARCHAR, kind VARCHAR, columns VARCHAR, ref_schema VARCHAR, ref_table VARCHAR, ref_columns VARCHAR);

-- View oid reads relation on_oid.
CREATE TABLE IF NOT EXISTS stepwell.depends (oid BIGINT, on_oid BIGINT);

CREATE TABLE IF NOT EXISTS stepwell.grants (
  object_kind VARCHAR, schema VARCHAR, name VARCHAR, columns VARCHAR, privilege VARCHAR,
  grantee_kind VARCHAR, grantee VARCHAR, grantor VARCHAR, grant_option BOOLEAN);

-- A stored procedure; args and options are JSON, signature its input types.
CREATE TABLE IF NOT EXISTS stepwell.procedures (
  oid BIGINT, schema VARCHAR, name VARCHAR, owner VARCHAR, args VARCHAR, signature VARCHAR, body VARCHAR,
  security VARCHAR, nonatomic BOOLEAN, options VARCHAR, created TIMESTAMP);

-- Marks of committed transactions; see Session.SetMark.
CREATE TABLE IF NOT EXISTS stepwell.marks (mark VARCHAR, committed TIMESTAMP);
DELETE FROM stepwell.marks WHERE committed < now()::TIMESTAMP - INTERVAL 2 DAY;

INSERT INTO stepwell.schemas SELECT 2200, 'public', 'rdsdb', NULL
  WHERE NOT EXISTS (SELECT 1 FROM stepwell.schemas WHERE name = 'public');
