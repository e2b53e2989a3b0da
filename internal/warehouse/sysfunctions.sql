-- The functions of the catalog, as macros over the metadata of one database.
-- {db} is the metadata's schema, {name} the database's name, {sys} where they
-- are made. A macro's arguments are put in place of its parameters, so that a
-- column of theirs would mean the macro's own table: the tables they read have
-- names no one else uses.
CREATE OR REPLACE VIEW {sys}.fn_relation AS
SELECT r.oid AS m_oid, r.schema AS m_schema, r.name AS m_name, r.kind AS m_kind, r.comment AS m_comment,
  CASE r.kind WHEN 'l' THEN 'create view ' || r.schema || '.' || r.name || ' as ' || r.definition || ' with no schema binding;' ELSE r.definition END AS m_definition
FROM {db}.relations r;
CREATE OR REPLACE VIEW {sys}.fn_column AS
SELECT c.oid AS m_oid, c.num AS m_num, c.name AS m_name, c.comment AS m_comment FROM {db}.columns c;
CREATE OR REPLACE VIEW {sys}.fn_routine AS
SELECT p.oid AS m_oid, p.schema AS m_schema, p.name AS m_name, p.signature AS m_signature, CAST(to_json(p.listed) AS VARCHAR) AS m_args, p.body AS m_body,
  CASE WHEN p.secdef THEN 'definer' ELSE 'invoker' END AS m_security, p.kind AS m_kind, p.rettype AS m_result FROM {sys}.routines p;
CREATE OR REPLACE VIEW {sys}.fn_constraint AS
SELECT k.oid AS m_oid, k.text AS m_text FROM {sys}.constraints_described k;
CREATE OR REPLACE VIEW {sys}.fn_schema AS SELECT s.oid AS m_oid, s.name AS m_name, s.owner AS m_owner FROM {db}.schemas s;
CREATE OR REPLACE VIEW {sys}.fn_user AS SELECT u.id AS m_id, u.name AS m_name, u.super AS m_super FROM memory.principals.users u;

-- Who may do what: each user with the privileges that it, PUBLIC, its groups
-- and its roles have; an owner has the privilege "owner".
CREATE OR REPLACE VIEW {sys}.fn_privilege AS
SELECT a.oid AS m_oid, a.kind AS m_kind, a.column_name AS m_column, a.privilege AS m_privilege, a.grant_option AS m_option, w.user_name AS m_user
FROM {db}.acl a JOIN memory.principals.holders w ON w.kind = a.grantee_kind AND w.name = a.grantee
UNION ALL SELECT r.oid, 'table', '', 'owner', true, r.owner FROM {db}.relations r
UNION ALL SELECT s.oid, 'schema', '', 'owner', true, s.owner FROM {db}.schemas s
UNION ALL SELECT p.oid, 'function', '', 'owner', true, p.owner FROM {db}.procedures p
UNION ALL SELECT f.oid, 'function', '', 'owner', true, f.owner FROM {db}.functions f
UNION ALL SELECT 0, 'database', '', 'owner', true, d.owner FROM memory.principals.databases d WHERE d.name = {name};

CREATE OR REPLACE MACRO {sys}.rs_regclass(x, path) AS coalesce(TRY_CAST(x AS UINTEGER), (
  SELECT z.m_oid FROM {sys}.fn_relation z
  WHERE lower(replace(CAST(x AS VARCHAR), '"', '')) IN (z.m_name, z.m_schema || '.' || z.m_name, {name} || '.' || z.m_schema || '.' || z.m_name)
    AND (contains(CAST(x AS VARCHAR), '.') OR list_contains(string_split(path, ','), z.m_schema))
  ORDER BY list_position(string_split(path, ','), z.m_schema) LIMIT 1)::UINTEGER, (
  SELECT z.oid FROM {sys}.system_relations z WHERE lower(replace(CAST(x AS VARCHAR), '"', '')) IN (z.relname, z.schema_name || '.' || z.relname) LIMIT 1)::UINTEGER);
CREATE OR REPLACE MACRO {sys}.rs_regproc(x, path) AS coalesce(TRY_CAST(x AS UINTEGER), (
  SELECT min(z.m_oid) FROM {sys}.fn_routine z WHERE lower(split_part(CAST(x AS VARCHAR), '(', 1)) IN (z.m_name, z.m_schema || '.' || z.m_name))::UINTEGER);
CREATE OR REPLACE MACRO {sys}.rs_regprocedure(x, path) AS rs_regproc(x, path);
CREATE OR REPLACE MACRO {sys}.rs_regprocedureout(x) AS (SELECT any_value(z.m_name || '(' || z.m_signature || ')') FROM {sys}.fn_routine z WHERE z.m_oid = x);
CREATE OR REPLACE MACRO {sys}.rs_regnamespace(x, path) AS coalesce(TRY_CAST(x AS UINTEGER), (SELECT z.m_oid FROM {sys}.fn_schema z WHERE z.m_name = lower(CAST(x AS VARCHAR)))::UINTEGER);
CREATE OR REPLACE MACRO {sys}.rs_regtype(x, path) AS coalesce(TRY_CAST(x AS UINTEGER), (
  SELECT z.oid FROM {sys}.pg_type z WHERE lower(CAST(x AS VARCHAR)) IN (z.typname, 'pg_catalog.' || z.typname, rs_format_type(z.oid, -1)) LIMIT 1)::UINTEGER);

CREATE OR REPLACE MACRO {sys}.rs_user_super(u) AS EXISTS (SELECT 1 FROM {sys}.fn_user z WHERE z.m_name = CAST(u AS VARCHAR) AND z.m_super)
  OR EXISTS (SELECT 1 FROM memory.principals.holders z WHERE z.user_name = CAST(u AS VARCHAR) AND z.kind = 'role' AND z.name = 'sys:superuser');
CREATE OR REPLACE MACRO {sys}.rs_current_user_id(u, path) AS coalesce((SELECT z.m_id FROM {sys}.fn_user z WHERE z.m_name = u), 100)::INTEGER;
CREATE OR REPLACE MACRO {sys}.rs_pg_get_userbyid(x) AS coalesce((SELECT z.m_name FROM {sys}.fn_user z WHERE z.m_id = CAST(x AS BIGINT)), 'unknown (OID=' || x || ')');
CREATE OR REPLACE MACRO {sys}.rs_privileges(p) AS string_split(replace(replace(lower(CAST(p AS VARCHAR)), ' with grant option', ''), ' ', ''), ',');
-- The name of a user given by name or number, and what else has to exist.
CREATE OR REPLACE MACRO {sys}.rs_grantee(u) AS coalesce((SELECT z.m_name FROM {sys}.fn_user z WHERE CAST(u AS VARCHAR) IN (z.m_name, CAST(z.m_id AS VARCHAR)) LIMIT 1),
  error('42704:user "' || CAST(u AS VARCHAR) || '" does not exist'));
CREATE OR REPLACE MACRO {sys}.rs_known(known, p) AS CASE WHEN list_has_all(known, list_transform(rs_privileges(p), lambda q: replace(q, 'withgrantoption', ''))) THEN true
  ELSE error('22023:unrecognized privilege type: "' || CAST(p AS VARCHAR) || '"') END;
CREATE OR REPLACE MACRO {sys}.rs_relation_needed(t, path) AS CASE WHEN rs_regclass(t, path) IS NULL AND t IS NOT NULL
    AND NOT regexp_matches(lower(CAST(t AS VARCHAR)), '^"?(pg_|stl_|stv_|svl_|svv_|svcs_|sys_|information_schema)')
    AND NOT EXISTS (SELECT 1 FROM {db}.schemas z WHERE z.source IS NOT NULL AND z.name = split_part(lower(CAST(t AS VARCHAR)), '.', 1))
  THEN error('42P01:relation "' || CAST(t AS VARCHAR) || '" does not exist') ELSE rs_regclass(t, path) END;
CREATE OR REPLACE MACRO {sys}.rs_may(u, k, o, p) AS rs_user_super(rs_grantee(u)) OR EXISTS (
  SELECT 1 FROM {sys}.fn_privilege z WHERE z.m_kind = k AND z.m_oid = o AND z.m_user = rs_grantee(u) AND z.m_column = ''
    AND (z.m_privilege = 'owner' OR list_contains(rs_privileges(p), z.m_privilege) OR z.m_option AND list_contains(rs_privileges(p), z.m_privilege || 'withgrantoption')));
CREATE OR REPLACE MACRO {sys}.rs_has_table_privilege(u, t, p, path) AS rs_known(['select', 'insert', 'update', 'delete', 'rule', 'references', 'trigger', 'drop', 'truncate', 'alter'], p)
  AND (rs_may(u, 'table', rs_relation_needed(t, path), p) OR rs_regclass(t, path) < 20000 AND list_contains(rs_privileges(p), 'select'));
CREATE OR REPLACE MACRO {sys}.rs_has_column_privilege(u, t, c, p, path) AS rs_known(['select', 'insert', 'update', 'references'], p)
  AND (rs_may(u, 'table', rs_relation_needed(t, path), p) OR EXISTS (
  SELECT 1 FROM {sys}.fn_privilege z WHERE z.m_kind = 'table' AND z.m_oid = rs_regclass(t, path) AND z.m_user = rs_grantee(u)
    AND z.m_column = lower(CAST(c AS VARCHAR)) AND list_contains(rs_privileges(p), z.m_privilege)));
CREATE OR REPLACE MACRO {sys}.rs_has_schema_privilege(u, t, p, path) AS rs_known(['create', 'usage', 'alter', 'drop'], p) AND CASE
  WHEN starts_with(lower(CAST(t AS VARCHAR)), 'pg_') OR lower(CAST(t AS VARCHAR)) IN ('information_schema', '11', '10000')
    THEN list_contains(rs_privileges(p), 'usage') OR rs_user_super(rs_grantee(u))
  WHEN rs_regnamespace(t, '') IS NULL AND t IS NOT NULL
    THEN error('3F000:schema "' || CAST(t AS VARCHAR) || '" does not exist')
  ELSE rs_may(u, 'schema', rs_regnamespace(t, ''), p) END;
CREATE OR REPLACE MACRO {sys}.rs_has_database_privilege(u, t, p, path) AS rs_known(['create', 'temporary', 'temp', 'usage', 'alter', 'drop', 'connect'], p) AND CASE
  WHEN t IS NOT NULL AND NOT EXISTS (SELECT 1 FROM memory.principals.databases z WHERE CAST(t AS VARCHAR) IN (z.name, CAST(z.id AS VARCHAR)))
    THEN error('3D000:database "' || CAST(t AS VARCHAR) || '" does not exist')
  ELSE rs_may(u, 'database', 0, replace(replace(lower(CAST(p AS VARCHAR)), 'temporary', 'temp'), 'temp', 'temporary')) END;
CREATE OR REPLACE MACRO {sys}.rs_has_function_privilege(u, t, p, path) AS rs_may(u, 'function', rs_regproc(t, path), p);
CREATE OR REPLACE MACRO {sys}.rs_has_language_privilege(u, t, p, path) AS true;
CREATE OR REPLACE MACRO {sys}.rs_user_is_member_of(u, k, g, path) AS EXISTS (
  SELECT 1 FROM memory.principals.holders z WHERE z.user_name = u AND z.kind IN ('role', 'group') AND z.name = g),
  (u, g, path) AS EXISTS (SELECT 1 FROM memory.principals.holders z WHERE z.user_name = u AND z.kind IN ('role', 'group') AND z.name = g);
CREATE OR REPLACE MACRO {sys}.rs_role_is_member_of(r, g) AS r = g OR EXISTS (
  SELECT 1 FROM memory.principals.role_grants z WHERE z.grantee_kind = 'role' AND z.grantee = r AND z.role = g);

CREATE OR REPLACE MACRO {sys}.rs_pg_table_is_visible(x, path) AS x < 20000 OR coalesce((
  SELECT list_contains(string_split(path, ','), z.m_schema) FROM {sys}.fn_relation z WHERE z.m_oid = x), false);
CREATE OR REPLACE MACRO {sys}.rs_pg_function_is_visible(x, path) AS coalesce((
  SELECT list_contains(string_split(path, ','), z.m_schema) FROM {sys}.fn_routine z WHERE z.m_oid = x), true);
CREATE OR REPLACE MACRO {sys}.rs_pg_type_is_visible(x) AS true;

CREATE OR REPLACE MACRO {sys}.rs_pg_get_viewdef(x) AS (SELECT z.m_definition FROM {sys}.fn_relation z WHERE z.m_oid = rs_regclass(x, 'public')),
  (x, pretty) AS (SELECT z.m_definition FROM {sys}.fn_relation z WHERE z.m_oid = rs_regclass(x, 'public'));
CREATE OR REPLACE MACRO {sys}.rs_pg_get_expr(x, r) AS CAST(x AS VARCHAR), (x, r, pretty) AS CAST(x AS VARCHAR);
CREATE OR REPLACE MACRO {sys}.rs_pg_get_constraintdef(x) AS (SELECT z.m_text FROM {sys}.fn_constraint z WHERE z.m_oid = x),
  (x, pretty) AS (SELECT z.m_text FROM {sys}.fn_constraint z WHERE z.m_oid = x);
CREATE OR REPLACE VIEW {sys}.fn_index AS
SELECT k.oid AS m_oid, k.columns AS m_columns, 'CREATE UNIQUE INDEX ' || k.name || ' ON ' || k.table_name || ' USING btree (' || array_to_string(k.columns, ', ') || ')' AS m_text
FROM {sys}.constraints_described k WHERE k.kind <> 'f';
CREATE OR REPLACE MACRO {sys}.rs_pg_get_indexdef(x) AS (SELECT z.m_text FROM {sys}.fn_index z WHERE z.m_oid = x),
  (x, pretty) AS (SELECT z.m_text FROM {sys}.fn_index z WHERE z.m_oid = x),
  (x, c, pretty) AS (SELECT CASE c WHEN 0 THEN z.m_text ELSE z.m_columns[c] END FROM {sys}.fn_index z WHERE z.m_oid = x);
CREATE OR REPLACE MACRO {sys}.rs_pg_get_ruledef(x) AS CAST(NULL AS VARCHAR), (x, pretty) AS CAST(NULL AS VARCHAR);
CREATE OR REPLACE MACRO {sys}.rs_pg_get_serial_sequence(t, c) AS CAST(NULL AS VARCHAR);

CREATE OR REPLACE MACRO {sys}.rs_routine_args(args, modes) AS list_aggregate(list_transform(
  list_filter(from_json(args, '[{"mode":"VARCHAR","name":"VARCHAR","type":"VARCHAR","args":["VARCHAR"]}]'), lambda a: list_contains(modes, a.mode)),
  lambda a: CASE a.mode WHEN 'in' THEN '' ELSE upper(a.mode) || ' ' END || coalesce(nullif(a.name, '') || ' ', '') || {sys}.rs_type_name(a.type, a.args)), 'string_agg', ', ');
CREATE OR REPLACE MACRO {sys}.rs_type_name(t, args) AS CASE t
  WHEN 'int' THEN 'integer' WHEN 'int4' THEN 'integer' WHEN 'int8' THEN 'bigint' WHEN 'int2' THEN 'smallint' WHEN 'varchar' THEN 'character varying'
  WHEN 'char' THEN 'character' WHEN 'bpchar' THEN 'character' WHEN 'decimal' THEN 'numeric' WHEN 'bool' THEN 'boolean' WHEN 'float' THEN 'double precision'
  WHEN 'float8' THEN 'double precision' WHEN 'float4' THEN 'real' WHEN 'timestamp' THEN 'timestamp without time zone' WHEN 'timestamptz' THEN 'timestamp with time zone'
  ELSE t END;
CREATE OR REPLACE MACRO {sys}.rs_pg_get_function_arguments(x) AS (SELECT coalesce(rs_routine_args(z.m_args, ['in', 'inout', 'out']), '') FROM {sys}.fn_routine z WHERE z.m_oid = x);
CREATE OR REPLACE MACRO {sys}.rs_pg_get_function_identity_arguments(x) AS (SELECT coalesce(rs_routine_args(z.m_args, ['in', 'inout']), '') FROM {sys}.fn_routine z WHERE z.m_oid = x);
CREATE OR REPLACE MACRO {sys}.rs_pg_get_function_result(x) AS (SELECT CASE WHEN z.m_kind = 'f' THEN rs_format_type(z.m_result, -1) END FROM {sys}.fn_routine z WHERE z.m_oid = x);
CREATE OR REPLACE MACRO {sys}.rs_pg_get_functiondef(x) AS (
  SELECT 'CREATE OR REPLACE PROCEDURE ' || z.m_schema || '.' || z.m_name || '(' || coalesce(rs_routine_args(z.m_args, ['in', 'inout', 'out']), '') || E')\n LANGUAGE plpgsql\n'
    || CASE z.m_security WHEN 'definer' THEN E' SECURITY DEFINER\n' ELSE '' END || 'AS $$' || z.m_body || E'$$\n' FROM {sys}.fn_routine z WHERE z.m_oid = x);
CREATE OR REPLACE MACRO {sys}.rs_oidvectortypes(x) AS CASE WHEN x = '' THEN '' ELSE array_to_string(list_transform(string_split(x, ' '), lambda t: rs_format_type(TRY_CAST(t AS INTEGER), -1)), ', ') END;

CREATE OR REPLACE MACRO {sys}.rs_obj_description(x) AS (SELECT z.m_comment FROM {sys}.fn_relation z WHERE z.m_oid = x),
  (x, c) AS (SELECT z.m_comment FROM {sys}.fn_relation z WHERE z.m_oid = x AND c = 'pg_class');
CREATE OR REPLACE MACRO {sys}.rs_col_description(x, c) AS (SELECT z.m_comment FROM {sys}.fn_column z WHERE z.m_oid = x AND z.m_num = c);
CREATE OR REPLACE MACRO {sys}.rs_shobj_description(x, c) AS CAST(NULL AS VARCHAR);

CREATE OR REPLACE MACRO {sys}.rs_array_to_string(a, s) AS CASE WHEN a IS NOT NULL THEN array_to_string(rs_array_elements(a), s) END;
CREATE OR REPLACE MACRO {sys}.rs_array_upper(a, d) AS CASE WHEN a IS NOT NULL THEN nullif(len(rs_array_elements(a)), 0) END::INTEGER;
CREATE OR REPLACE MACRO {sys}.rs_array_lower(a, d) AS CASE WHEN len(rs_array_elements(a)) > 0 THEN 1 END;

-- An item of an access list: who may do what, and who granted it.
CREATE OR REPLACE MACRO {sys}.rs_makeaclitem(u, g, grantor, privilege, grantable) AS
  CASE WHEN g <> 0 THEN 'group ' || coalesce((SELECT z.name FROM memory.principals.groups z WHERE z.id = g), '') WHEN u <> 0 THEN rs_pg_get_userbyid(u) ELSE '' END
  || '=' || CASE upper(privilege) WHEN 'SELECT' THEN 'r' WHEN 'INSERT' THEN 'a' WHEN 'UPDATE' THEN 'w' WHEN 'DELETE' THEN 'd' WHEN 'RULE' THEN 'R' WHEN 'REFERENCES' THEN 'x'
    WHEN 'TRIGGER' THEN 't' WHEN 'EXECUTE' THEN 'X' WHEN 'USAGE' THEN 'U' WHEN 'CREATE' THEN 'C' WHEN 'TEMP' THEN 'T' WHEN 'TEMPORARY' THEN 'T' ELSE error('unrecognized privilege type: "' || privilege || '"') END
  || CASE WHEN grantable THEN '*' ELSE '' END || '/' || rs_pg_get_userbyid(grantor);
CREATE OR REPLACE MACRO {sys}.rs_aclcontains(acl, item) AS regexp_matches(',' || trim(acl, '{}') || ',',
  ',' || regexp_escape(split_part(item, '=', 1)) || '=[^/,]*' || regexp_escape(split_part(split_part(item, '=', 2), '/', 1)) || '[^/,]*/' || regexp_escape(split_part(item, '/', 2)) || ',');

CREATE OR REPLACE MACRO {sys}.rs_pg_size_pretty(n) AS CASE WHEN n < 10240 THEN n || ' bytes' WHEN n < 10485760 THEN round(n / 1024)::BIGINT || ' kB'
  WHEN n < 10737418240 THEN round(n / 1048576)::BIGINT || ' MB' WHEN n < 10995116277760 THEN round(n / 1073741824)::BIGINT || ' GB' ELSE round(n / 1099511627776)::BIGINT || ' TB' END;
-- DuckDB does not account for a table's blocks.
CREATE OR REPLACE MACRO {sys}.rs_pg_table_size(x) AS CAST(NULL AS BIGINT);
CREATE OR REPLACE MACRO {sys}.rs_pg_database_size(x) AS (SELECT (z.block_size * z.total_blocks)::BIGINT FROM pragma_database_size() z WHERE z.database_name = {name});
CREATE OR REPLACE MACRO {sys}.rs_pg_tablespace_size(x) AS 0::BIGINT;
CREATE OR REPLACE MACRO {sys}.rs_pg_tablespace_location(x) AS '';
CREATE OR REPLACE MACRO {sys}.rs_pg_is_in_recovery() AS false;
CREATE OR REPLACE MACRO {sys}.rs_format_encoding(n) AS CASE n WHEN 1 THEN 'bytedict' WHEN 2 THEN 'delta' WHEN 3 THEN 'delta32k' WHEN 4 THEN 'lzo' WHEN 5 THEN 'mostly8' WHEN 6 THEN 'mostly16'
  WHEN 7 THEN 'mostly32' WHEN 8 THEN 'runlength' WHEN 9 THEN 'text255' WHEN 10 THEN 'text32k' WHEN 11 THEN 'zstd' WHEN 12 THEN 'az64' ELSE 'none' END;
