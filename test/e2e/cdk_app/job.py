import sys

import boto3

arguments = dict(zip(sys.argv[1::2], sys.argv[2::2]))
boto3.client("s3").put_object(Bucket=arguments["--bucket"], Key="greeting.txt", Body=arguments["--greeting"].encode())
