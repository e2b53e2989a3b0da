"""SQLAlchemy with sqlalchemy-redshift: reflection, DDL, inserts, pandas."""
import datetime
import pathlib

import pytest

pytestmark = pytest.mark.clients


@pytest.fixture(scope="module", params=["redshift+psycopg2", "redshift+redshift_connector"])
def engine(request, server):
    sa = pytest.importorskip("sqlalchemy")
    url = sa.engine.URL.create(request.param, username="awsuser", password="x", host=server.redshift_host, port=server.redshift_port, database="dev")
    engine = sa.create_engine(url, connect_args={"sslmode": "disable"} if request.param.endswith("psycopg2") else {"ssl": False})
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for statement in (pathlib.Path(__file__).parent / "clients.sql").read_text().split(";\n"):
            if statement.strip() and "procedure" not in statement and statement.strip() != "end":
                connection.exec_driver_sql(statement)
    yield engine
    engine.dispose()


def test_reflection(engine):
    import sqlalchemy as sa

    inspector = sa.inspect(engine)
    assert "shop" in inspector.get_schema_names()
    assert sorted(inspector.get_table_names("shop")) == ["customer", "orders"]
    assert sorted(inspector.get_view_names("shop")) == ["lb", "v"]
    columns = {c["name"]: c for c in inspector.get_columns("orders", "shop")}
    assert list(columns) == ["id", "customer_id", "total", "note"]
    assert str(columns["total"]["type"]) == "NUMERIC(12, 2)" and columns["id"]["nullable"] is False
    assert inspector.get_pk_constraint("customer", "shop")["constrained_columns"] == ["id"]
    assert [u["column_names"] for u in inspector.get_unique_constraints("orders", "shop")] == [["customer_id", "total"]]
    key = inspector.get_foreign_keys("orders", "shop")[0]
    assert (key["constrained_columns"], key["referred_table"], key["referred_columns"]) == (["customer_id"], "customer", ["id"])
    assert "shop.customer" in inspector.get_view_definition("v", "shop")
    options = inspector.get_table_options("customer", "shop")
    assert (options["redshift_distkey"], options["redshift_sortkey"]) == ("id", ("since",))
    assert inspector.get_table_comment("customer", "shop") == {"text": "People who buy"}
    metadata = sa.MetaData()
    metadata.reflect(engine, schema="shop", only=["customer"])
    assert list(metadata.tables["shop.customer"].columns.keys()) == ["id", "name", "since"]


def test_tables_and_rows(engine):
    import sqlalchemy as sa

    metadata = sa.MetaData()
    table = sa.Table(
        "sa_t", metadata, sa.Column("id", sa.Integer, primary_key=True), sa.Column("name", sa.String(20)), sa.Column("at", sa.DateTime),
        redshift_diststyle="KEY", redshift_distkey="id", redshift_sortkey="id",
    )
    metadata.drop_all(engine)
    metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(table.insert(), [{"id": 1, "name": "a", "at": datetime.datetime(2024, 1, 1)}, {"id": 2, "name": "b", "at": None}])
        rows = connection.execute(sa.select(table).order_by(table.c.id)).fetchall()
    assert [tuple(r) for r in rows] == [(1, "a", datetime.datetime(2024, 1, 1)), (2, "b", None)]


def test_pandas(engine):
    pandas = pytest.importorskip("pandas")
    pandas.DataFrame({"a": [1, 2], "b": ["x", "y"]}).to_sql("sa_df", engine, schema="public", if_exists="replace", index=False)
    assert pandas.read_sql("select * from public.sa_df order by a", engine).to_dict("records") == [{"a": 1, "b": "x"}, {"a": 2, "b": "y"}]
