-- System views of one database, over its metadata. {db} is the metadata's
-- schema, {name} the database's name, {sys} where the views are made.
CREATE SCHEMA IF NOT EXISTS {sys};

CREATE OR REPLACE VIEW {sys}.pg_type AS
SELECT oid::UINTEGER AS oid, typname, 11::UINTEGER AS typnamespace, 10::INTEGER AS typowner, typlen::SMALLINT AS typlen,
       false AS typbyval, 'b' AS typtype, true AS typisdefined, ',' AS typdelim, 0::UINTEGER AS typrelid, 0::UINTEGER AS typelem,
       0::UINTEGER AS typbasetype, -1 AS typtypmod, false AS typnotnull, 0 AS typndims, NULL::VARCHAR AS typdefault,
       0::UINTEGER AS typinput, typcategory, 0::UINTEGER AS typarray, 0::UINTEGER AS typcollation, 0::UINTEGER AS typreceive
FROM (VALUES (16,'bool',1,'B'),(18,'char',1,'S'),(19,'name',64,'S'),(20,'int8',8,'N'),(21,'int2',2,'N'),(23,'int4',4,'N'),
  (25,'text',-1,'S'),(26,'oid',4,'N'),(700,'float4',4,'N'),(701,'float8',8,'N'),(705,'unknown',-2,'X'),(1042,'bpchar',-1,'S'),
  (1043,'varchar',-1,'S'),(1082,'date',4,'D'),(1083,'time',8,'D'),(1114,'timestamp',8,'D'),(1184,'timestamptz',8,'D'),
  (1186,'interval',16,'T'),(1188,'intervaly2m',4,'T'),(1190,'intervald2s',8,'T'),(1266,'timetz',12,'D'),(1700,'numeric',-1,'N'),
  (2935,'hllsketch',-1,'U'),(3000,'geometry',-1,'U'),(3001,'geography',-1,'U'),(4000,'super',-1,'U'),(6551,'varbyte',-1,'U'))
  t(oid, typname, typlen, typcategory);

-- Every column with its type taken apart.
CREATE OR REPLACE VIEW {sys}.columns_described AS
SELECT c.*, r.schema AS schema_name, r.name AS relation_name, r.kind, s.oid AS schema_oid,
  split_part(c.type, '(', 1) AS base,
  TRY_CAST(split_part(split_part(split_part(c.type, '(', 2), ')', 1), ',', 1) AS INTEGER) AS arg1,
  TRY_CAST(split_part(split_part(split_part(c.type, '(', 2), ')', 1), ',', 2) AS INTEGER) AS arg2,
  CASE split_part(c.type, '(', 1)
    WHEN 'boolean' THEN 16 WHEN 'smallint' THEN 21 WHEN 'integer' THEN 23 WHEN 'bigint' THEN 20 WHEN 'numeric' THEN 1700
    WHEN 'real' THEN 700 WHEN 'double precision' THEN 701 WHEN 'character' THEN 1042 WHEN 'character varying' THEN 1043
    WHEN 'date' THEN 1082 WHEN 'time without time zone' THEN 1083 WHEN 'time with time zone' THEN 1266
    WHEN 'timestamp without time zone' THEN 1114 WHEN 'timestamp with time zone' THEN 1184
    WHEN 'interval year to month' THEN 1188 WHEN 'interval day to second' THEN 1190 WHEN 'super' THEN 4000
    WHEN 'binary varying' THEN 6551 WHEN 'hllsketch' THEN 2935 WHEN 'oid' THEN 26 WHEN 'name' THEN 19 ELSE 705 END AS type_oid
FROM {db}.columns c JOIN {db}.relations r ON r.oid = c.oid LEFT JOIN {db}.schemas s ON s.name = r.schema;

CREATE OR REPLACE VIEW {sys}.pg_namespace AS
SELECT oid::UINTEGER AS oid, name AS nspname, 100::INTEGER AS nspowner, NULL::VARCHAR AS nspacl FROM {db}.schemas
UNION ALL SELECT 11, 'pg_catalog', 1, NULL UNION ALL SELECT 10000, 'information_schema', 1, NULL;

CREATE OR REPLACE VIEW {sys}.pg_class AS
SELECT r.oid::UINTEGER AS oid, r.name AS relname, s.oid::UINTEGER AS relnamespace, 0::UINTEGER AS reltype, 0::UINTEGER AS reloftype,
  100::INTEGER AS relowner, 0::UINTEGER AS relam, r.oid::UINTEGER AS relfilenode, 0::UINTEGER AS reltablespace, 1 AS relpages,
  0.001::FLOAT AS reltuples, 0::UINTEGER AS reltoastrelid, false AS relhasindex, false AS relisshared,
  CASE r.kind WHEN 'r' THEN 'r' ELSE 'v' END AS relkind, 'p' AS relpersistence,
  (SELECT count(*) FROM {db}.columns c WHERE c.oid = r.oid)::SMALLINT AS relnatts, 0::SMALLINT AS relchecks, false AS relhasoids,
  EXISTS (SELECT 1 FROM {db}.constraints k WHERE k.oid = r.oid AND k.kind = 'p') AS relhaspkey, r.kind <> 'r' AS relhasrules,
  false AS relhassubclass, false AS relhastriggers, false AS relrowsecurity, false AS relforcerowsecurity, false AS relispartition,
  'd' AS relreplident, NULL::VARCHAR AS relacl, NULL::VARCHAR AS reloptions,
  CASE r.diststyle WHEN 'even' THEN 0 WHEN 'key' THEN 1 WHEN 'all' THEN 8 ELSE 10 END::SMALLINT AS reldiststyle
FROM {db}.relations r LEFT JOIN {db}.schemas s ON s.name = r.schema;

CREATE OR REPLACE VIEW {sys}.pg_attribute AS
SELECT c.oid::UINTEGER AS attrelid, c.name AS attname, c.type_oid::UINTEGER AS atttypid, -1 AS attstattarget, -1::SMALLINT AS attlen,
  c.num::SMALLINT AS attnum, 0 AS attndims, -1 AS attcacheoff,
  CASE WHEN c.base = 'numeric' THEN c.arg1 * 65536 + c.arg2 + 4 WHEN c.base IN ('character', 'character varying') THEN c.arg1 + 4 ELSE -1 END AS atttypmod,
  false AS attbyval, 'p' AS attstorage, 'i' AS attalign, c.not_null AS attnotnull, c.default_text IS NOT NULL AS atthasdef,
  false AS attisdropped, true AS attislocal, 0 AS attinhcount, 0::UINTEGER AS attcollation,
  CASE WHEN c.identity IS NULL THEN '' WHEN c.identity LIKE 'default%' THEN 'd' ELSE 'a' END AS attidentity, '' AS attgenerated,
  c.distkey AS attisdistkey, c.sortkey::SMALLINT AS attsortkeyord, NULL::VARCHAR AS attacl
FROM {sys}.columns_described c;

CREATE OR REPLACE VIEW {sys}.pg_attrdef AS
SELECT c.oid::UINTEGER AS oid, c.oid::UINTEGER AS adrelid, c.num::SMALLINT AS adnum, c.default_text AS adbin, c.default_text AS adsrc
FROM {db}.columns c WHERE c.default_text IS NOT NULL;

CREATE OR REPLACE VIEW {sys}.pg_constraint AS
SELECT (900000 + row_number() OVER ())::UINTEGER AS oid, k.name AS conname, s.oid::UINTEGER AS connamespace, k.kind AS contype,
  false AS condeferrable, false AS condeferred, true AS convalidated, k.oid::UINTEGER AS conrelid, 0::UINTEGER AS contypid, 0::UINTEGER AS conindid,
  coalesce((SELECT f.oid FROM {db}.relations f WHERE f.schema = k.ref_schema AND f.name = k.ref_table), 0)::UINTEGER AS confrelid,
  ' ' AS confupdtype, ' ' AS confdeltype, ' ' AS confmatchtype,
  (SELECT list(c.num ORDER BY c.num) FROM {db}.columns c WHERE c.oid = k.oid AND list_contains(string_split(k.columns, ','), c.name)) AS conkey,
  NULL::INTEGER[] AS confkey, NULL::VARCHAR AS consrc, 0::UINTEGER AS conparentid
FROM {db}.constraints k JOIN {db}.relations r ON r.oid = k.oid LEFT JOIN {db}.schemas s ON s.name = r.schema;

CREATE OR REPLACE VIEW {sys}.pg_index AS
SELECT 0::UINTEGER AS indexrelid, 0::UINTEGER AS indrelid, 0::SMALLINT AS indnatts, false AS indisunique, false AS indisprimary,
  false AS indisclustered, true AS indisvalid, false AS indisreplident, false AS indisexclusion, ''::VARCHAR AS indkey, NULL::VARCHAR AS indexprs, NULL::VARCHAR AS indpred WHERE false;
CREATE OR REPLACE VIEW {sys}.pg_inherits AS SELECT 0::UINTEGER AS inhrelid, 0::UINTEGER AS inhparent, 0 AS inhseqno, false AS inhdetachpending WHERE false;
CREATE OR REPLACE VIEW {sys}.pg_description AS
SELECT oid::UINTEGER AS objoid, 1259::UINTEGER AS classoid, 0 AS objsubid, comment AS description FROM {db}.relations WHERE comment IS NOT NULL
UNION ALL SELECT oid::UINTEGER, 1259::UINTEGER, num, comment FROM {db}.columns WHERE comment IS NOT NULL;
CREATE OR REPLACE VIEW {sys}.pg_proc AS
SELECT p.oid::UINTEGER AS oid, p.name AS proname, coalesce(s.oid, 2200)::UINTEGER AS pronamespace, 100 AS proowner, 100125::UINTEGER AS prolang, false AS proisagg,
  'p' AS prokind, false AS proretset, (length(p.signature) - length(replace(p.signature, ',', '')) + (p.signature <> '')::INTEGER)::SMALLINT AS pronargs,
  0::UINTEGER AS prorettype, p.signature AS proargtypes, p.body AS prosrc, 'v' AS provolatile, p.security = 'definer' AS prosecdef, NULL::VARCHAR AS proacl
FROM {db}.procedures p LEFT JOIN {db}.schemas s ON s.name = p.schema;
CREATE OR REPLACE VIEW {sys}.pg_proc_info AS SELECT *, oid AS prooid FROM {sys}.pg_proc;
CREATE OR REPLACE VIEW {sys}.pg_am AS SELECT 403::UINTEGER AS oid, 'btree' AS amname WHERE false;
CREATE OR REPLACE VIEW {sys}.pg_language AS SELECT 12::UINTEGER AS oid, 'internal' AS lanname UNION ALL SELECT 14, 'sql' UNION ALL SELECT 100125, 'plpgsql';
CREATE OR REPLACE VIEW {sys}.pg_trigger AS SELECT 0::UINTEGER AS oid, 0::UINTEGER AS tgrelid, ''::VARCHAR AS tgname WHERE false;
CREATE OR REPLACE VIEW {sys}.pg_rewrite AS SELECT 0::UINTEGER AS oid, 0::UINTEGER AS ev_class, ''::VARCHAR AS rulename WHERE false;
CREATE OR REPLACE VIEW {sys}.pg_policy AS SELECT 0::UINTEGER AS oid, 0::UINTEGER AS polrelid, ''::VARCHAR AS polname WHERE false;
CREATE OR REPLACE VIEW {sys}.pg_statistic_ext AS SELECT 0::UINTEGER AS oid, 0::UINTEGER AS stxrelid, ''::VARCHAR AS stxname WHERE false;
CREATE OR REPLACE VIEW {sys}.pg_publication AS SELECT 0::UINTEGER AS oid, ''::VARCHAR AS pubname, false AS puballtables WHERE false;
CREATE OR REPLACE VIEW {sys}.pg_publication_rel AS SELECT 0::UINTEGER AS prpubid, 0::UINTEGER AS prrelid WHERE false;
CREATE OR REPLACE VIEW {sys}.pg_collation AS SELECT 100::UINTEGER AS oid, 'default' AS collname, 11::UINTEGER AS collnamespace;
CREATE OR REPLACE VIEW {sys}.pg_auth_members AS SELECT 0::UINTEGER AS roleid, 0::UINTEGER AS member, 0::UINTEGER AS grantor, false AS admin_option WHERE false;
CREATE OR REPLACE VIEW {sys}.pg_tablespace AS SELECT 1663::UINTEGER AS oid, 'pg_default' AS spcname;
CREATE OR REPLACE VIEW {sys}.pg_depend AS SELECT 1259::UINTEGER AS classid, oid::UINTEGER AS objid, 0 AS objsubid, 1259::UINTEGER AS refclassid, on_oid::UINTEGER AS refobjid, 0 AS refobjsubid, 'n' AS deptype FROM {db}.depends;

CREATE OR REPLACE VIEW {sys}.pg_tables AS
SELECT schema AS schemaname, name AS tablename, owner AS tableowner, NULL::VARCHAR AS tablespace, false AS hasindexes, false AS hasrules, false AS hastriggers
FROM {db}.relations WHERE kind = 'r';
CREATE OR REPLACE VIEW {sys}.pg_views AS
SELECT schema AS schemaname, name AS viewname, owner AS viewowner, definition FROM {db}.relations WHERE kind <> 'r';

CREATE OR REPLACE VIEW {sys}.pg_table_def AS
SELECT schema_name AS schemaname, relation_name AS tablename, name AS "column", type, coalesce(encoding, 'none') AS encoding, distkey, sortkey, not_null AS "notnull"
FROM {sys}.columns_described WHERE kind = 'r';

CREATE OR REPLACE VIEW {sys}.svv_tables AS
SELECT {name} AS table_catalog, schema AS table_schema, name AS table_name, CASE kind WHEN 'r' THEN 'BASE TABLE' ELSE 'VIEW' END AS table_type, comment AS remarks FROM {db}.relations;
CREATE OR REPLACE VIEW {sys}.svv_columns AS
SELECT {name} AS table_catalog, schema_name AS table_schema, relation_name AS table_name, name AS column_name, num AS ordinal_position,
  default_text AS column_default, CASE WHEN not_null THEN 'NO' ELSE 'YES' END AS is_nullable, base AS data_type,
  CASE WHEN base IN ('character', 'character varying') THEN arg1 END AS character_maximum_length,
  CASE base WHEN 'numeric' THEN arg1 WHEN 'integer' THEN 32 WHEN 'bigint' THEN 64 WHEN 'smallint' THEN 16 END AS numeric_precision,
  CASE WHEN base IN ('integer', 'bigint', 'smallint') THEN 2 WHEN base = 'numeric' THEN 10 END AS numeric_precision_radix,
  CASE base WHEN 'numeric' THEN arg2 WHEN 'integer' THEN 0 WHEN 'bigint' THEN 0 WHEN 'smallint' THEN 0 END AS numeric_scale,
  NULL::INTEGER AS datetime_precision, NULL::VARCHAR AS interval_type, NULL::VARCHAR AS interval_precision, NULL::VARCHAR AS character_set_catalog,
  NULL::VARCHAR AS character_set_schema, NULL::VARCHAR AS character_set_name, NULL::VARCHAR AS collation_catalog, NULL::VARCHAR AS collation_schema,
  NULL::VARCHAR AS collation_name, NULL::VARCHAR AS domain_name, comment AS remarks
FROM {sys}.columns_described;
CREATE OR REPLACE VIEW {sys}.svv_table_info AS
SELECT {name} AS database, r.schema, r.oid AS table_id, r.name AS "table", 'Y' AS encoded,
  CASE r.diststyle WHEN 'key' THEN 'KEY(' || coalesce((SELECT any_value(c.name) FROM {db}.columns c WHERE c.oid = r.oid AND c.distkey), '') || ')' WHEN 'auto' THEN 'AUTO(ALL)' ELSE upper(r.diststyle) END AS diststyle,
  coalesce((SELECT any_value(c.name) FROM {db}.columns c WHERE c.oid = r.oid AND c.sortkey = 1), 'AUTO(SORTKEY)') AS sortkey1,
  (SELECT max(c.sortkey) FROM {db}.columns c WHERE c.oid = r.oid) AS sortkey_num, greatest(t.estimated_size, 0) AS tbl_rows, greatest(t.estimated_size, 0) AS estimated_visible_rows
FROM {db}.relations r LEFT JOIN duckdb_tables() t ON t.database_name = {name} AND t.schema_name = r.schema AND t.table_name = r.name WHERE r.kind = 'r';
CREATE OR REPLACE VIEW {sys}.svv_all_schemas AS
SELECT {name} AS database_name, name AS schema_name, 100 AS schema_owner, CASE WHEN source IS NULL THEN 'local' ELSE 'external' END AS schema_type, NULL::VARCHAR AS schema_acl, source AS source_database, NULL::VARCHAR AS schema_option FROM {db}.schemas;
CREATE OR REPLACE VIEW {sys}.svv_redshift_schemas AS SELECT database_name, schema_name, schema_owner, schema_type, schema_acl, schema_option FROM {sys}.svv_all_schemas WHERE schema_type = 'local';
CREATE OR REPLACE VIEW {sys}.svv_redshift_tables AS
SELECT {name} AS database_name, schema AS schema_name, name AS table_name, CASE kind WHEN 'r' THEN 'TABLE' ELSE 'VIEW' END AS table_type, NULL::VARCHAR AS table_acl, comment AS remarks FROM {db}.relations;
CREATE OR REPLACE VIEW {sys}.svv_all_tables AS SELECT * FROM {sys}.svv_redshift_tables;
CREATE OR REPLACE VIEW {sys}.svv_redshift_columns AS
SELECT table_catalog AS database_name, table_schema AS schema_name, table_name, column_name, ordinal_position, data_type, column_default, is_nullable, NULL::VARCHAR AS encoding, NULL::BOOLEAN AS distkey, NULL::INTEGER AS sortkey, NULL::VARCHAR AS column_acl, remarks,
  character_maximum_length, numeric_precision, numeric_scale FROM {sys}.svv_columns;
CREATE OR REPLACE VIEW {sys}.svv_all_columns AS SELECT * FROM {sys}.svv_redshift_columns;

CREATE OR REPLACE VIEW {sys}."information_schema.tables" AS
SELECT {name} AS table_catalog, schema AS table_schema, name AS table_name, CASE kind WHEN 'r' THEN 'BASE TABLE' ELSE 'VIEW' END AS table_type,
  NULL::VARCHAR AS self_referencing_column_name, NULL::VARCHAR AS reference_generation, NULL::VARCHAR AS user_defined_type_catalog,
  NULL::VARCHAR AS user_defined_type_schema, NULL::VARCHAR AS user_defined_type_name FROM {db}.relations;
CREATE OR REPLACE VIEW {sys}."information_schema.columns" AS SELECT * FROM {sys}.svv_columns;
CREATE OR REPLACE VIEW {sys}."information_schema.schemata" AS
SELECT {name} AS catalog_name, nspname AS schema_name, 'rdsdb' AS schema_owner, NULL::VARCHAR AS default_character_set_catalog, NULL::VARCHAR AS default_character_set_schema, NULL::VARCHAR AS default_character_set_name, NULL::VARCHAR AS sql_path FROM {sys}.pg_namespace;
CREATE OR REPLACE VIEW {sys}."information_schema.views" AS
SELECT {name} AS table_catalog, schema AS table_schema, name AS table_name, definition AS view_definition, 'NONE' AS check_option, 'NO' AS is_updatable, 'NO' AS is_insertable_into FROM {db}.relations WHERE kind <> 'r';
CREATE OR REPLACE VIEW {sys}."information_schema.table_constraints" AS
SELECT {name} AS constraint_catalog, r.schema AS constraint_schema, k.name AS constraint_name, {name} AS table_catalog, r.schema AS table_schema, r.name AS table_name,
  CASE k.kind WHEN 'p' THEN 'PRIMARY KEY' WHEN 'u' THEN 'UNIQUE' ELSE 'FOREIGN KEY' END AS constraint_type, 'NO' AS is_deferrable, 'NO' AS initially_deferred
FROM {db}.constraints k JOIN {db}.relations r ON r.oid = k.oid;
CREATE OR REPLACE VIEW {sys}."information_schema.key_column_usage" AS
SELECT {name} AS constraint_catalog, r.schema AS constraint_schema, k.name AS constraint_name, {name} AS table_catalog, r.schema AS table_schema, r.name AS table_name,
  u.n AS column_name, u.i AS ordinal_position
FROM (SELECT *, unnest(string_split(columns, ',')) AS n, generate_subscripts(string_split(columns, ','), 1) AS i FROM {db}.constraints) u
JOIN {db}.constraints k ON k.oid = u.oid AND k.name = u.name JOIN {db}.relations r ON r.oid = k.oid;
