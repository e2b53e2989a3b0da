"""A cluster that is bound to a server elsewhere. Here that is PostgreSQL."""

import contextlib
import glob
import json
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile

import psycopg2
import pytest
from conftest import Server, wait_for

PASSWORD = "s3cret"


def program(name):
    found = shutil.which(name) or next(iter(sorted(glob.glob(f"/usr/lib/postgresql/*/bin/{name}"))), None)
    if not found:
        pytest.skip(f"PostgreSQL is not installed: there is no {name}")
    return found


class Postgres:
    """A PostgreSQL server with user etl and database prod."""

    def __init__(self, home):
        self.account = {}
        if os.getuid() == 0:  # which PostgreSQL refuses to run as
            user = pwd.getpwnam("postgres")
            self.account = {"user": user.pw_uid, "group": user.pw_gid}
            os.chown(home, user.pw_uid, user.pw_gid)
        self.home = home
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        (home / "password").write_text(PASSWORD)
        (home / "password").chmod(0o644)
        subprocess.run(
            [program("initdb"), "-D", home / "data", "-U", "etl", "-A", "scram-sha-256", "--pwfile", home / "password", "--no-sync", "-E", "UTF8", "--locale=C"],
            check=True, capture_output=True, cwd=home, **self.account,
        )
        self.start()
        self.ask("create database prod", "postgres")

    def start(self):
        self.process = subprocess.Popen(
            [program("postgres"), "-D", self.home / "data", "-p", str(self.port), "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="],
            cwd=self.home, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **self.account,
        )

        def answers():
            try:
                return self.connect("postgres")
            except psycopg2.OperationalError:
                return None

        wait_for("PostgreSQL", answers, 30).close()

    def stop(self):
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait(30)

    def connect(self, database="prod"):
        db = psycopg2.connect(host="127.0.0.1", port=self.port, user="etl", password=PASSWORD, dbname=database)
        db.autocommit = True
        return db

    def ask(self, sql, database="prod"):
        with contextlib.closing(self.connect(database)) as db, db.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall() if cursor.description else None


@pytest.fixture(scope="module")
def postgres():
    home = pathlib.Path(tempfile.mkdtemp(prefix="stepwell-postgres-"))  # pytest's folders are closed to another user
    try:
        p = Postgres(home)
        yield p
        p.stop()
    finally:
        shutil.rmtree(home)


def keep_secret(server, postgres):
    secret = {"engine": "redshift", "host": "127.0.0.1", "port": postgres.port, "username": "etl", "password": PASSWORD, "dbname": "prod"}
    server.client("secretsmanager").create_secret(Name="prod/redshift", SecretString=json.dumps(secret))


def bind(server, postgres):
    keep_secret(server, postgres)
    redshift = server.client("redshift")
    redshift.create_cluster(
        ClusterIdentifier="prod", NodeType="ra3.large", MasterUsername="awsuser", MasterUserPassword="aA123456",
        Tags=[{"Key": "stepwell:redshift", "Value": "secret=prod/redshift dbname=prod sslmode=disable"}],
    )
    wait_for("the cluster", lambda: status(redshift) == "available")


def status(redshift):
    return redshift.describe_clusters(ClusterIdentifier="prod")["Clusters"][0]["ClusterStatus"]


@pytest.fixture(scope="module")
def bound(server, postgres):
    bind(server, postgres)
    return server


def ended(data, id, seconds=60):
    def look():
        d = data.describe_statement(Id=id)
        return d if d["Status"] in ("FINISHED", "FAILED", "ABORTED") else None

    return wait_for("statement", look, seconds)


def execute(data, sql, **options):
    options.setdefault("Database", "prod")
    options.setdefault("ClusterIdentifier", "prod")
    if isinstance(sql, list):
        return data.batch_execute_statement(Sqls=sql, **options)["Id"]
    return data.execute_statement(Sql=sql, **options)["Id"]


def run(data, sql, **options):
    return ended(data, execute(data, sql, **options))


def test_values_and_errors(bound):
    data = bound.client("redshift-data")
    # jsonb is PostgreSQL's: the text passes untranslated.
    done = run(data, "select '[1, 2]'::jsonb -> 1 as j, 1::int, 2.50::numeric(8,2) as n, null::text, true, 0.5::float8, :who as who",
               Parameters=[{"name": "who", "value": "me"}])
    assert (done["Status"], done["ResultRows"], done["HasResultSet"]) == ("FINISHED", 1, True), done
    result = data.get_statement_result(Id=done["Id"])
    assert result["Records"] == [[{"stringValue": "2"}, {"longValue": 1}, {"stringValue": "2.50"}, {"isNull": True},
                                  {"booleanValue": True}, {"doubleValue": 0.5}, {"stringValue": "me"}]]
    n = result["ColumnMetadata"][2]
    assert (n["name"], n["typeName"], n["precision"], n["scale"]) == ("n", "numeric", 8, 2)
    failed = run(data, "select * from missing")
    assert failed["Status"] == "FAILED"
    assert failed["Error"].splitlines() == ['ERROR: relation "missing" does not exist', "  Position: 15"]
    assert run(data, "select 1; select 2")["Error"] == "ERROR: cannot insert multiple commands into a prepared statement"
    assert run(data, "select current_user", DbUser="nobody")["Error"] == 'FATAL: role "nobody" does not exist'
    assert run(data, "select 1", Database="nowhere")["Error"] == 'FATAL: database "nowhere" does not exist'
    assert run(data, "vacuum")["Status"] == "FINISHED"  # not in a transaction
    id = data.execute_statement(WorkgroupName="prod", Database="prod", Sql="select 1")["Id"]
    assert ended(data, id)["Status"] == "FINISHED"


def test_batches(bound, postgres):
    data = bound.client("redshift-data")
    assert run(data, ["create table batch (i int primary key)", "insert into batch values (1)", "insert into batch values (2)"])["Status"] == "FINISHED"
    failed = run(data, ["delete from batch", "insert into batch values (7), (7)"])
    assert failed["Status"] == "FAILED" and failed["Error"].startswith("Query #2 failed with ERROR: duplicate key value"), failed
    assert postgres.ask("select i from batch order by i") == [(1,), (2,)]


def test_catalog(bound, postgres):
    data = bound.client("redshift-data")
    postgres.ask("create schema sales; create table sales.orders (id bigint not null, price numeric(8,2))")
    where = {"ClusterIdentifier": "prod", "Database": "prod"}
    assert "prod" in data.list_databases(**where)["Databases"]
    assert data.list_schemas(SchemaPattern="sal%", **where)["Schemas"] == ["sales"]
    assert data.list_tables(SchemaPattern="sales", **where)["Tables"] == [{"name": "orders", "schema": "sales", "type": "TABLE"}]
    columns = data.describe_table(Schema="sales", Table="orders", **where)["ColumnList"]
    assert [(c["name"], c["typeName"], c["nullable"]) for c in columns] == [("id", "int8", 0), ("price", "numeric", 1)]


def test_cancel(bound, postgres):
    data = bound.client("redshift-data")
    id = execute(data, "select pg_sleep(600)")
    wait_for("the query there", lambda: postgres.ask("select 1 from pg_stat_activity where query = 'select pg_sleep(600)'"))
    data.cancel_statement(Id=id)
    assert ended(data, id)["Status"] == "ABORTED"
    assert not postgres.ask("select 1 from pg_stat_activity where query = 'select pg_sleep(600)' and state = 'active'")


def test_a_session_there_that_is_killed(bound, postgres):
    data = bound.client("redshift-data")
    id = execute(data, "select pg_sleep(601)")
    wait_for("the query there", lambda: postgres.ask("select pg_terminate_backend(pid) from pg_stat_activity where query = 'select pg_sleep(601)'"))
    done = ended(data, id)
    assert (done["Status"], done["Error"]) == ("FAILED", "FATAL: terminating connection due to administrator command")


def test_connections_pass_through(bound, postgres):
    """With temporary credentials, at the endpoint that DescribeClusters shows."""
    redshift = bound.client("redshift")
    cluster = redshift.describe_clusters(ClusterIdentifier="prod")["Clusters"][0]
    assert cluster["Tags"][0]["Key"] == "stepwell:redshift" and cluster["DBName"] == "prod"
    login = redshift.get_cluster_credentials(ClusterIdentifier="prod", DbUser="awsuser", DbName="prod")
    db = psycopg2.connect(host=cluster["Endpoint"]["Address"], port=cluster["Endpoint"]["Port"], dbname="prod",
                          user=login["DbUser"], password=login["DbPassword"])
    with db, db.cursor() as cursor:
        cursor.execute("do $$ begin raise notice 'over there'; end $$")
        cursor.execute("select current_user, '[1]'::jsonb -> 0")
        assert cursor.fetchall() == [("etl", 1)]
    assert any("over there" in n for n in db.notices)
    db.close()


def test_machines_and_command_line(bound, postgres, stepwell, tmp_path):
    out = stepwell("sql", "-d", "prod", "-c", "select '[5]'::jsonb -> 0 as five").stdout
    assert "five" in out and "5" in out
    out = stepwell("sql", "--cluster", "prod", "-d", "postgres", "-o", "csv", "-c", "select current_database() as d").stdout
    assert out.split() == ["d", "postgres"]
    definition = {
        "StartAt": "Load",
        "States": {"Load": {
            "Type": "Task", "End": True, "Resource": "arn:aws:states:::aws-sdk:redshiftdata:executeStatement",
            "Arguments": {"ClusterIdentifier": "prod", "Database": "prod", "Sql": "create table piped as select '{\"a\": 1}'::jsonb as j"},
        }},
        "QueryLanguage": "JSONata",
    }
    (tmp_path / "load.asl.json").write_text(json.dumps(definition))
    (tmp_path / "stepwell.yaml").write_text(f"""
name: piped
secrets:
  - name: piped/redshift
    values: {{host: 127.0.0.1, port: {postgres.port}, username: etl, password: {PASSWORD}, dbname: prod}}
clusters:
  other: {{redshift: {{secret: piped/redshift, database: postgres, ssl: disable}}}}
  prod: {{redshift: {{secret: piped/redshift, database: prod, ssl: disable}}}}
state-machines: [{{name: piped, definition: load.asl.json}}]
start: [{{state-machine: piped}}]
expect: [{{execution: SUCCEEDED}}]
""")
    assert "other is dbname=postgres secret=piped/redshift sslmode=disable" in stepwell("run", str(tmp_path)).stdout
    wait_for("the table", lambda: postgres.ask("select 1 from pg_tables where tablename = 'piped'"))
    assert postgres.ask("select j ->> 'a' from piped") == [("1",)]


def test_a_server_that_dies(postgres, tmp_path):
    """What was under way at its end is told truly by the next server."""
    server = Server(tmp_path / "data", "--bind", f"prod=127.0.0.1:{postgres.port},secret=prod/redshift,dbname=prod,sslmode=disable")
    keep_secret(server, postgres)
    data = server.client("redshift-data")
    postgres.ask("create table fate (name text)")
    postgres.ask("""create function slow() returns trigger language plpgsql as $$ begin perform pg_sleep(3); return null; end $$""")
    postgres.ask("create constraint trigger late after insert on fate deferrable initially deferred for each row when (new.name = 'commit') execute function slow()")
    going = execute(data, "insert into fate select 'going' from pg_sleep(602)")
    alone = execute(data, "do $$ begin perform pg_sleep(603); end $$")
    at_commit = execute(data, ["insert into fate values ('before')", "insert into fate values ('commit')"])
    for sql in ("insert into fate select%", "do $$%"):
        wait_for(sql, lambda sql=sql: postgres.ask(f"select 1 from pg_stat_activity where query like '{sql}' and state = 'active' and pid <> pg_backend_pid()"))
    wait_for("the commit", lambda: postgres.ask("select 1 from pg_stat_activity where query = 'COMMIT' and state = 'active'"))
    server.process.kill()
    server.process.wait()
    postgres.stop()  # nobody can be asked yet
    server = Server(tmp_path / "data")  # the binding is kept
    try:
        data = server.client("redshift-data")
        done = ended(data, going)
        assert (done["Status"], done["Error"]) == ("FAILED", "FATAL: terminating connection due to administrator command")
        done = ended(data, alone)
        assert done["Status"] == "FAILED" and "it is not known whether it took effect" in done["Error"], done
        assert data.describe_statement(Id=at_commit)["Status"] == "STARTED"
        postgres.start()
        done = ended(data, at_commit, 120)
        committed = postgres.ask("select count(*) from fate") == [(2,)]
        assert done["Status"] == ("FINISHED" if committed else "FAILED"), (done, committed)
        assert run(data, "insert into fate values ('after')")["Status"] == "FINISHED"
    finally:
        server.stop()
