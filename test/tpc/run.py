"""Asks a fresh server the queries of TPC-DS and TPC-H over the wire and compares
the rows with DuckDB's own of the same files: run.py STEPWELL FOLDER, with the
folder that generate.py filled."""
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import boto3
import duckdb
import psycopg2

import dialect


def serve(program, data):
    command = [program, "serve", "--data-dir", data, "--listen", "127.0.0.1:0", "--redshift", "127.0.0.1:0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    said = {}
    for line in process.stdout:
        if line.startswith("AWS endpoint"):
            said["endpoint"] = line.split()[2]
        if line.startswith("Redshift"):
            said["redshift"] = line.split()[1]
        if line.startswith("Ready"):
            return process, said["endpoint"], said["redshift"]
    raise RuntimeError("the server did not start")


def upload(endpoint, objects):
    s3 = boto3.client(
        "s3", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="123456789012", aws_secret_access_key="anything"
    )
    s3.create_bucket(Bucket="tpc")
    for file in sorted((objects / "tpc").rglob("*.parquet")):
        s3.upload_file(str(file), "tpc", str(file.relative_to(objects / "tpc")))


def load(cursor, folder, suite):
    cursor.execute(f"create schema {suite}; set search_path to {suite}")
    cursor.execute((folder / "queries" / (suite + ".sql")).read_text())
    for table in sorted((folder / "objects" / "tpc" / suite).iterdir()):
        cursor.execute(f"copy {table.name} from 's3://tpc/{suite}/{table.name}/' iam_role default format parquet")


def oracle(folder, suite):
    db = duckdb.connect()
    for table in (folder / "objects" / "tpc" / suite).iterdir():
        db.execute(f"CREATE TABLE {table.name} AS FROM '{table}/*.parquet'")
    return db


def is_number(value):
    return hasattr(value, "__float__") and not isinstance(value, bool)


def same(ours, theirs, rule):
    if ours is None or theirs is None:
        return ours is theirs
    if is_number(ours) and is_number(theirs):
        a, b = float(ours), float(theirs)
        return dialect.follows(rule, a, b) if rule else abs(a - b) <= 1e-9 * max(1.0, abs(a), abs(b))
    if isinstance(ours, str) and isinstance(theirs, str):  # trailing blanks mean nothing, and CHAR has them
        return ours.rstrip(" ") == theirs.rstrip(" ")
    return ours == theirs


def compare(name, columns, ours, theirs):
    """The first difference of two results; None if there is none."""
    if len(ours) != len(theirs):
        return f"{len(ours)} rows, DuckDB has {len(theirs)}"
    rules = [dialect.DIFFERENCES.get(name, {}).get(column) for column in columns]

    def mismatch(a, b):
        for row, (x, y) in enumerate(zip(a, b)):
            for i, rule in enumerate(rules):
                if not same(x[i], y[i], rule):
                    return f"row {row + 1}, {columns[i]}: {x[i]!r}, DuckDB has {y[i]!r}"
        return None

    first = mismatch(ours, theirs)
    if first is None:
        return None

    def key(row):  # what ORDER BY leaves open may come in any order
        return [(row[i] is None, str(row[i]).rstrip(" ")) for i, rule in enumerate(rules) if not rule and not isinstance(row[i], float)]

    return first if mismatch(sorted(ours, key=key), sorted(theirs, key=key)) else None


def replay(cursor, folder, suite):
    """Runs the queries of a suite; returns how many there are and how many agree."""
    cursor.execute(f"set search_path to {suite}")
    db = oracle(folder, suite)
    total = equal = 0
    spent = [0.0, 0.0]
    for file in sorted((folder / "queries" / suite).glob("*.redshift.sql")):
        name = f"{suite}/{file.name[:2]}"
        total += 1
        start = time.monotonic()
        try:
            cursor.execute(file.read_text())
            ours = cursor.fetchall()
        except psycopg2.Error as e:
            print(f"  {name}: {e}")
            continue
        between = time.monotonic()
        theirs = db.execute(file.with_name(file.name[:2] + ".duckdb.sql").read_text()).fetchall()
        spent = [spent[0] + between - start, spent[1] + time.monotonic() - between]
        difference = compare(name, [d[0] for d in cursor.description], ours, theirs)
        if difference:
            print(f"  {name}: {difference}")
        else:
            equal += 1
    by_rule = sum(1 for n in dialect.DIFFERENCES if n.startswith(suite + "/"))
    as_double = sum(1 for n in dialect.DOUBLE if n.startswith(suite + "/"))
    print(
        f"{suite}: {equal} of {total} queries answer as DuckDB's own ({by_rule} by the listed rules of AVG and /, "
        f"{as_double} with averages as doubles); {spent[0]:.1f} s over the wire, DuckDB in memory {spent[1]:.1f} s"
    )
    return total, equal


def main():
    program, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    with tempfile.TemporaryDirectory() as data:
        process, endpoint, redshift = serve(program, os.path.join(data, "server"))
        try:
            upload(endpoint, folder / "objects")
            host, port = redshift.rsplit(":", 1)
            connection = psycopg2.connect(host=host, port=port, user="awsuser", password="anything", dbname="dev")
            connection.autocommit = True
            cursor = connection.cursor()
            failed = 0
            for suite in ("tpcds", "tpch"):
                load(cursor, folder, suite)
                total, equal = replay(cursor, folder, suite)
                failed += total - equal
        finally:
            process.terminate()
            process.wait(60)
    sys.exit(1 if failed else 0)


main()
