-- What the SHOW statements list, with the columns their pages of the SQL
-- reference give and, behind these, what they are filtered by.
CREATE OR REPLACE VIEW {sys}.show_databases AS
SELECT database_name, database_owner, database_type, database_acl, database_options AS parameters, database_isolation_level FROM {sys}.svv_redshift_databases;
CREATE OR REPLACE VIEW {sys}.show_schemas AS
SELECT {name} AS database_name, n.nspname AS schema_name, n.nspowner AS schema_owner, CASE WHEN s.source IS NULL THEN 'local' ELSE 'external' END AS schema_type,
  replace(trim(n.nspacl, '{}'), ',', '~') AS schema_acl, s.source AS source_database, NULL::VARCHAR AS schema_option, n.oid
FROM {sys}.pg_namespace n LEFT JOIN {db}.schemas s ON s.oid = n.oid WHERE n.nspname <> 'pg_temp_1';
CREATE OR REPLACE VIEW {sys}.show_tables AS
SELECT {name} AS database_name, r.schema AS schema_name, r.name AS table_name, CASE r.kind WHEN 'r' THEN 'TABLE' ELSE 'VIEW' END AS table_type,
  r.owner || '=arwdRxtDPA/' || r.owner || '~' || replace(g.items, ',', '~') AS table_acl, r.comment AS remarks, r.owner, NULL::TIMESTAMP AS last_altered_time, NULL::TIMESTAMP AS last_modified_time,
  CASE WHEN r.kind = 'r' THEN CASE r.diststyle WHEN 'key' THEN 'KEY (' || (SELECT any_value(c.name) FROM {db}.columns c WHERE c.oid = r.oid AND c.distkey) || ')'
    WHEN 'even' THEN 'EVEN' WHEN 'all' THEN 'ALL' ELSE 'AUTO (ALL)' END END AS dist_style,
  CASE r.kind WHEN 'r' THEN 'REGULAR TABLE' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'l' THEN 'LATE BINDING VIEW' ELSE 'REGULAR VIEW' END AS table_subtype, r.oid
FROM {db}.relations r LEFT JOIN {sys}.acls g ON g.oid = r.oid AND g.kind = 'table' AND g.column_name = '';
CREATE OR REPLACE VIEW {sys}.show_columns AS
SELECT s.table_catalog AS database_name, s.table_schema AS schema_name, s.table_name, s.column_name, s.ordinal_position, s.column_default, s.is_nullable, s.data_type,
  s.character_maximum_length, s.numeric_precision, s.numeric_scale, s.remarks, CASE WHEN c.sortkey <> 0 THEN CASE r.sortstyle WHEN 'interleaved' THEN 'INTERLEAVED' ELSE 'COMPOUND' END END AS sort_key_type,
  CASE WHEN r.sortstyle = 'interleaved' AND c.sortkey % 2 = 1 THEN -c.sortkey ELSE c.sortkey END AS sort_key, CASE WHEN c.distkey THEN 1 END AS dist_key,
  CASE WHEN r.kind <> 'r' THEN NULL WHEN lower(coalesce(c.encoding, '')) NOT IN ('', 'auto', 'none') THEN lower(c.encoding) WHEN c.sortkey <> 0 THEN 'raw'
    WHEN s.data_type IN ('smallint', 'integer', 'bigint', 'numeric', 'date') OR s.data_type LIKE 'time%' THEN 'az64'
    WHEN s.data_type IN ('character', 'character varying', 'binary varying') THEN 'lzo' ELSE 'raw' END AS encoding,
  CASE WHEN s.data_type IN ('character', 'character varying') THEN coalesce(c.collated, 'default') END AS collation, r.oid
FROM {sys}.svv_columns s JOIN {db}.relations r ON r.schema = s.table_schema AND r.name = s.table_name JOIN {db}.columns c ON c.oid = r.oid AND c.name = s.column_name;

CREATE OR REPLACE VIEW {sys}.show_primary_keys AS
SELECT {name} AS database_name, k.schema AS schema_name, k.table_name, k.name AS pk_name, k.columns[u.n] AS column_name, u.n::INTEGER AS key_seq
FROM {sys}.constraints_described k JOIN (SELECT oid, unnest(generate_series(1, len(columns))) AS n FROM {sys}.constraints_described) u ON u.oid = k.oid WHERE k.kind = 'p';
CREATE OR REPLACE VIEW {sys}.show_foreign_keys AS
SELECT {name} AS pk_database_name, f.ref_schema AS pk_schema_name, f.ref_table AS pk_table_name, f.ref_columns[u.n] AS pk_column_name,
  {name} AS fk_database_name, f.schema AS fk_schema_name, f.table_name AS fk_table_name, f.columns[u.n] AS fk_column_name, u.n::INTEGER AS key_seq, f.name AS fk_name,
  (SELECT min(p.name) FROM {sys}.constraints_described p WHERE p.table_oid = f.ref_oid AND p.kind IN ('p', 'u') AND p.columns = f.ref_columns) AS pk_name,
  NULL::SMALLINT AS update_rule, NULL::SMALLINT AS delete_rule, NULL::SMALLINT AS deferrability
FROM {sys}.constraints_described f JOIN (SELECT oid, unnest(generate_series(1, len(columns))) AS n FROM {sys}.constraints_described) u ON u.oid = f.oid WHERE f.kind = 'f';

-- Routines, and their parameters: those of functions keep no lengths, as on Redshift.
CREATE OR REPLACE VIEW {sys}.show_routines AS
SELECT {name} AS database_name, p.schema AS schema_name, p.name AS routine_name, len(list_filter(p.modes, lambda m: m <> 'out'))::INTEGER AS number_of_arguments,
  coalesce(array_to_string(list_transform(list_filter(p.arg_types, lambda t, i: p.modes[i] <> 'out'), lambda t: rs_format_type(t, -1)), ', '), '') AS argument_list,
  CASE p.kind WHEN 'f' THEN rs_format_type(p.rettype, -1)
    ELSE nullif(array_to_string(list_transform(list_filter(p.arg_types, lambda t, i: p.modes[i] <> 'in'), lambda t: rs_format_type(t, -1)), ', '), '') END AS return_type,
  NULL::VARCHAR AS remarks, p.kind, p.oid
FROM {sys}.routines p;
CREATE OR REPLACE VIEW {sys}.show_parameters AS
SELECT {name} AS database_name, a.schema AS schema_name, a.routine_name, a.parameter_name, a.n::INTEGER AS ordinal_position, a.mode AS parameter_type, a.data_type,
  CASE WHEN a.data_type IN ('character', 'character varying') THEN CASE WHEN a.kind = 'f' THEN -1 ELSE coalesce(TRY_CAST(a.mods ->> 0 AS INTEGER), CASE a.data_type WHEN 'character' THEN 1 ELSE 256 END) END END AS character_maximum_length,
  CASE a.data_type WHEN 'smallint' THEN 16 WHEN 'integer' THEN 32 WHEN 'bigint' THEN 64 WHEN 'numeric' THEN CASE WHEN a.kind = 'p' THEN coalesce(TRY_CAST(a.mods ->> 0 AS INTEGER), 18) END END AS numeric_precision,
  CASE WHEN a.data_type IN ('smallint', 'integer', 'bigint') THEN 0 WHEN a.data_type = 'numeric' AND a.kind = 'p' THEN coalesce(TRY_CAST(a.mods ->> 1 AS INTEGER), 0) END AS numeric_scale, a.oid
FROM (SELECT p.oid, p.schema, p.name AS routine_name, p.kind, p.names[u.n] AS parameter_name, u.n, upper(p.modes[u.n]) AS mode, rs_format_type(p.arg_types[u.n], -1) AS data_type, p.listed[u.n] -> 'args' AS mods
  FROM {sys}.routines p JOIN (SELECT oid, unnest(generate_series(1, len(listed))) AS n FROM {sys}.routines) u ON u.oid = p.oid
  UNION ALL SELECT p.oid, p.schema, p.name, 'f', '', 0, 'RETURN', rs_format_type(p.rettype, -1), NULL FROM {sys}.routines p WHERE p.kind = 'f') a;

CREATE OR REPLACE VIEW {sys}.show_grants AS
SELECT {name} AS database_name, o.schema_name, o.object_name, o.object_type, CASE g.privilege_type WHEN 'TEMPORARY' THEN 'TEMP' ELSE g.privilege_type END AS privilege_type, g.identity_id, g.identity_name,
  g.identity_type, g.admin_option, o.object_type AS privilege_scope, g.grantor AS grantor_name, nullif(g.column_name, '') AS column_name, g.oid
FROM {sys}.grants_described g JOIN (
  SELECT 'table' AS kind, oid, schema AS schema_name, name AS object_name, 'TABLE' AS object_type FROM {db}.relations
  UNION ALL SELECT 'schema', oid, name, name, 'SCHEMA' FROM {db}.schemas
  UNION ALL SELECT 'database', 0, NULL, NULL, 'DATABASE'
  UNION ALL SELECT 'function', oid, schema, name, CASE kind WHEN 'p' THEN 'PROCEDURE' ELSE 'FUNCTION' END FROM {sys}.routines) o ON o.kind = g.kind AND o.oid = g.oid;
-- The grantees whose privileges each user has.
CREATE OR REPLACE VIEW {sys}.show_holders AS
SELECT h.user_name, h.kind AS identity_type, CASE h.kind WHEN 'public' THEN 'public' ELSE h.name END AS identity_name FROM memory.principals.holders h;
