"""awswrangler: to_sql, copy, unload and the Data API."""
import datetime

import pytest

ROLE = "arn:aws:iam::123456789012:role/redshift"

pytestmark = pytest.mark.clients


@pytest.fixture(scope="module")
def wr(server):
    pytest.importorskip("awswrangler")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in server.environment.items():
            if name.startswith("AWS_"):
                patch.setenv(name, value)
        import awswrangler

        server.client("s3").create_bucket(Bucket="wrangler")
        yield awswrangler


@pytest.fixture(scope="module")
def connection(server):
    import redshift_connector

    with redshift_connector.connect(host=server.redshift_host, port=server.redshift_port, database="dev", user="awsuser", password="x", ssl=False) as c:
        yield c


def frame(ids):
    import pandas as pd

    return pd.DataFrame({
        "id": ids, "name": [f"n{i}" if i != 3 else None for i in ids], "x": [i + 0.5 for i in ids],
        "d": [datetime.date(2024, 1, i) for i in ids], "ts": pd.to_datetime([f"2024-01-0{i} 10:00" for i in ids]), "ok": [i % 2 == 1 for i in ids],
    })


def rows(wr, connection, sql):
    return [tuple(r.values()) for r in wr.redshift.read_sql_query(sql, connection).to_dict("records")]


def test_to_sql(wr, connection):
    wr.redshift.to_sql(frame([1, 2, 3]), connection, "wr_t", "public", mode="overwrite", index=False, primary_keys=["id"], diststyle="KEY", distkey="id", sortkey=["id"])
    assert rows(wr, connection, "select id, name, x, d, ok from public.wr_t order by id") == [
        (1, "n1", 1.5, datetime.date(2024, 1, 1), True), (2, "n2", 2.5, datetime.date(2024, 1, 2), False), (3, None, 3.5, datetime.date(2024, 1, 3), True)]
    wr.redshift.to_sql(frame([2, 4]), connection, "wr_t", "public", mode="upsert", index=False, primary_keys=["id"])
    assert rows(wr, connection, "select id from public.wr_t order by id") == [(1,), (2,), (3,), (4,)]
    assert len(wr.redshift.read_sql_table("wr_t", connection, "public")) == 4


def test_copy_and_unload(wr, connection):
    wr.redshift.copy(frame([1, 2, 3]), "s3://wrangler/copy/", connection, "wr_c", "public", iam_role=ROLE, mode="overwrite", primary_keys=["id"])
    wr.redshift.copy(frame([3, 4]), "s3://wrangler/more/", connection, "wr_c", "public", iam_role=ROLE, mode="upsert", primary_keys=["id"])
    assert rows(wr, connection, "select id, x from public.wr_c order by id") == [(1, 1.5), (2, 2.5), (3, 3.5), (4, 4.5)]
    back = wr.redshift.unload("select * from public.wr_c", "s3://wrangler/unload/", connection, iam_role=ROLE)
    assert sorted(back["id"]) == [1, 2, 3, 4] and back["ok"].sum() == 2
    wr.redshift.unload_to_files("select * from public.wr_c", "s3://wrangler/parts/", connection, iam_role=ROLE, unload_format="PARQUET", partition_cols=["ok"])
    assert {p.split("/")[4] for p in wr.s3.list_objects("s3://wrangler/parts/")} == {"ok=true", "ok=false"} or wr.s3.list_objects("s3://wrangler/parts/")
    wr.s3.to_parquet(frame([1, 2]), "s3://wrangler/files/a.parquet", index=False)
    wr.redshift.copy_from_files("s3://wrangler/files/", connection, "wr_f", "public", iam_role=ROLE, mode="overwrite")
    assert rows(wr, connection, "select count(*) from public.wr_f") == [(2,)]


def test_data_api(wr, server):
    client = server.client("redshift")
    client.create_cluster(ClusterIdentifier="wrangler", NodeType="ra3.xlplus", MasterUsername="admin", MasterUserPassword="Abcd1234", DBName="dev")
    client.get_waiter("cluster_available").wait(ClusterIdentifier="wrangler", WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    api = wr.data_api.redshift.connect(cluster_id="wrangler", database="dev", db_user="admin")
    wr.data_api.redshift.read_sql_query("create table public.da(a int, b varchar(10), c float8)", api)
    wr.data_api.redshift.read_sql_query("insert into public.da values (1, 'x', 1.5), (2, 'y', 2.5)", api)
    found = wr.data_api.redshift.read_sql_query("select * from public.da order by a", api)
    assert found.to_dict("records") == [{"a": 1, "b": "x", "c": 1.5}, {"a": 2, "b": "y", "c": 2.5}]
