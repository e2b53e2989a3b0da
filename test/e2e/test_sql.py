"""What drivers send as parameters comes back as the types described."""
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
