import java.sql.*;
import java.util.*;

/** What the JDBC driver can do against the server given: one line a step, "OK name result" or "FAIL name error". */
public class Check {
    interface Step { Object run() throws Exception; }
    static void step(String name, Step s) {
        try { System.out.println("OK " + name + " " + s.run()); }
        catch (Throwable e) { System.out.println("FAIL " + name + " " + e);  }
    }
    static String rows(ResultSet r, String... cols) throws Exception {
        List<String> out = new ArrayList<>();
        while (r.next()) { List<String> c = new ArrayList<>(); for (String n : cols) c.add(r.getString(n)); out.add(String.join("/", c.stream().map(String::valueOf).toList())); }
        r.close();
        return out.toString();
    }
    public static void main(String[] a) throws Exception {
        Properties p = new Properties(); p.put("user", "awsuser"); p.put("password", "x"); p.put("ssl", "false");
        for (int i = 1; i < a.length; i++) { String[] kv = a[i].split("=", 2); p.put(kv[0], kv[1]); }
        try (Connection c = DriverManager.getConnection("jdbc:redshift://" + a[0] + "/dev", p)) {
            DatabaseMetaData m = c.getMetaData();
            step("product", () -> m.getDatabaseProductName() + " " + m.getDatabaseMajorVersion());
            step("catalogs", () -> rows(m.getCatalogs(), "TABLE_CAT"));
            step("schemas", () -> rows(m.getSchemas(), "TABLE_SCHEM"));
            step("schemasLike", () -> rows(m.getSchemas(null, "sh%"), "TABLE_SCHEM"));
            step("tables", () -> rows(m.getTables(null, "shop", "%", new String[]{"TABLE", "VIEW"}), "TABLE_SCHEM", "TABLE_NAME", "TABLE_TYPE", "REMARKS"));
            step("tablesAll", () -> { int n = 0; ResultSet r = m.getTables(null, null, "%", null); while (r.next()) n++; return n > 0; });
            step("tableTypes", () -> rows(m.getTableTypes(), "TABLE_TYPE"));
            step("columns", () -> rows(m.getColumns(null, "shop", "customer", "%"), "COLUMN_NAME", "DATA_TYPE", "TYPE_NAME", "COLUMN_SIZE", "NULLABLE", "COLUMN_DEF", "ORDINAL_POSITION"));
            step("columnsOrders", () -> rows(m.getColumns(null, "shop", "orders", "%"), "COLUMN_NAME", "TYPE_NAME", "COLUMN_SIZE", "DECIMAL_DIGITS", "IS_AUTOINCREMENT"));
            step("columnsLate", () -> rows(m.getColumns(null, "shop", "lb", "%"), "COLUMN_NAME", "TYPE_NAME", "COLUMN_SIZE"));
            step("primaryKeys", () -> rows(m.getPrimaryKeys(null, "shop", "customer"), "COLUMN_NAME", "KEY_SEQ", "PK_NAME"));
            step("importedKeys", () -> rows(m.getImportedKeys(null, "shop", "orders"), "PKTABLE_NAME", "PKCOLUMN_NAME", "FKTABLE_NAME", "FKCOLUMN_NAME", "FK_NAME"));
            step("exportedKeys", () -> rows(m.getExportedKeys(null, "shop", "customer"), "PKTABLE_NAME", "FKTABLE_NAME"));
            step("crossReference", () -> rows(m.getCrossReference(null, "shop", "customer", null, "shop", "orders"), "PKTABLE_NAME", "FKTABLE_NAME"));
            step("indexInfo", () -> rows(m.getIndexInfo(null, "shop", "customer", true, true), "INDEX_NAME", "COLUMN_NAME"));
            step("procedures", () -> rows(m.getProcedures(null, "shop", "%"), "PROCEDURE_SCHEM", "PROCEDURE_NAME", "PROCEDURE_TYPE"));
            step("procedureColumns", () -> rows(m.getProcedureColumns(null, "shop", "p", "%"), "PROCEDURE_NAME", "COLUMN_NAME", "COLUMN_TYPE", "TYPE_NAME"));
            step("functionColumns", () -> rows(m.getFunctionColumns(null, "shop", "plus", "%"), "FUNCTION_NAME", "COLUMN_NAME", "COLUMN_TYPE", "TYPE_NAME"));
            step("functions", () -> rows(m.getFunctions(null, "shop", "%"), "FUNCTION_NAME"));
            step("typeInfo", () -> { int n = 0; ResultSet r = m.getTypeInfo(); while (r.next()) n++; return n > 10; });
            step("tablePrivileges", () -> rows(m.getTablePrivileges(null, "shop", "customer"), "GRANTEE", "PRIVILEGE"));
            step("columnPrivileges", () -> rows(m.getColumnPrivileges(null, "shop", "customer", "%"), "COLUMN_NAME", "GRANTEE", "PRIVILEGE"));
            step("bestRow", () -> rows(m.getBestRowIdentifier(null, "shop", "customer", 1, true), "COLUMN_NAME"));
            step("versionColumns", () -> rows(m.getVersionColumns(null, "shop", "customer"), "COLUMN_NAME"));
            step("udts", () -> rows(m.getUDTs(null, null, "%", null), "TYPE_NAME"));
            step("keywords", () -> m.getSQLKeywords().length() > 10);
            step("maxNames", () -> m.getMaxColumnNameLength() + " " + m.getUserName());
            step("clientInfo", () -> rows(m.getClientInfoProperties(), "NAME"));
            step("superTables", () -> rows(m.getSchemas(), "TABLE_CATALOG"));
            step("prepared", () -> {
                try (Statement s = c.createStatement()) { s.execute("create temp table jt(id int, name varchar(20), amount numeric(10,2), d date, ts timestamp, ok boolean, f float8)"); }
                try (PreparedStatement q = c.prepareStatement("insert into jt values(?,?,?,?,?,?,?)")) {
                    for (int i = 0; i < 5; i++) { q.setInt(1, i); q.setString(2, "n" + i); q.setBigDecimal(3, new java.math.BigDecimal("1.5")); q.setDate(4, java.sql.Date.valueOf("2024-01-0" + (i + 1))); q.setTimestamp(5, Timestamp.valueOf("2024-01-01 10:00:00")); q.setBoolean(6, i % 2 == 0); q.setDouble(7, i * 1.5); q.addBatch(); }
                    q.executeBatch();
                }
                try (PreparedStatement q = c.prepareStatement("select id, name, amount, d, ts, ok, f from jt where id >= ? and name <> ? order by id")) {
                    q.setInt(1, 3); q.setString(2, "zz"); ResultSet r = q.executeQuery(); List<Object> o = new ArrayList<>();
                    ResultSetMetaData md = r.getMetaData();
                    for (int i = 1; i <= md.getColumnCount(); i++) o.add(md.getColumnTypeName(i) + "(" + md.getPrecision(i) + ")" + md.isNullable(i));
                    while (r.next()) for (int i = 1; i <= 7; i++) o.add(r.getObject(i));
                    return o.toString();
                }
            });
            step("preparedMeta", () -> { PreparedStatement q = c.prepareStatement("select id from jt where d = ?"); return q.getParameterMetaData().getParameterTypeName(1) + " " + q.getMetaData().getColumnName(1); });
            step("nulls", () -> { PreparedStatement q = c.prepareStatement("insert into jt(id, name, amount) values(?,?,?)"); q.setInt(1, 9); q.setNull(2, Types.VARCHAR); q.setNull(3, Types.NUMERIC); return q.executeUpdate(); });
            step("fetchSize", () -> {
                c.setAutoCommit(false);
                try (Statement s = c.createStatement()) {
                    s.setFetchSize(100); ResultSet r = s.executeQuery("select x from generate_series(1, 2500) x"); int n = 0; long sum = 0; while (r.next()) { n++; sum += r.getLong(1); }
                    c.commit(); return n + " " + sum;
                } finally { c.setAutoCommit(true); }
            });
            step("rollback", () -> {
                c.setAutoCommit(false);
                try (Statement s = c.createStatement()) {
                    s.execute("create table public.jrb(a int)"); c.rollback();
                    try { s.executeQuery("select * from public.jrb"); return "bad"; } catch (SQLException e) { c.rollback(); return e.getSQLState() + " " + e.getMessage(); }
                } finally { c.setAutoCommit(true); }
            });
            step("isolation", () -> c.getTransactionIsolation() + " " + c.isReadOnly() + " " + c.getSchema() + " " + c.getCatalog() + " " + c.isValid(5));
            step("setSchema", () -> { c.setSchema("shop"); try (Statement s = c.createStatement()) { ResultSet r = s.executeQuery("select current_schema()"); r.next(); return r.getString(1); } finally { c.setSchema("public"); } });
            step("readonly", () -> { c.setReadOnly(true); c.setReadOnly(false); return true; });
            step("timeout", () -> { try (Statement s = c.createStatement()) { s.setQueryTimeout(30); s.setMaxRows(3); ResultSet r = s.executeQuery("select x from generate_series(1, 100) x"); int n = 0; while (r.next()) n++; return n; } });
            step("call", () -> { try (CallableStatement s = c.prepareCall("{call shop.p(?, ?)}")) { s.setInt(1, 7); s.registerOutParameter(2, Types.INTEGER); s.setInt(2, 0); s.execute(); return s.getInt(2); } });
            step("callSQL", () -> { try (Statement s = c.createStatement()) { ResultSet r = s.executeQuery("call shop.p(8, 0)"); r.next(); return r.getInt(1); } });
            step("multi", () -> { try (Statement s = c.createStatement()) { boolean b = s.execute("select 1; select 2"); ResultSet r = s.getResultSet(); r.next(); int x = r.getInt(1); s.getMoreResults(); r = s.getResultSet(); r.next(); return x + " " + r.getInt(1); } });
            step("warnings", () -> { try (Statement s = c.createStatement()) { s.execute("create table if not exists public.jw(a int)"); s.execute("create table if not exists public.jw(a int)"); return s.getWarnings() == null ? null : s.getWarnings().getMessage(); } });
            step("error", () -> { try (Statement s = c.createStatement()) { s.execute("selec 1"); return "bad"; } catch (SQLException e) { return e.getSQLState() + " " + e.getMessage(); } });
            step("updateCount", () -> { try (Statement s = c.createStatement()) { return s.executeUpdate("update jt set name = 'x' where id < 3"); } });
            step("types", () -> { try (Statement s = c.createStatement()) { ResultSet r = s.executeQuery("select 1::smallint, 2::bigint, 1.25::numeric(8,2), 1.5::real, 'c'::char(3), '10:00:00'::time, '2024-01-01 10:00:00+02'::timestamptz, json_parse('{\"a\":1}'), 'abc'::varbyte, null::int"); r.next(); List<Object> o = new ArrayList<>(); for (int i = 1; i <= 10; i++) o.add(r.getObject(i) instanceof byte[] b ? new String(b) : r.getObject(i)); return o; } });
            step("cancel", () -> { Statement s = c.createStatement(); Thread t = new Thread(() -> { try { Thread.sleep(700); s.cancel(); } catch (Exception e) { } }); t.start(); try { s.executeQuery("select count(*) from generate_series(1, 100000000000) x"); return "bad"; } catch (SQLException e) { return e.getSQLState() + " " + e.getMessage(); } });
        }
    }
}
