"""Glue Python shell job: run the statements of an SQL file in S3 on Redshift.

Arguments: --bucket and --file say where the SQL is, --db_creds names the secret
with host, port, username and password, --db the database.
"""
import json
import sys

import boto3
from awsglue.utils import getResolvedOptions

from redshift_module import run_script


def main():
    args = getResolvedOptions(sys.argv, ["bucket", "file", "db_creds", "db"])
    secret = boto3.client("secretsmanager").get_secret_value(SecretId=args["db_creds"])
    script = boto3.client("s3").get_object(Bucket=args["bucket"], Key=args["file"])
    sql = script["Body"].read().decode("utf-8")
    print(f"running s3://{args['bucket']}/{args['file']} in database {args['db']}")
    run_script(json.loads(secret["SecretString"]), args["db"], sql)
    print("done")


if __name__ == "__main__":
    main()
