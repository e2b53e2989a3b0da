"""The Redshift JDBC driver: metadata, prepared statements, batches, cursors, calls."""
import os
import pathlib
import shutil
import subprocess

import psycopg2
import pytest

DRIVER = "com.amazon.redshift:redshift-jdbc42:2.1.0.33"

pytestmark = pytest.mark.clients


@pytest.fixture(scope="module")
def classpath(tmp_path_factory):
    """The driver, found by Maven, and the program compiled against it."""
    for tool in ("java", "javac", "mvn"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    folder = tmp_path_factory.mktemp("jdbc")
    subprocess.run(["mvn", "-q", "-B", "dependency:get", f"-Dartifact={DRIVER}"], check=True)
    subprocess.run(["mvn", "-q", "-B", "dependency:copy", f"-Dartifact={DRIVER}", f"-DoutputDirectory={folder}"], check=True)
    jar = next(folder.glob("redshift-jdbc42*.jar"))
    source = pathlib.Path(__file__).parent / "jdbc" / "Check.java"
    subprocess.run(["javac", "-d", str(folder), str(source)], check=True)
    return f"{folder}{os.pathsep}{jar}"


@pytest.fixture(scope="module")
def answers(server, classpath):
    schema = pathlib.Path(__file__).parent / "clients.sql"
    with psycopg2.connect(host=server.redshift_host, port=server.redshift_port, dbname="dev", user="awsuser", password="x") as c:
        c.autocommit = True
        c.cursor().execute(schema.read_text())
    done = subprocess.run(["java", "-cp", classpath, "Check", f"{server.redshift_host}:{server.redshift_port}"], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    found = {}
    for line in done.stdout.splitlines():
        word, _, rest = line.partition(" ")
        if word in ("OK", "FAIL"):
            name, _, value = rest.partition(" ")
            found[name] = value if word == "OK" else line
    return found


def test_every_step(answers):
    assert not [v for v in answers.values() if v.startswith("FAIL")]


@pytest.mark.parametrize("step, want", [
    ("schemasLike", "[shop]"),
    ("tables", "[shop/customer/TABLE/People who buy, shop/orders/TABLE/null, shop/lb/VIEW/null, shop/v/VIEW/null]"),
    ("columnsOrders", "[id/int8/19/0/NO, customer_id/int4/10/0/NO, total/numeric/12/2/NO, note/varchar/65535/0/NO]"),
    ("columnsLate", "[id/int4/10, name/character varying(40)/40]"),
    ("primaryKeys", "[id/1/customer_pkey]"),
    ("importedKeys", "[customer/id/orders/customer_id/orders_customer_id_fkey]"),
    ("procedures", "[shop/p/2, shop/plus/2]"),
    ("procedureColumns", "[p/a/1/integer, p/b/2/integer]"),
    ("functions", "[plus]"),
    ("functionColumns", "[plus//5/integer]"),
    ("typeInfo", "true"),
    ("fetchSize", "2500 3126250"),
    ("setSchema", "shop"),
    ("call", "7"),
    ("callSQL", "8"),
    ("multi", "1 2"),
    ("updateCount", "3"),
    ("nulls", "1"),
])
def test_answer(answers, step, want):
    assert answers[step] == want


def test_errors(answers):
    assert answers["rollback"].startswith("42P01 ERROR: relation \"public.jrb\" does not exist")
    assert answers["error"].startswith("42601 ERROR: syntax error at or near \"selec\"")
    assert answers["cancel"].startswith("57014 ")
