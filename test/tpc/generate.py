"""Generates the data and queries of TPC-DS and TPC-H: generate.py FOLDER SCALE.

DuckDB's generators write them, as packaged for Python. FOLDER then has
    objects/tpc/SUITE/TABLE/part-0.parquet   the bucket tpc
    queries/SUITE.sql                        the tables, in Redshift's SQL
    queries/SUITE/NN.duckdb.sql              each query as the generator spells it
    queries/SUITE/NN.redshift.sql            and as it is asked here
"""
import importlib
import pathlib
import sys

import duckdb

import dialect

HERE = pathlib.Path(__file__).parent


def extension(name):
    package = importlib.import_module("duckdb_extension_" + name)
    return pathlib.Path(package.__file__).parent / "extensions" / ("v" + duckdb.__version__) / (name + ".duckdb_extension")


def generate(folder, suite, call):
    """Runs the generator in a database file of its own, which needs less memory."""
    file = folder / (suite + ".duckdb")
    file.unlink(missing_ok=True)
    db = duckdb.connect(str(file))
    db.execute(f"LOAD '{extension(suite)}'")
    db.execute(f"CALL {call}")
    for (table,) in db.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = 'main'").fetchall():
        out = folder / "objects" / "tpc" / suite / table
        out.mkdir(parents=True, exist_ok=True)
        db.execute(f"COPY {table} TO '{out}/part-0.parquet' (FORMAT parquet)")
    queries = folder / "queries" / suite
    queries.mkdir(parents=True, exist_ok=True)
    for number, text in db.execute(f"FROM {suite}_queries()").fetchall():
        name = f"{number:02d}"
        (queries / (name + ".duckdb.sql")).write_text(text)
        (queries / (name + ".redshift.sql")).write_text(dialect.redshift(suite, name, text))
    (folder / "queries" / (suite + ".sql")).write_text((HERE / (suite + ".sql")).read_text())
    db.close()
    file.unlink()


def main():
    folder, scale = pathlib.Path(sys.argv[1]), sys.argv[2]
    folder.mkdir(parents=True, exist_ok=True)
    generate(folder, "tpcds", f"dsdgen(sf={scale})")
    generate(folder, "tpch", f"dbgen(sf={scale})")


main()
