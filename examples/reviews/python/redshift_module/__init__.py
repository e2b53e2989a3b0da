"""Runs SQL scripts on Redshift for the jobs of this pipeline."""
import redshift_connector


def statements(script):
    """Split a script at the semicolons that end a line; comments stay."""
    for part in script.split(";\n"):
        if any(line.strip() and not line.strip().startswith("--") for line in part.splitlines()):
            yield part.strip().rstrip(";")


def run_script(secret, database, script):
    """Run each statement on its own: external tables cannot be made in a transaction."""
    with redshift_connector.connect(
        host=secret["host"],
        port=int(secret["port"]),
        user=secret["username"],
        password=secret["password"],
        database=database,
    ) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            for statement in statements(script):
                cursor.execute(statement)
                first = next(line for line in statement.splitlines() if not line.startswith("--"))
                rows = f"{cursor.rowcount} rows" if cursor.rowcount >= 0 else "done"
                print(f"{rows:>12}  {first}")
