"""Where Redshift's answers to the queries differ from DuckDB's, and why.

DuckDB averages and divides exact numbers as doubles. Redshift does not:

    whole     AVG of integers is a BIGINT; the fraction is cut off ("AVG function").
    scaled    AVG of NUMERIC(p,2) is NUMERIC(38,2) ("AVG function").
    quotient  a quotient of NUMERICs whose precision passes 38 digits has at least
              4 digits behind the point; the rest is cut off ("Computations with
              numeric values").
    percent   a quotient times 100.
    summed    a sum of quotients.

DIFFERENCES says by query and column which rule makes Redshift's value of
DuckDB's. Every other value must be the same. In DOUBLE such an average decides
which rows there are, or their order: there both sides are asked for doubles.
"""
import re


def _columns(rule, names):
    return {name: rule for name in names.split()}


_AVERAGES = {"agg1": "whole", **_columns("scaled", "agg2 agg3 agg4")}
_MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec"

DIFFERENCES = {
    "tpcds/07": _AVERAGES,
    "tpcds/09": _columns("scaled", "bucket1 bucket2 bucket3 bucket4 bucket5"),
    "tpcds/12": {"revenueratio": "quotient"},
    "tpcds/13": {"avg1": "whole", **_columns("scaled", "avg2 avg3")},
    "tpcds/18": _columns("scaled", "agg1 agg2 agg3 agg4 agg5 agg6 agg7"),
    "tpcds/20": {"revenueratio": "quotient"},
    "tpcds/26": _AVERAGES,
    "tpcds/27": _AVERAGES,
    "tpcds/28": _columns("scaled", "b1_lp b2_lp b3_lp b4_lp b5_lp b6_lp"),
    "tpcds/31": _columns("quotient", "web_q1_q2_increase store_q1_q2_increase web_q2_q3_increase store_q2_q3_increase"),
    "tpcds/36": {"gross_margin": "quotient"},
    "tpcds/47": {"avg_monthly_sales": "scaled"},
    "tpcds/53": {"avg_quarterly_sales": "scaled"},
    "tpcds/57": {"avg_monthly_sales": "scaled"},
    "tpcds/58": {**_columns("percent", "ss_dev cs_dev ws_dev"), "average": "quotient"},
    "tpcds/59": _columns("quotient", " ".join(day + "_sales_ratio" for day in "sun mon tue wed thu fri sat".split())),
    "tpcds/63": {"avg_monthly_sales": "scaled"},
    "tpcds/66": _columns("summed", " ".join(month + "_sales_per_sq_foot" for month in _MONTHS.split())),
    "tpcds/83": {**_columns("percent", "sr_dev cr_dev wr_dev"), "average": "quotient"},
    "tpcds/89": {"avg_monthly_sales": "scaled"},
    "tpcds/98": {"revenueratio": "quotient"},
    "tpch/01": _columns("scaled", "avg_qty avg_price avg_disc"),
    "tpch/08": {"mkt_share": "quotient"},
    "tpch/14": {"promo_revenue": "quotient"},
}

DOUBLE = ["tpcds/22", "tpcds/39", "tpcds/44"]


def redshift(suite, name, text):
    """The query as it is asked here. Redshift takes the generator's spelling."""
    if f"{suite}/{name}" in DOUBLE:
        text = re.sub(r"\bavg\((\w+)\)", r"avg(cast(\1 as double precision))", text, flags=re.IGNORECASE)
    return text


def follows(rule, ours, theirs):
    """Says whether a rule makes our value of DuckDB's."""
    off = abs(theirs) - abs(ours)
    noise = 1e-9 * max(1.0, abs(theirs))
    if ours * theirs < 0:
        return False
    match rule:
        case "whole":
            return ours == int(ours) and -noise <= off < 1
        case "scaled":
            return abs(off) <= 0.005 + noise
        case "quotient":
            return -noise <= off < 0.0001 + noise
        case "percent":
            return -noise <= off < 0.01 + noise
        case "summed":
            return -noise <= off < 0.01
    raise ValueError(rule)
