"""What drivers send as parameters comes back as the types described."""
import datetime
import decimal
import pathlib
import subprocess

import psycopg
import psycopg2
import psycopg2.errors
import psycopg2.extras
import pytest
import redshift_connector


@pytest.mark.parametrize("query, value, want", [
    ("select %s as x", 1, 1),
    ("select %s + 1", 1, 2),
    ("select %s + 1", 5_000_000_000, 5_000_000_001),
    ("select i + %s from (select 1 as i)", 1, 2),
    ("select %s::date::varchar", "2024-02-29", "2024-02-29"),
])
def test_parameters_of_redshift_connector(server, query, value, want):
    with redshift_connector.connect(host=server.redshift_host, port=server.redshift_port, database="dev",
                                    user="awsuser", password="x", ssl=False) as connection:
        cursor = connection.cursor()
        cursor.execute(query, (value,))
        assert [list(row) for row in cursor.fetchall()] == [[want]]
        cursor.execute("select 7")
        assert [list(row) for row in cursor.fetchall()] == [[7]]


@pytest.fixture(scope="module")
def shop(server):
    """The objects of clients.sql, in a database with a user and grants."""
    script = pathlib.Path(__file__).parent / "clients.sql"
    psql = ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1"]
    subprocess.run([*psql, "-f", str(script)], env=server.environment, check=True)

    def run(*commands):
        args = [a for c in ("set search_path to shop, public", *commands) for a in ("-c", c)]
        return subprocess.run([*psql, *args], env=server.environment, capture_output=True, text=True)

    return run


@pytest.mark.parametrize("command, words", [
    ("\\d", ["customer", "orders", "table", "view", "awsuser"]),
    ("\\dt", ["customer", "orders"]),
    ("\\dt+", ["People who buy", "permanent"]),
    ("\\d customer", ["character varying(40)", "not null", '"customer_pkey" PRIMARY KEY, btree (id)']),
    ("\\d+ orders", ['"identity"(', "numeric(12,2)", "UNIQUE CONSTRAINT, btree (customer_id, total)", "FOREIGN KEY (customer_id) REFERENCES"]),
    ("\\d+ customer", ["Full name"]),
    ("\\d+ v", ["View definition:", "select id, name from shop.customer"]),
    ("\\df", ["shop", "a integer, INOUT b integer"]),
    ("\\df+", ["plpgsql", "begin b := a; end;"]),
    ("\\dn", ["public", "shop"]),
    ("\\dn+", ["awsuser"]),
    ("\\du", ["awsuser", "Superuser"]),
    ("\\l", ["dev", "UTF8"]),
    ("\\l+", ["pg_default"]),
    ("\\dv", ["lb", "v"]),
    ("\\dv+", ["lb"]),
    ("\\dp", ["customer", "access privileges"]),
    ("\\ddp", ["access privileges"]),
    ("\\dL", ["plpgsql"]),
    ("\\dx", ["0 rows"]),
    ("\\sf shop.p", ["CREATE OR REPLACE PROCEDURE shop.p(a integer, INOUT b integer)"]),
    ("\\sv shop.v", ["CREATE OR REPLACE VIEW shop.v AS"]),
])
def test_psql(shop, command, words):
    done = shop(command)
    assert done.returncode == 0, done.stderr
    assert not [w for w in words if w.lower() not in done.stdout.lower()], done.stdout


@pytest.mark.parametrize("command, message", [
    ("\\copy customer from /dev/null csv", "LOAD source is not supported. (Hint: only S3 or DynamoDB or EMR based load is allowed)"),
    ("\\copy customer to /dev/null csv", "UNLOAD destination is not supported. (Hint: only S3 based unload is allowed)"),
])
def test_copy_of_psql(shop, command, message):
    done = shop(command)
    assert done.returncode != 0 and message in done.stderr


def test_metadata_of_redshift_connector(server, shop):
    with redshift_connector.connect(host=server.redshift_host, port=server.redshift_port, database="dev",
                                    user="awsuser", password="x", ssl=False) as connection:
        cursor = connection.cursor()
        assert ["shop", "dev"] in [list(r) for r in cursor.get_schemas()]
        assert [r[2] for r in cursor.get_tables(None, "shop") if r[3] in ("TABLE", "VIEW")] == ["customer", "orders", "lb", "v"]
        assert [r[3] for r in cursor.get_columns(None, "shop", "customer")] == ["id", "name", "since"]
        assert [list(r)[3:] for r in cursor.get_primary_keys("dev", "shop", "customer")] == [["id", 1, "customer_pkey"]]
        assert [list(r) for r in cursor.get_catalogs()] == [["dev"]]
        assert [list(r)[1:3] for r in cursor.get_procedures(None, "shop")] == [["shop", "p"], ["shop", "plus"]]
        cursor.execute("select date_trunc(%s, since), to_char(since, %s) from shop.customer", ("month", "YYYY-MM"))  # parameters of the protocol
        assert cursor.fetchall() == ()


@pytest.mark.parametrize("style, query, values", [
    ("qmark", "select ?::int + 1, ?", (1, "a")),
    ("numeric", "select :1::int + 1, :2", (1, "a")),
    ("named", "select :p1::int + 1, :p2", {"p1": 1, "p2": "a"}),
    ("format", "select %s::int + 1, %s", (1, "a")),
    ("pyformat", "select %(p1)s::int + 1, %(p2)s", {"p1": 1, "p2": "a"}),
])
def test_paramstyles(server, style, query, values):
    with redshift_connector.connect(host=server.redshift_host, port=server.redshift_port, database="dev",
                                    user="awsuser", password="x", ssl=False) as connection:
        cursor = connection.cursor()
        cursor.paramstyle = style
        cursor.execute(query, values)
        assert [list(row) for row in cursor.fetchall()] == [[2, "a"]]


def test_psycopg2(server):
    connection = psycopg2.connect(host=server.redshift_host, port=server.redshift_port, dbname="dev", user="awsuser", password="x")
    cursor = connection.cursor()
    cursor.execute("create temp table ev(a int, b varchar(10))")
    psycopg2.extras.execute_values(cursor, "insert into ev values %s", [(1, "a"), (2, "b")])
    cursor.execute("select * from ev where b = %s", ("b",))
    assert cursor.fetchall() == [(2, "b")]
    named = connection.cursor("many")
    named.itersize = 100
    named.execute("select * from generate_series(1, 1000) x")
    assert len(named.fetchall()) == 1000
    connection.rollback()
    with pytest.raises(psycopg2.errors.UndefinedTable, match='relation "nope" does not exist'):
        cursor.execute("select * from nope")
    connection.close()


def test_psycopg3(server):
    with psycopg.connect(host=server.redshift_host, port=server.redshift_port, dbname="dev", user="awsuser", password="x", autocommit=True) as connection:
        for i in range(8):  # prepared on the server from the fifth on
            assert connection.execute("select %s::bigint * 2", (i,)).fetchone() == (2 * i,)
        with connection.transaction(), connection.cursor("server") as cursor:
            cursor.execute("select * from generate_series(1, 500) x")
            assert (len(cursor.fetchmany(100)), len(cursor.fetchall())) == (100, 400)
        with connection.pipeline():
            one, two = connection.execute("select 1"), connection.execute("select 2")
        assert (one.fetchone(), two.fetchone()) == ((1,), (2,))
        row = connection.cursor(binary=True).execute("select 1::int, 2.5::numeric(5,2), 'a', true, '2024-01-01'::date").fetchone()
        assert row == (1, decimal.Decimal("2.50"), "a", True, datetime.date(2024, 1, 1))


def test_privileges(server, shop):
    done = shop("create user reader password 'Abcd1234'", "grant usage on schema shop to reader", "grant select on shop.v to reader")
    assert done.returncode == 0, done.stderr
    env = {**server.environment, "PGUSER": "reader"}
    ask = lambda sql: subprocess.run(["psql", "-X", "-At", "-c", sql], env=env, capture_output=True, text=True)
    assert ask("select count(*) from shop.v").stdout == "0\n"
    assert "permission denied for relation customer" in ask("select * from shop.customer").stderr
    assert "permission denied for schema shop" in ask("create table shop.t(a int)").stderr
