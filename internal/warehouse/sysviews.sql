-- System views of one database, over its metadata. {db} is the metadata's
-- schema, {name} the database's name, {sys} where the views are made.
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

-- The session's temporary tables; their columns' comments are their types.
CREATE OR REPLACE VIEW {sys}.temp_relations AS
SELECT 1000000 + t.table_oid AS oid, 'pg_temp_1' AS schema, t.table_name AS name FROM duckdb_tables() t WHERE t.database_name = 'temp' AND NOT t.internal;
CREATE OR REPLACE VIEW {sys}.all_columns AS
SELECT c.* EXCLUDE (collated), r.schema AS schema_name, r.name AS relation_name, r.kind, s.oid AS schema_oid
FROM {db}.columns c JOIN {db}.relations r ON r.oid = c.oid LEFT JOIN {db}.schemas s ON s.name = r.schema
UNION ALL SELECT 1000000 + c.table_oid, c.column_index, c.column_name, coalesce(c.comment, 'character varying(65535)'), NOT c.is_nullable, NULL, NULL, NULL, false, 0, NULL,
  'pg_temp_1', c.table_name, 'r', 15000
FROM duckdb_columns() c WHERE c.database_name = 'temp' AND NOT c.internal;

-- Every column with its type taken apart.
CREATE OR REPLACE VIEW {sys}.columns_described AS
SELECT c.*,
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
FROM {sys}.all_columns c;

-- The system tables other tables speak of, by PostgreSQL's numbers.
CREATE OR REPLACE VIEW {sys}.system_relations AS
SELECT v.oid::UINTEGER AS oid, v.relname, 'pg_catalog' AS schema_name
FROM (VALUES (1247, 'pg_type'), (1249, 'pg_attribute'), (1255, 'pg_proc'), (1259, 'pg_class'), (1260, 'pg_authid'), (1262, 'pg_database'),
  (2604, 'pg_attrdef'), (2606, 'pg_constraint'), (2609, 'pg_description'), (2612, 'pg_language'), (2615, 'pg_namespace'), (2618, 'pg_rewrite'),
  (2620, 'pg_trigger')) v(oid, relname);

-- Privileges as PostgreSQL writes them, grantee=letters/grantor, one array an object.
CREATE OR REPLACE VIEW {sys}.acl_letters AS
SELECT g.oid, g.kind, g.column_name,
  CASE g.grantee_kind WHEN 'public' THEN '' WHEN 'user' THEN g.grantee ELSE g.grantee_kind || ' ' || g.grantee END || '='
    || string_agg(v.letter || CASE WHEN g.grant_option THEN '*' ELSE '' END, '' ORDER BY v.n) || '/' || g.grantor AS item
FROM {db}.acl g JOIN (VALUES ('insert', 'a', 1), ('select', 'r', 2), ('update', 'w', 3), ('delete', 'd', 4), ('rule', 'R', 5), ('references', 'x', 6),
  ('trigger', 't', 7), ('drop', 'D', 8), ('truncate', 'P', 9), ('alter', 'A', 10), ('usage', 'U', 11), ('create', 'C', 12), ('temporary', 'T', 13),
  ('execute', 'X', 14)) v(privilege, letter, n) ON v.privilege = g.privilege
GROUP BY g.oid, g.kind, g.column_name, g.grantee_kind, g.grantee, g.grantor;
CREATE OR REPLACE VIEW {sys}.acls AS
SELECT oid, kind, column_name, string_agg(item, ',' ORDER BY item) AS items FROM {sys}.acl_letters GROUP BY oid, kind, column_name;

CREATE OR REPLACE VIEW {sys}.pg_namespace AS
SELECT s.oid::UINTEGER AS oid, s.name AS nspname, coalesce(u.id, 1)::INTEGER AS nspowner,
  '{' || s.owner || '=UC/' || s.owner || ',' || a.items || '}' AS nspacl
FROM {db}.schemas s LEFT JOIN memory.principals.users u ON u.name = s.owner LEFT JOIN {sys}.acls a ON a.oid = s.oid AND a.kind = 'schema'
UNION ALL SELECT 11, 'pg_catalog', 1, NULL UNION ALL SELECT 10000, 'information_schema', 1, NULL
UNION ALL SELECT 15000, 'pg_temp_1', 1, NULL WHERE EXISTS (SELECT 1 FROM {sys}.temp_relations);

-- The constraints, with the columns a foreign key points at, and as text.
CREATE OR REPLACE VIEW {sys}.constraints_described AS
WITH k AS (
  SELECT (900000 + row_number() OVER (ORDER BY c.oid, c.kind, c.name))::UINTEGER AS oid, c.oid AS table_oid, c.name, c.kind, r.schema, r.name AS table_name,
    string_split(c.columns, ',') AS columns, c.ref_schema, c.ref_table, f.oid AS ref_oid,
    string_split(coalesce(nullif(c.ref_columns, ''), (SELECT any_value(p.columns) FROM {db}.constraints p WHERE p.oid = f.oid AND p.kind = 'p'), ''), ',') AS ref_columns
  FROM {db}.constraints c JOIN {db}.relations r ON r.oid = c.oid LEFT JOIN {db}.relations f ON f.schema = c.ref_schema AND f.name = c.ref_table)
SELECT *, CASE kind WHEN 'p' THEN 'PRIMARY KEY (' WHEN 'u' THEN 'UNIQUE (' ELSE 'FOREIGN KEY (' END || array_to_string(columns, ', ') || ')'
  || CASE kind WHEN 'f' THEN ' REFERENCES ' || CASE ref_schema WHEN schema THEN '' ELSE ref_schema || '.' END || ref_table || '(' || array_to_string(ref_columns, ', ') || ')' ELSE '' END AS text
FROM k;
CREATE OR REPLACE VIEW {sys}.pg_class AS
SELECT r.oid::UINTEGER AS oid, r.name AS relname, s.oid::UINTEGER AS relnamespace, 0::UINTEGER AS reltype, 0::UINTEGER AS reloftype,
  coalesce(u.id, 1)::INTEGER AS relowner, 0::UINTEGER AS relam, r.oid::UINTEGER AS relfilenode, 0::UINTEGER AS reltablespace, 1 AS relpages,
  0.001::FLOAT AS reltuples, 0::UINTEGER AS reltoastrelid, EXISTS (SELECT 1 FROM {db}.constraints k WHERE k.oid = r.oid AND k.kind <> 'f') AS relhasindex, false AS relisshared,
  CASE r.kind WHEN 'r' THEN 'r' ELSE 'v' END AS relkind, 'p' AS relpersistence,
  (SELECT count(*) FROM {db}.columns c WHERE c.oid = r.oid AND r.kind <> 'l')::SMALLINT AS relnatts, 0::SMALLINT AS relchecks, false AS relhasoids,
  EXISTS (SELECT 1 FROM {db}.constraints k WHERE k.oid = r.oid AND k.kind = 'p') AS relhaspkey, r.kind <> 'r' AS relhasrules,
  false AS relhassubclass, EXISTS (SELECT 1 FROM {db}.constraints k WHERE k.oid = r.oid AND k.kind = 'f') AS relhastriggers, false AS relrowsecurity, false AS relforcerowsecurity, false AS relispartition,
  'd' AS relreplident, '{' || r.owner || '=arwdRxtDPA/' || r.owner || ',' || g.items || '}' AS relacl, NULL::VARCHAR AS reloptions,
  CASE r.diststyle WHEN 'even' THEN 0 WHEN 'key' THEN 1 WHEN 'all' THEN 8 ELSE 9 END::SMALLINT AS reldiststyle,
  r.created AS relcreationtime
FROM {db}.relations r LEFT JOIN {db}.schemas s ON s.name = r.schema LEFT JOIN memory.principals.users u ON u.name = r.owner
LEFT JOIN {sys}.acls g ON g.oid = r.oid AND g.kind = 'table' AND g.column_name = ''
UNION ALL SELECT k.oid, k.name, s.oid::UINTEGER, 0, 0, 1, 403, k.oid, 0, 1, 0, 0, false, false, 'i', 'p', len(k.columns)::SMALLINT, 0, false, false, false, false, false, false, false, false,
  'n', NULL, NULL, 0, NULL
FROM {sys}.constraints_described k LEFT JOIN {db}.schemas s ON s.name = k.schema WHERE k.kind <> 'f'
UNION ALL SELECT t.oid, t.name, 15000, 0, 0, 1, 0, t.oid, 0, 1, 0, 0, false, false, 'r', 't', 0, 0, false, false, false, false, false, false, false, false, 'd', NULL, NULL, 0, NULL
FROM {sys}.temp_relations t;
CREATE OR REPLACE VIEW {sys}.pg_class_info AS SELECT *, CASE reldiststyle WHEN 9 THEN 10 ELSE reldiststyle END::SMALLINT AS releffectivediststyle FROM {sys}.pg_class;

CREATE OR REPLACE VIEW {sys}.pg_attribute AS
SELECT c.oid::UINTEGER AS attrelid, c.name AS attname, c.type_oid::UINTEGER AS atttypid, -1 AS attstattarget, -1::SMALLINT AS attlen,
  c.num::SMALLINT AS attnum, 0 AS attndims, -1 AS attcacheoff,
  CASE WHEN c.base = 'numeric' THEN c.arg1 * 65536 + c.arg2 + 4 WHEN c.base IN ('character', 'character varying') THEN c.arg1 + 4 ELSE -1 END AS atttypmod,
  false AS attbyval, 'p' AS attstorage, 'i' AS attalign, c.not_null AS attnotnull, c.default_text IS NOT NULL OR c.identity IS NOT NULL AS atthasdef,
  false AS attisdropped, true AS attislocal, 0 AS attinhcount, 0::UINTEGER AS attcollation,
  CASE WHEN c.identity IS NULL THEN '' WHEN c.identity LIKE 'default%' THEN 'd' ELSE 'a' END AS attidentity, '' AS attgenerated,
  c.distkey AS attisdistkey, c.sortkey::SMALLINT AS attsortkeyord, '{' || a.items || '}' AS attacl, list_position(['bytedict', 'delta', 'delta32k', 'lzo', 'mostly8', 'mostly16', 'mostly32', 'runlength', 'text255', 'text32k', 'zstd', 'az64'], lower(c.encoding)) AS attencodingtype,
  c.encoding AS attencoding, ''::VARCHAR AS attcompression
FROM {sys}.columns_described c LEFT JOIN {sys}.acls a ON a.oid = c.oid AND a.kind = 'table' AND a.column_name = c.name WHERE c.kind <> 'l'
UNION ALL SELECT k.oid, c.name, c.type_oid, -1, -1, u.n::SMALLINT, 0, -1, -1, false, 'p', 'i', false, false, false, true, 0, 0, '', '', false, 0, NULL, 0, NULL, ''
FROM (SELECT oid, table_oid, columns, unnest(generate_series(1, len(columns))) AS n FROM {sys}.constraints_described WHERE kind <> 'f') u
JOIN {sys}.constraints_described k ON k.oid = u.oid JOIN {sys}.columns_described c ON c.oid = k.table_oid AND c.name = k.columns[u.n];
CREATE OR REPLACE VIEW {sys}.pg_attribute_info AS SELECT * FROM {sys}.pg_attribute;

CREATE OR REPLACE VIEW {sys}.pg_attrdef AS
SELECT d.oid::UINTEGER AS oid, d.oid::UINTEGER AS adrelid, d.num::SMALLINT AS adnum, d.source AS adbin, d.source AS adsrc
FROM (SELECT c.oid, c.num, CASE WHEN c.identity LIKE 'default:%' THEN 'default_identity(' || c.oid || ', ' || c.num - 1 || ', ''' || substr(c.identity, 9) || '''::text)'
    WHEN c.identity IS NOT NULL THEN '"identity"(' || c.oid || ', ' || c.num - 1 || ', ''' || c.identity || '''::text)' ELSE c.default_text END AS source
  FROM {db}.columns c) d WHERE d.source IS NOT NULL;

CREATE OR REPLACE VIEW {sys}.pg_constraint AS
SELECT k.oid, k.name AS conname, s.oid::UINTEGER AS connamespace, k.kind AS contype,
  false AS condeferrable, false AS condeferred, true AS convalidated, k.table_oid::UINTEGER AS conrelid, 0::UINTEGER AS contypid, CASE k.kind WHEN 'f' THEN 0 ELSE k.oid END::UINTEGER AS conindid,
  coalesce(k.ref_oid, 0)::UINTEGER AS confrelid, CASE k.kind WHEN 'f' THEN 'a' ELSE ' ' END AS confupdtype, CASE k.kind WHEN 'f' THEN 'a' ELSE ' ' END AS confdeltype,
  CASE k.kind WHEN 'f' THEN 'u' ELSE ' ' END AS confmatchtype,
  (SELECT list(c.num ORDER BY list_position(k.columns, c.name)) FROM {db}.columns c WHERE c.oid = k.table_oid AND list_contains(k.columns, c.name)) AS conkey,
  (SELECT list(c.num ORDER BY list_position(k.ref_columns, c.name)) FROM {db}.columns c WHERE c.oid = k.ref_oid AND list_contains(k.ref_columns, c.name)) AS confkey,
  NULL::VARCHAR AS conbin, NULL::VARCHAR AS consrc, 0::UINTEGER AS conparentid, 1259::UINTEGER AS tableoid
FROM {sys}.constraints_described k LEFT JOIN {db}.schemas s ON s.name = k.schema;

-- Primary and unique keys have indexes in the catalog, and nowhere else.
CREATE OR REPLACE VIEW {sys}.pg_index AS
SELECT k.oid::UINTEGER AS indexrelid, k.conrelid AS indrelid, len(k.conkey)::SMALLINT AS indnatts, true AS indisunique, k.contype = 'p' AS indisprimary,
  false AS indisclustered, true AS indisvalid, false AS indisreplident, false AS indisexclusion, true AS indimmediate,
  array_to_string(k.conkey, ' ') AS indkey, NULL::VARCHAR AS indexprs, NULL::VARCHAR AS indpred, NULL::VARCHAR AS indclass
FROM {sys}.pg_constraint k WHERE k.contype <> 'f';
CREATE OR REPLACE VIEW {sys}.pg_inherits AS SELECT 0::UINTEGER AS inhrelid, 0::UINTEGER AS inhparent, 0 AS inhseqno, false AS inhdetachpending WHERE false;
CREATE OR REPLACE VIEW {sys}.pg_description AS
SELECT oid::UINTEGER AS objoid, 1259::UINTEGER AS classoid, 0 AS objsubid, comment AS description FROM {db}.relations WHERE comment IS NOT NULL
UNION ALL SELECT oid::UINTEGER, 1259::UINTEGER, num, comment FROM {db}.columns WHERE comment IS NOT NULL;
-- The number of a type by any of its names.
CREATE OR REPLACE MACRO {sys}.rs_type_oid(t) AS CASE lower(t)
  WHEN 'boolean' THEN 16 WHEN 'bool' THEN 16 WHEN 'name' THEN 19 WHEN 'bigint' THEN 20 WHEN 'int8' THEN 20 WHEN 'smallint' THEN 21 WHEN 'int2' THEN 21
  WHEN 'integer' THEN 23 WHEN 'int' THEN 23 WHEN 'int4' THEN 23 WHEN 'oid' THEN 26 WHEN 'real' THEN 700 WHEN 'float4' THEN 700
  WHEN 'double precision' THEN 701 WHEN 'float' THEN 701 WHEN 'float8' THEN 701 WHEN 'double' THEN 701 WHEN 'character' THEN 1042 WHEN 'char' THEN 1042 WHEN 'bpchar' THEN 1042 WHEN 'nchar' THEN 1042
  WHEN 'character varying' THEN 1043 WHEN 'varchar' THEN 1043 WHEN 'nvarchar' THEN 1043 WHEN 'text' THEN 1043 WHEN 'date' THEN 1082 WHEN 'time' THEN 1083 WHEN 'time without time zone' THEN 1083
  WHEN 'timetz' THEN 1266 WHEN 'time with time zone' THEN 1266 WHEN 'timestamp' THEN 1114 WHEN 'timestamp without time zone' THEN 1114 WHEN 'timestamptz' THEN 1184 WHEN 'timestamp with time zone' THEN 1184
  WHEN 'numeric' THEN 1700 WHEN 'decimal' THEN 1700 WHEN 'dec' THEN 1700 WHEN 'interval year to month' THEN 1188 WHEN 'interval day to second' THEN 1190 WHEN 'refcursor' THEN 1790 WHEN 'super' THEN 4000
  WHEN 'binary varying' THEN 6551 WHEN 'varbyte' THEN 6551 WHEN 'varbinary' THEN 6551 WHEN 'hllsketch' THEN 2935 ELSE 705 END;
-- Procedures and functions with their arguments: each has a mode, a name and a type.
CREATE OR REPLACE VIEW {sys}.routines AS
SELECT r.*, list_transform(r.listed, lambda a: coalesce(a ->> 'mode', 'in')) AS modes, list_transform(r.listed, lambda a: coalesce(a ->> 'name', a ->> 'of', '')) AS names,
  list_transform(r.listed, lambda a: rs_type_oid(coalesce(a ->> 'type', a ->> 'name'))) AS arg_types
FROM (SELECT p.oid, p.schema, p.name, p.owner, 'p' AS kind, 100356 AS lang, 0 AS rettype, CAST(p.args AS JSON[]) AS listed, p.signature, p.body, 'v' AS volatility, p.security = 'definer' AS secdef, p.created FROM {db}.procedures p
  UNION ALL SELECT f.oid, f.schema, f.name, f.owner, 'f', CASE f.language WHEN 'sql' THEN 14 ELSE 100125 END, rs_type_oid(CAST(f.returns AS JSON) ->> 'name'),
    list_transform(CAST(f.args AS JSON[]), lambda a: CAST(json_object('mode', 'in', 'type', a ->> 'name', 'name', coalesce(a ->> 'of', '')) AS JSON)), f.signature, f.body, left(lower(f.volatility), 1), false, f.created FROM {db}.functions f) r;
CREATE OR REPLACE VIEW {sys}.pg_proc AS
SELECT p.oid::UINTEGER AS oid, p.name AS proname, coalesce(s.oid, 2200)::UINTEGER AS pronamespace, coalesce(u.id, 1)::INTEGER AS proowner, p.lang::UINTEGER AS prolang, false AS proisagg, false AS proiswindow, false AS proisstrict, false AS prosecurity,
  p.kind AS prokind, false AS proretset, len(list_filter(p.modes, lambda m: m <> 'out'))::SMALLINT AS pronargs,
  p.rettype::UINTEGER AS prorettype, array_to_string(list_filter(p.arg_types, lambda t, i: p.modes[i] <> 'out'), ' ') AS proargtypes, p.body AS prosrc, p.volatility AS provolatile, p.secdef AS prosecdef,
  '{' || p.owner || '=X/' || p.owner || ',' || a.items || '}' AS proacl, NULL::VARCHAR AS probin,
  CASE WHEN len(list_filter(p.names, lambda n: n <> '')) > 0 THEN '{' || array_to_string(p.names, ',') || '}' END AS proargnames,
  CASE WHEN len(list_filter(p.modes, lambda m: m <> 'in')) > 0 THEN '{' || array_to_string(list_transform(p.modes, lambda m: CASE m WHEN 'in' THEN 'i' WHEN 'out' THEN 'o' ELSE 'b' END), ',') || '}' END AS proargmodes,
  CASE WHEN len(list_filter(p.modes, lambda m: m <> 'in')) > 0 THEN '{' || array_to_string(p.arg_types, ',') || '}' END AS proallargtypes
FROM {sys}.routines p LEFT JOIN {db}.schemas s ON s.name = p.schema LEFT JOIN memory.principals.users u ON u.name = p.owner
LEFT JOIN {sys}.acls a ON a.oid = p.oid AND a.kind = 'function';
CREATE OR REPLACE VIEW {sys}.pg_proc_info AS SELECT *, oid AS prooid FROM {sys}.pg_proc;
CREATE OR REPLACE VIEW {sys}.pg_am AS SELECT 403::UINTEGER AS oid, 'btree' AS amname, 'i' AS amtype;
CREATE OR REPLACE VIEW {sys}.pg_language AS
SELECT v.oid::UINTEGER AS oid, v.lanname, 1 AS lanowner, v.user_language AS lanispl, v.user_language AS lanpltrusted, CASE WHEN v.user_language THEN v.oid ELSE 0 END::UINTEGER AS lanplcallfoid,
  NULL::VARCHAR AS lanacl, 2612::UINTEGER AS tableoid
FROM (VALUES (12, 'internal', false), (14, 'sql', false), (100125, 'plpythonu', true), (100356, 'plpgsql', true)) v(oid, lanname, user_language);
CREATE OR REPLACE VIEW {sys}.pg_trigger AS SELECT false AS tgisinternal, 0::UINTEGER AS tgconstraint, 'O' AS tgenabled, 0::UINTEGER AS tableoid, 0::UINTEGER AS oid, 0::UINTEGER AS tgrelid, ''::VARCHAR AS tgname WHERE false;
-- A view is a rule of its relation; what it reads, the rule depends on.
CREATE OR REPLACE VIEW {sys}.pg_rewrite AS SELECT (2000000 + oid)::UINTEGER AS oid, oid::UINTEGER AS ev_class, '_RETURN' AS rulename, 2618::UINTEGER AS tableoid, 'O' AS ev_enabled
FROM {db}.relations WHERE kind IN ('v', 'm');
CREATE OR REPLACE VIEW {sys}.pg_policy AS SELECT 0::UINTEGER AS oid, 0::UINTEGER AS polrelid, ''::VARCHAR AS polname WHERE false;
CREATE OR REPLACE VIEW {sys}.pg_conf AS SELECT ''::VARCHAR AS key, ''::VARCHAR AS value WHERE false;
CREATE OR REPLACE VIEW {sys}.pg_library AS SELECT ''::VARCHAR AS name, 0 AS language_oid, 0::UINTEGER AS file_store_id, 0 AS owner WHERE false;
CREATE OR REPLACE VIEW {sys}.pg_statistic_ext AS SELECT 0::UINTEGER AS oid, 0::UINTEGER AS stxrelid, ''::VARCHAR AS stxname WHERE false;
CREATE OR REPLACE VIEW {sys}.pg_publication AS SELECT 0::UINTEGER AS oid, ''::VARCHAR AS pubname, false AS puballtables WHERE false;
CREATE OR REPLACE VIEW {sys}.pg_publication_rel AS SELECT 0::UINTEGER AS prpubid, 0::UINTEGER AS prrelid WHERE false;
CREATE OR REPLACE VIEW {sys}.pg_collation AS SELECT 100::UINTEGER AS oid, 'default' AS collname, 11::UINTEGER AS collnamespace;
CREATE OR REPLACE VIEW {sys}.pg_auth_members AS
SELECT r.id::UINTEGER AS roleid, u.id::UINTEGER AS member, 1::UINTEGER AS grantor, g.admin AS admin_option
FROM memory.principals.role_grants g JOIN memory.principals.roles r ON r.name = g.role JOIN memory.principals.users u ON g.grantee_kind = 'user' AND u.name = g.grantee;
CREATE OR REPLACE VIEW {sys}.pg_extension AS SELECT 0::UINTEGER AS oid, ''::VARCHAR AS extname, ''::VARCHAR AS extversion, 0::UINTEGER AS extnamespace, 0::UINTEGER AS extowner WHERE false;
CREATE OR REPLACE VIEW {sys}.pg_enum AS SELECT 0::UINTEGER AS oid, 0::UINTEGER AS enumtypid, 0 AS enumsortorder, ''::VARCHAR AS enumlabel WHERE false;
CREATE OR REPLACE VIEW {sys}.pg_default_acl AS
SELECT (300000 + row_number() OVER (ORDER BY defacluser, defaclnamespace, defaclobjtype))::UINTEGER AS oid, * FROM (
SELECT u.id::UINTEGER AS defacluser, u.id::INTEGER AS defaclrole, coalesce(s.oid, 0)::UINTEGER AS defaclnamespace, CASE d.kind WHEN 'table' THEN 'r' WHEN 'procedure' THEN 'p' ELSE 'f' END AS defaclobjtype,
  '{' || string_agg(CASE d.grantee_kind WHEN 'public' THEN '' WHEN 'user' THEN d.grantee ELSE d.grantee_kind || ' ' || d.grantee END || '=' || d.letters || '/' || d.owner, ',') || '}' AS defaclacl
FROM (SELECT d.owner, d.schema, d.kind, d.grantee_kind, d.grantee, string_agg(v.letter, '' ORDER BY v.n) AS letters
    FROM {db}.default_acl d JOIN (VALUES ('insert', 'a', 1), ('select', 'r', 2), ('update', 'w', 3), ('delete', 'd', 4), ('references', 'x', 6), ('drop', 'D', 8),
      ('truncate', 'P', 9), ('alter', 'A', 10), ('execute', 'X', 14)) v(privilege, letter, n) ON v.privilege = d.privilege GROUP BY ALL) d
JOIN memory.principals.users u ON u.name = d.owner LEFT JOIN {db}.schemas s ON s.name = d.schema GROUP BY ALL);
CREATE OR REPLACE VIEW {sys}.pg_db_role_setting AS SELECT 0::UINTEGER AS setdatabase, u.id::UINTEGER AS setrole, '{' || u.settings || '}' AS setconfig FROM memory.principals.users u WHERE u.settings <> '';
CREATE OR REPLACE VIEW {sys}.pg_tablespace AS SELECT 1663::UINTEGER AS oid, 'pg_default' AS spcname, 1 AS spcowner, NULL::VARCHAR AS spcacl, NULL::VARCHAR AS spcoptions, ''::VARCHAR AS spclocation;
CREATE OR REPLACE VIEW {sys}.pg_depend AS
SELECT 2618::UINTEGER AS classid, (2000000 + oid)::UINTEGER AS objid, 0 AS objsubid, 1259::UINTEGER AS refclassid, on_oid::UINTEGER AS refobjid, 0 AS refobjsubid, 'n' AS deptype FROM {db}.depends
UNION ALL SELECT 2618::UINTEGER, oid, 0, 1259::UINTEGER, ev_class, 0, 'i' FROM {sys}.pg_rewrite
UNION ALL SELECT 2606::UINTEGER, f.oid, 0, 1259::UINTEGER, p.oid, 0, 'n'
FROM {sys}.constraints_described f JOIN {sys}.constraints_described p ON p.table_oid = f.ref_oid AND p.kind IN ('p', 'u') AND p.columns = f.ref_columns WHERE f.kind = 'f';

CREATE OR REPLACE VIEW {sys}.pg_tables AS
SELECT schema AS schemaname, name AS tablename, owner AS tableowner, NULL::VARCHAR AS tablespace, false AS hasindexes, false AS hasrules, false AS hastriggers
FROM {db}.relations WHERE kind = 'r';
CREATE OR REPLACE VIEW {sys}.pg_views AS
SELECT schema AS schemaname, name AS viewname, owner AS viewowner,
  CASE kind WHEN 'l' THEN 'create view ' || schema || '.' || name || ' as ' || definition || ' with no schema binding;' ELSE definition END AS definition
FROM {db}.relations WHERE kind <> 'r';

CREATE OR REPLACE VIEW {sys}.pg_table_def AS
SELECT schema_name AS schemaname, relation_name AS tablename, name AS "column", type, coalesce(encoding, 'none') AS encoding, distkey, sortkey, not_null AS "notnull"
FROM {sys}.columns_described WHERE kind = 'r';

CREATE OR REPLACE VIEW {sys}.svv_tables AS
SELECT {name} AS table_catalog, schema AS table_schema, name AS table_name, CASE kind WHEN 'r' THEN 'BASE TABLE' ELSE 'VIEW' END AS table_type, comment AS remarks FROM {db}.relations
UNION ALL SELECT {name}, t.schema, t.name, 'LOCAL TEMPORARY', NULL FROM {sys}.temp_relations t;
CREATE OR REPLACE VIEW {sys}.svv_columns AS
SELECT {name} AS table_catalog, schema_name AS table_schema, relation_name AS table_name, name AS column_name, num AS ordinal_position,
  (SELECT d.adsrc FROM {sys}.pg_attrdef d WHERE d.adrelid = c.oid AND d.adnum = c.num) AS column_default, CASE WHEN not_null THEN 'NO' ELSE 'YES' END AS is_nullable, base AS data_type,
  CASE WHEN base IN ('character', 'character varying') THEN arg1 END AS character_maximum_length,
  CASE base WHEN 'numeric' THEN arg1 WHEN 'integer' THEN 32 WHEN 'bigint' THEN 64 WHEN 'smallint' THEN 16 WHEN 'real' THEN 24 WHEN 'double precision' THEN 53 END AS numeric_precision,
  CASE WHEN base IN ('integer', 'bigint', 'smallint', 'real', 'double precision') THEN 2 WHEN base = 'numeric' THEN 10 END AS numeric_precision_radix,
  CASE base WHEN 'numeric' THEN arg2 WHEN 'integer' THEN 0 WHEN 'bigint' THEN 0 WHEN 'smallint' THEN 0 END AS numeric_scale,
  NULL::INTEGER AS datetime_precision, NULL::VARCHAR AS interval_type, NULL::VARCHAR AS interval_precision, NULL::VARCHAR AS character_set_catalog,
  NULL::VARCHAR AS character_set_schema, NULL::VARCHAR AS character_set_name, NULL::VARCHAR AS collation_catalog, NULL::VARCHAR AS collation_schema,
  NULL::VARCHAR AS collation_name, NULL::VARCHAR AS domain_name, comment AS remarks
FROM {sys}.columns_described c;
CREATE OR REPLACE VIEW {sys}.svv_table_info AS
SELECT {name} AS database, r.schema, r.oid AS table_id, r.name AS "table", CASE WHEN k.encoded THEN 'Y' ELSE 'N' END AS encoded,
  CASE r.diststyle WHEN 'key' THEN 'KEY(' || coalesce(k.distkey, '') || ')' WHEN 'auto' THEN 'AUTO(ALL)' ELSE upper(r.diststyle) END AS diststyle,
  CASE WHEN k.sortkey_num = 0 THEN 'AUTO(SORTKEY)' WHEN r.sortstyle = 'interleaved' THEN 'INTERLEAVED' ELSE k.sortkey1 END AS sortkey1,
  k.max_varchar, k.sortkey1_enc, k.sortkey_num, NULL::BIGINT AS size, NULL::DECIMAL(10,4) AS pct_used, 0::BIGINT AS empty, NULL::DECIMAL(5,2) AS unsorted, NULL::DECIMAL(5,2) AS stats_off,
  greatest(t.estimated_size, 0)::DECIMAL(38,0) AS tbl_rows, NULL::DECIMAL(19,2) AS skew_sortkey1, NULL::DECIMAL(19,2) AS skew_rows,
  greatest(t.estimated_size, 0)::DECIMAL(38,0) AS estimated_visible_rows, NULL::VARCHAR AS risk_event, NULL::DECIMAL(12,2) AS vacuum_sort_benefit, r.created AS create_time
FROM {db}.relations r LEFT JOIN duckdb_tables() t ON t.database_name = {name} AND t.schema_name = r.schema AND t.table_name = r.name
LEFT JOIN (SELECT c.oid, bool_or(coalesce(c.encoding, 'none') NOT IN ('none', 'raw')) AS encoded, max(CASE WHEN c.distkey THEN c.name END) AS distkey,
    max(CASE WHEN c.sortkey = 1 THEN c.name END) AS sortkey1, max(CASE WHEN c.sortkey = 1 THEN coalesce(c.encoding, 'none') END) AS sortkey1_enc, max(abs(c.sortkey)) AS sortkey_num,
    coalesce(max(CASE WHEN c.base = 'character varying' THEN c.arg1 END), 0) AS max_varchar FROM {sys}.columns_described c GROUP BY c.oid) k ON k.oid = r.oid
WHERE r.kind = 'r';
-- One slice holds every table; the blocks of its disk are not Redshift's and are not listed.
CREATE OR REPLACE VIEW {sys}.stv_tbl_perm AS
SELECT 0::INTEGER AS slice, r.oid::INTEGER AS id, r.name, greatest(t.estimated_size, 0)::BIGINT AS rows, greatest(t.estimated_size, 0)::BIGINT AS sorted_rows, 0::INTEGER AS temp,
  (SELECT d.id FROM memory.principals.databases d WHERE d.name = {name})::INTEGER AS db_id, 0::INTEGER AS insert_pristine, 0::INTEGER AS delete_pristine, 1::INTEGER AS backup, 0::INTEGER AS dist_style, 0::BIGINT AS block_count
FROM {db}.relations r JOIN duckdb_tables() t ON t.database_name = {name} AND t.schema_name = r.schema AND t.table_name = r.name WHERE r.kind = 'r';
CREATE OR REPLACE VIEW {sys}.stv_blocklist AS
SELECT 0::INTEGER AS slice, 0::INTEGER AS col, 0::INTEGER AS tbl, 0::INTEGER AS blocknum, 0::INTEGER AS num_values, 0::INTEGER AS extended_limits, 0::BIGINT AS minvalue, 0::BIGINT AS maxvalue, 0::INTEGER AS sb_pos,
  0::INTEGER AS pinned, 0::INTEGER AS on_disk, 0::INTEGER AS modified, 0::INTEGER AS hdr_modified, 0::INTEGER AS unsorted, 0::INTEGER AS tombstone, 0::INTEGER AS preferred_diskno, 0::INTEGER AS temporary, 0::INTEGER AS newblock,
  0::INTEGER AS num_readers, 0::INTEGER AS flags WHERE false;
CREATE OR REPLACE VIEW {sys}.svv_diskusage AS
SELECT 0::INTEGER AS db_id, ''::VARCHAR AS name, 0::INTEGER AS slice, 0::INTEGER AS col, 0::INTEGER AS tbl, 0::INTEGER AS blocknum, 0::INTEGER AS num_values, 0::BIGINT AS minvalue, 0::BIGINT AS maxvalue, 0::INTEGER AS sb_pos,
  0::INTEGER AS pinned, 0::INTEGER AS on_disk, 0::INTEGER AS modified, 0::INTEGER AS hdr_modified, 0::INTEGER AS unsorted, 0::INTEGER AS tombstone, 0::INTEGER AS preferred_diskno, 0::INTEGER AS temporary, 0::INTEGER AS newblock WHERE false;
CREATE OR REPLACE VIEW {sys}.stv_partitions AS
SELECT 0::INTEGER AS owner, 0::INTEGER AS host, 0::INTEGER AS diskno, 0::BIGINT AS part_begin, 0::BIGINT AS part_end, 0::INTEGER AS used, 0::INTEGER AS tossed, 0::INTEGER AS capacity, 0::BIGINT AS reads, 0::BIGINT AS writes,
  0::INTEGER AS seek_forward, 0::INTEGER AS seek_back, 0::INTEGER AS is_san, 0::INTEGER AS failed, 0::INTEGER AS mbps, ''::VARCHAR AS mount WHERE false;
CREATE OR REPLACE VIEW {sys}.svv_all_schemas AS
SELECT {name} AS database_name, name AS schema_name, coalesce((SELECT u.id FROM memory.principals.users u WHERE u.name = owner), 1)::INTEGER AS schema_owner, CASE WHEN source IS NULL THEN 'local' ELSE 'external' END AS schema_type, NULL::VARCHAR AS schema_acl, source AS source_database, NULL::VARCHAR AS schema_option FROM {db}.schemas;
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
  NULL::VARCHAR AS user_defined_type_schema, NULL::VARCHAR AS user_defined_type_name FROM {db}.relations
UNION ALL SELECT {name}, t.schema, t.name, 'LOCAL TEMPORARY', NULL, NULL, NULL, NULL, NULL FROM {sys}.temp_relations t;
CREATE OR REPLACE VIEW {sys}."information_schema.columns" AS
SELECT * EXCLUDE (remarks), {name} AS udt_catalog, 'pg_catalog' AS udt_schema, coalesce((SELECT t.typname FROM {sys}.pg_type t WHERE t.oid = rs_type_oid(data_type)), data_type) AS udt_name,
  ordinal_position::VARCHAR AS dtd_identifier, 'NO' AS is_self_referencing
FROM {sys}.svv_columns;
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

-- Kinds of objects a database here has none of.
CREATE OR REPLACE VIEW {sys}.pg_opclass AS SELECT 0::UINTEGER AS oid, 0::UINTEGER AS tableoid, ''::VARCHAR AS opcname, 0::UINTEGER AS opcmethod, 0::UINTEGER AS opcnamespace WHERE false;
CREATE OR REPLACE VIEW {sys}.pg_opfamily AS SELECT 0::UINTEGER AS oid, 0::UINTEGER AS tableoid, ''::VARCHAR AS opfname, 0::UINTEGER AS opfmethod, 0::UINTEGER AS opfnamespace WHERE false;
CREATE OR REPLACE VIEW {sys}.pg_cast AS SELECT 0::UINTEGER AS oid, 0::UINTEGER AS castsource, 0::UINTEGER AS casttarget, 0::UINTEGER AS castfunc, 'e' AS castcontext, 'f' AS castmethod WHERE false;
CREATE OR REPLACE VIEW {sys}.pg_operator AS SELECT 0::UINTEGER AS oid, ''::VARCHAR AS oprname, 0::UINTEGER AS oprnamespace, 'b' AS oprkind, 0::UINTEGER AS oprleft, 0::UINTEGER AS oprright, 0::UINTEGER AS oprresult, 0::UINTEGER AS oprcode WHERE false;
CREATE OR REPLACE VIEW {sys}.pg_aggregate AS SELECT 0::UINTEGER AS aggfnoid WHERE false;
CREATE OR REPLACE VIEW {sys}.pg_sequence AS SELECT 0::UINTEGER AS seqrelid WHERE false;
CREATE OR REPLACE VIEW {sys}.pg_foreign_table AS SELECT 0::UINTEGER AS ftrelid, 0::UINTEGER AS ftserver WHERE false;
CREATE OR REPLACE VIEW {sys}.pg_matviews AS SELECT schema AS schemaname, name AS matviewname, owner AS matviewowner, definition FROM {db}.relations WHERE kind = 'm';

CREATE OR REPLACE VIEW {sys}."information_schema.routines" AS
SELECT {name} AS specific_catalog, p.schema AS specific_schema, p.name || '_' || p.oid AS specific_name, {name} AS routine_catalog, p.schema AS routine_schema, p.name AS routine_name,
  CASE p.kind WHEN 'p' THEN 'PROCEDURE' ELSE 'FUNCTION' END AS routine_type, CASE WHEN p.kind = 'f' THEN rs_format_type(p.rettype, -1) END AS data_type, p.body AS routine_definition,
  CASE p.lang WHEN 14 THEN 'SQL' WHEN 100125 THEN 'PLPYTHONU' ELSE 'PLPGSQL' END AS external_language, CASE p.volatility WHEN 'i' THEN 'YES' ELSE 'NO' END AS is_deterministic,
  CASE WHEN p.secdef THEN 'DEFINER' ELSE 'INVOKER' END AS security_type, p.created AS created
FROM {sys}.routines p;
CREATE OR REPLACE VIEW {sys}."information_schema.constraint_column_usage" AS
SELECT {name} AS table_catalog, k.schema AS table_schema, k.table_name, u.n AS column_name, {name} AS constraint_catalog, k.schema AS constraint_schema, k.name AS constraint_name
FROM {sys}.constraints_described k, (SELECT oid, unnest(columns) AS n FROM {sys}.constraints_described) u WHERE u.oid = k.oid AND k.kind <> 'f'
UNION ALL SELECT {name}, k.ref_schema, k.ref_table, u.n, {name}, k.schema, k.name
FROM {sys}.constraints_described k, (SELECT oid, unnest(ref_columns) AS n FROM {sys}.constraints_described) u WHERE u.oid = k.oid AND k.kind = 'f';
CREATE OR REPLACE VIEW {sys}."information_schema.referential_constraints" AS
SELECT {name} AS constraint_catalog, f.schema AS constraint_schema, f.name AS constraint_name, {name} AS unique_constraint_catalog, p.schema AS unique_constraint_schema,
  p.name AS unique_constraint_name, 'NONE' AS match_option, 'NO ACTION' AS update_rule, 'NO ACTION' AS delete_rule
FROM {sys}.constraints_described f LEFT JOIN {sys}.constraints_described p ON p.table_oid = f.ref_oid AND p.kind IN ('p', 'u') AND p.columns = f.ref_columns WHERE f.kind = 'f';
