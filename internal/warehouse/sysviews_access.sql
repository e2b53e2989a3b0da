-- Users, groups and roles as the catalog shows them. memory.principals is the
-- cluster's record as tables; see cluster.publish.
CREATE OR REPLACE VIEW {sys}.pg_user AS
SELECT u.name AS usename, u.id::INTEGER AS usesysid, u.createdb AS usecreatedb, u.super AS usesuper, false AS usecatupd, '********' AS passwd,
  u.valid_until AS valuntil, CASE WHEN u.settings <> '' THEN '{' || u.settings || '}' END AS useconfig
FROM memory.principals.users u;
CREATE OR REPLACE VIEW {sys}.pg_user_info AS
SELECT *, (SELECT CASE u.connection_limit WHEN -1 THEN 'UNLIMITED' ELSE u.connection_limit::VARCHAR END FROM memory.principals.users u WHERE u.id = usesysid) AS useconnlimit,
  (SELECT CASE WHEN u.syslog THEN 'UNRESTRICTED' ELSE 'RESTRICTED' END FROM memory.principals.users u WHERE u.id = usesysid) AS syslogaccess
FROM {sys}.pg_user;
CREATE OR REPLACE VIEW {sys}.svl_user_info AS
SELECT usename, usesysid, usecreatedb, usesuper, usecatupd, useconnlimit, syslogaccess, NULL::TIMESTAMP AS last_ddl_ts, NULL::INTEGER AS sessiontimeout, NULL::VARCHAR AS external_id
FROM {sys}.pg_user_info;
CREATE OR REPLACE VIEW {sys}.svv_user_info AS
SELECT usename AS user_name, usesysid AS user_id, usecreatedb AS createdb, usesuper AS superuser, usecatupd AS catalog_update, useconnlimit AS connection_limit,
  syslogaccess AS syslog_access, NULL::TIMESTAMP AS last_ddl_timestamp, NULL::INTEGER AS session_timeout, NULL::VARCHAR AS external_user_id
FROM {sys}.pg_user_info;
CREATE OR REPLACE VIEW {sys}.pg_shadow AS SELECT * FROM {sys}.pg_user;
CREATE OR REPLACE VIEW {sys}.pg_group AS
SELECT g.name AS groname, g.id::INTEGER AS grosysid,
  (SELECT '{' || string_agg(u.id::VARCHAR, ',' ORDER BY u.id) || '}' FROM memory.principals.group_members m JOIN memory.principals.users u ON u.name = m.user_name WHERE m.group_name = g.name) AS grolist
FROM memory.principals.groups g;
CREATE OR REPLACE VIEW {sys}.pg_roles AS
SELECT u.id::UINTEGER AS oid, u.name AS rolname, u.super AS rolsuper, true AS rolinherit, u.super AS rolcreaterole, u.createdb AS rolcreatedb, true AS rolcanlogin,
  u.connection_limit AS rolconnlimit, u.valid_until AS rolvaliduntil, false AS rolreplication, false AS rolbypassrls, '********' AS rolpassword,
  CASE WHEN u.settings <> '' THEN '{' || u.settings || '}' END AS rolconfig
FROM memory.principals.users u;
CREATE OR REPLACE VIEW {sys}.svv_roles AS
SELECT r.id::INTEGER AS role_id, r.name AS role_name, r.owner AS role_owner, NULL::VARCHAR AS external_id FROM memory.principals.roles r;
CREATE OR REPLACE VIEW {sys}.svv_role_grants AS
SELECT r.id::INTEGER AS role_id, r.name AS role_name, o.id::INTEGER AS granted_role_id, o.name AS granted_role_name, r.owner AS role_owner, o.owner AS granted_role_owner
FROM memory.principals.role_grants g JOIN memory.principals.roles o ON o.name = g.role JOIN memory.principals.roles r ON g.grantee_kind = 'role' AND r.name = g.grantee;
CREATE OR REPLACE VIEW {sys}.svv_user_grants AS
SELECT u.id::INTEGER AS user_id, u.name AS user_name, r.id::INTEGER AS role_id, r.name AS role_name, g.admin AS admin_option
FROM memory.principals.role_grants g JOIN memory.principals.roles r ON r.name = g.role JOIN memory.principals.users u ON g.grantee_kind = 'user' AND u.name = g.grantee;
CREATE OR REPLACE VIEW {sys}.svv_system_privileges AS
SELECT p.privilege AS system_privilege, coalesce(r.id, u.id)::INTEGER AS identity_id, p.grantee AS identity_name, p.grantee_kind AS identity_type
FROM memory.principals.system_grants p LEFT JOIN memory.principals.roles r ON p.grantee_kind = 'role' AND r.name = p.grantee
LEFT JOIN memory.principals.users u ON p.grantee_kind = 'user' AND u.name = p.grantee;

CREATE OR REPLACE VIEW {sys}.grants_described AS
SELECT a.oid, a.kind, a.column_name, upper(a.privilege) AS privilege_type, coalesce(u.id, g.id, r.id, 0)::INTEGER AS identity_id,
  CASE a.grantee_kind WHEN 'public' THEN 'public' ELSE a.grantee END AS identity_name, a.grantee_kind AS identity_type, a.grant_option AS admin_option, a.grantor
FROM {db}.acl a LEFT JOIN memory.principals.users u ON a.grantee_kind = 'user' AND u.name = a.grantee
LEFT JOIN memory.principals.groups g ON a.grantee_kind = 'group' AND g.name = a.grantee
LEFT JOIN memory.principals.roles r ON a.grantee_kind = 'role' AND r.name = a.grantee;
CREATE OR REPLACE VIEW {sys}.svv_relation_privileges AS
SELECT r.schema AS namespace_name, r.name AS relation_name, g.privilege_type, g.identity_id, g.identity_name, g.identity_type, g.admin_option
FROM {sys}.grants_described g JOIN {db}.relations r ON r.oid = g.oid WHERE g.kind = 'table' AND g.column_name = '';
CREATE OR REPLACE VIEW {sys}.svv_column_privileges AS
SELECT r.schema AS namespace_name, r.name AS relation_name, g.column_name, g.privilege_type, g.identity_id, g.identity_name, g.identity_type
FROM {sys}.grants_described g JOIN {db}.relations r ON r.oid = g.oid WHERE g.kind = 'table' AND g.column_name <> '';
CREATE OR REPLACE VIEW {sys}.svv_schema_privileges AS
SELECT s.name AS namespace_name, g.privilege_type, g.identity_id, g.identity_name, g.identity_type, g.admin_option
FROM {sys}.grants_described g JOIN {db}.schemas s ON s.oid = g.oid WHERE g.kind = 'schema';
CREATE OR REPLACE VIEW {sys}.svv_database_privileges AS
SELECT {name} AS database_name, CASE g.privilege_type WHEN 'TEMPORARY' THEN 'TEMP' ELSE g.privilege_type END AS privilege_type, g.identity_id, g.identity_name, g.identity_type, g.admin_option
FROM {sys}.grants_described g WHERE g.kind = 'database';
CREATE OR REPLACE VIEW {sys}.svv_function_privileges AS
SELECT p.schema AS namespace_name, p.name AS function_name, p.signature AS argument_types, g.privilege_type, g.identity_id, g.identity_name, g.identity_type, g.admin_option
FROM {sys}.grants_described g JOIN (SELECT oid, schema, name, signature FROM {db}.procedures UNION ALL SELECT oid, schema, name, signature FROM {db}.functions) p
  ON p.oid = g.oid WHERE g.kind = 'function';
CREATE OR REPLACE VIEW {sys}.svv_default_privileges AS
SELECT nullif(d.schema, '') AS schema_name, CASE d.kind WHEN 'table' THEN 'RELATION' ELSE upper(d.kind) END AS object_type, o.id::INTEGER AS owner_id, d.owner AS owner_name, 'user' AS owner_type,
  upper(d.privilege) AS privilege_type, coalesce(u.id, g.id, r.id, 0)::INTEGER AS grantee_id, CASE d.grantee_kind WHEN 'public' THEN 'public' ELSE d.grantee END AS grantee_name,
  d.grantee_kind AS grantee_type, d.grant_option AS admin_option
FROM {db}.default_acl d LEFT JOIN memory.principals.users o ON o.name = d.owner LEFT JOIN memory.principals.users u ON d.grantee_kind = 'user' AND u.name = d.grantee
LEFT JOIN memory.principals.groups g ON d.grantee_kind = 'group' AND g.name = d.grantee LEFT JOIN memory.principals.roles r ON d.grantee_kind = 'role' AND r.name = d.grantee
WHERE d.privilege <> '-execute';
CREATE OR REPLACE VIEW {sys}."information_schema.table_privileges" AS
SELECT g.grantor, CASE g.identity_type WHEN 'public' THEN 'PUBLIC' ELSE g.identity_name END AS grantee, {name} AS table_catalog, r.schema AS table_schema, r.name AS table_name,
  g.privilege_type, CASE WHEN g.admin_option THEN 'YES' ELSE 'NO' END AS is_grantable, 'NO' AS with_hierarchy
FROM {sys}.grants_described g JOIN {db}.relations r ON r.oid = g.oid WHERE g.kind = 'table' AND g.column_name = '';
CREATE OR REPLACE VIEW {sys}."information_schema.column_privileges" AS
SELECT g.grantor, CASE g.identity_type WHEN 'public' THEN 'PUBLIC' ELSE g.identity_name END AS grantee, {name} AS table_catalog, r.schema AS table_schema, r.name AS table_name,
  g.column_name, g.privilege_type, CASE WHEN g.admin_option THEN 'YES' ELSE 'NO' END AS is_grantable
FROM {sys}.grants_described g JOIN {db}.relations r ON r.oid = g.oid WHERE g.kind = 'table' AND g.column_name <> '';
CREATE OR REPLACE VIEW {sys}.pg_database AS
SELECT d.id::UINTEGER AS oid, d.name AS datname, coalesce(u.id, 1)::INTEGER AS datdba, 6 AS encoding, false AS datistemplate, true AS datallowconn, -1 AS datconnlimit,
  102263::UINTEGER AS datlastsysoid, 0 AS datvacuumxid, 0 AS datfrozenxid, 1663::UINTEGER AS dattablespace, 'C' AS datcollate, 'C' AS datctype, NULL::VARCHAR AS datconfig,
  CASE WHEN d.name = {name} THEN '{' || d.owner || '=CT/' || d.owner || ',' || (SELECT items FROM {sys}.acls WHERE kind = 'database' AND oid = 0) || '}' END AS datacl
FROM memory.principals.databases d LEFT JOIN memory.principals.users u ON u.name = d.owner;
CREATE OR REPLACE VIEW {sys}.svv_redshift_databases AS
SELECT d.name AS database_name, u.id::INTEGER AS database_owner, 'local' AS database_type, NULL::VARCHAR AS database_acl, NULL::VARCHAR AS database_options, CASE WHEN d.serializable THEN 'Serializable' ELSE 'Snapshot Isolation' END AS database_isolation_level
FROM memory.principals.databases d LEFT JOIN memory.principals.users u ON u.name = d.owner;

-- Policies ("SVV_RLS_POLICY" and the pages beside it).
CREATE OR REPLACE VIEW {sys}.svv_rls_policy AS
SELECT {name} AS poldb, p.name AS polname, p.alias AS polalias, p.columns AS polatts, p.expressions::JSON->>0 AS polqual, true AS polenabled,
  p.modified_by AS polmodifiedby, p.modified AS polmodifiedtime
FROM {db}.policies p WHERE p.kind = 'rls policy';
CREATE OR REPLACE VIEW {sys}.svv_rls_attached_policy AS
SELECT r.schema AS relschema, r.name AS relname, CASE r.kind WHEN 'r' THEN 'table' WHEN 'm' THEN 'materialized view' ELSE 'view' END AS relkind, a.policy AS polname, a.grantor,
  CASE a.grantee_kind WHEN 'public' THEN 'public' ELSE a.grantee END AS grantee, a.grantee_kind AS granteekind, true AS is_pol_on, s.oid IS NOT NULL AS is_rls_on,
  false AS is_rls_datashare_on, s.conjunction AS rls_conjunction_type, NULL::VARCHAR AS rls_datashare_conjunction_type
FROM {db}.policy_attachments a JOIN {db}.relations r ON r.oid = a.oid LEFT JOIN {db}.row_security s ON s.oid = a.oid WHERE a.kind = 'rls policy';
CREATE OR REPLACE VIEW {sys}.svv_rls_relation AS
SELECT {name} AS datname, r.schema AS relschema, r.name AS relname, CASE r.kind WHEN 'r' THEN 'table' WHEN 'm' THEN 'materialized view' ELSE 'view' END AS relkind,
  true AS is_rls_on, false AS is_rls_datashare_on, s.conjunction AS rls_conjunction_type, NULL::VARCHAR AS rls_datashare_conjunction_type
FROM {db}.row_security s JOIN {db}.relations r ON r.oid = s.oid;
CREATE OR REPLACE VIEW {sys}.svv_masking_policy AS
SELECT {name} AS policy_database, p.name AS policy_name, p.columns AS input_columns, p.expressions AS policy_expression, p.modified_by AS policy_modified_by, p.modified AS policy_modified_time
FROM {db}.policies p WHERE p.kind = 'masking policy';
CREATE OR REPLACE VIEW {sys}.svv_attached_masking_policy AS
SELECT a.policy AS policy_name, r.schema AS schema_name, r.name AS table_name, CASE r.kind WHEN 'r' THEN 'table' WHEN 'm' THEN 'materialized view' ELSE 'view' END AS table_type,
  a.grantor, CASE a.grantee_kind WHEN 'public' THEN 'public' ELSE a.grantee END AS grantee, a.grantee_kind AS grantee_type, a.priority::INTEGER AS priority,
  a.inputs AS input_columns, a.outputs AS output_columns
FROM {db}.policy_attachments a JOIN {db}.relations r ON r.oid = a.oid WHERE a.kind = 'masking policy';
