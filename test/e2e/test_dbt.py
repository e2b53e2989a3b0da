"""A dbt project with dbt-redshift: seed, run, snapshot, test and docs, twice."""
import json
import pathlib
import shutil
import subprocess

import psycopg2
import pytest

PROJECT = pathlib.Path(__file__).parent / "dbt_project"

pytestmark = pytest.mark.dbt


@pytest.fixture(scope="module")
def dbt(server, tmp_path_factory):
    folder = tmp_path_factory.mktemp("dbt") / "project"
    shutil.copytree(PROJECT, folder)

    def run(*args):
        done = subprocess.run(
            ["dbt", "--no-use-colors", *args, "--project-dir", str(folder), "--profiles-dir", str(folder)],
            capture_output=True, text=True, cwd=folder,
            env={**server.environment, "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"},
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    run.folder = folder
    return run


@pytest.fixture(scope="module")
def query(server):
    connection = psycopg2.connect(host=server.redshift_host, port=server.redshift_port, dbname="dev", user="awsuser", password="x")
    connection.autocommit = True

    def run(sql):
        with connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall() if cursor.description else None

    yield run
    connection.close()


def test_project(dbt, query):
    for command in ("seed", "run", "snapshot", "test"):
        dbt(command)
    totals = "select customer_id, orders, total::varchar from analytics.customer_totals order by 1"
    assert query(totals) == [(1, 2, "30.50"), (2, 1, "5.25"), (3, 1, "7.00")]
    assert query("select count(*) from analytics.orders_delete_insert") == [(4,)]
    assert query("select country, total::varchar from analytics.late_view order by 1") == [("GB", "30.50"), ("NL", "7.00"), ("US", "5.25")]
    assert query("select name from analytics.names order by 1") == [("ADA",), ("EDSGER",), ("GRACE",)]
    assert query("select count(*), count(dbt_valid_to) from snapshots.customers_history") == [(3, 0)]
    assert query("select diststyle, sortkey1 from svv_table_info where \"table\" = 'customer_totals'") == [("KEY(customer_id)", "country")]

    # What changes between two runs arrives by delete and insert, merge, append and in the snapshots.
    query("insert into analytics.orders values (5, 2, 9.00, '2024-01-05 09:00:00')")
    query("update analytics.orders set amount = 8.00 where id = 4")
    query("update analytics.customers set name = 'Gracie', updated_at = '2024-02-01' where id = 2")
    for command in ("run", "snapshot", "test"):
        dbt(command)
    rows = "select order_id, amount::varchar from analytics.{} order by 1"
    want = [(1, "10.50"), (2, "20.00"), (3, "5.25"), (4, "8.00"), (5, "9.00")]
    assert query(rows.format("orders_delete_insert")) == want
    assert query(rows.format("orders_merge")) == want
    assert query("select count(*) from analytics.orders_append") == [(5,)]
    history = "select name, dbt_valid_to is null from snapshots.customers_history where id = 2 order by dbt_valid_from"
    assert query(history) == [("Grace", False), ("Gracie", True)]
    amounts = "select amount::varchar, dbt_valid_to is null from snapshots.orders_history where id = 4 order by 2"
    assert query(amounts) == [("7.00", False), ("8.00", True)]

    dbt("run", "--full-refresh")
    assert query(rows.format("orders_merge")) == want
    dbt("build")


def test_docs(dbt):
    dbt("seed")
    dbt("run")
    dbt("docs", "generate")
    catalog = json.loads((dbt.folder / "target" / "catalog.json").read_text())
    assert not catalog["errors"]
    totals = catalog["nodes"]["model.shop.customer_totals"]
    assert [(c["name"], c["type"]) for c in totals["columns"].values()][:2] == [("customer_id", "integer"), ("name", "character varying(6)")]
    assert "model.shop.late_view" in catalog["nodes"]
