"""Redshift Serverless: namespaces, workgroups, their endpoint and the Data API, as boto3 and drivers see them."""
import json

import psycopg
import pytest
import redshift_connector
from botocore.exceptions import ClientError
from conftest import Server, wait_for

ADMIN = {"adminUsername": "boss", "adminUserPassword": "Secret123"}


def made(server, name, **options):
    serverless = server.client("redshift-serverless", **server.keys)
    serverless.create_namespace(namespaceName=name, **options)
    serverless.create_workgroup(workgroupName=name + "-wg", namespaceName=name, baseCapacity=8)
    return wait_for("workgroup", lambda: (w := serverless.get_workgroup(workgroupName=name + "-wg")["workgroup"])["status"] == "AVAILABLE" and w, 30)


def run(data, **where):
    ident = data.execute_statement(**where)["Id"]
    done = wait_for("statement", lambda: (d := data.describe_statement(Id=ident))["Status"] in ("FINISHED", "FAILED") and d, 30)
    assert done["Status"] == "FINISHED", done
    return data.get_statement_result(Id=ident)["Records"] if done["HasResultSet"] else None


@pytest.fixture(scope="module", params=["open", "locked"])
def place(request, tmp_path_factory):
    """A server that lets everybody in, and one that verifies."""
    flags = ["--auth", "--credentials", "AKIAE2E:right:111122223333"] if request.param == "locked" else []
    s = Server(tmp_path_factory.mktemp(request.param), *flags)
    s.keys = {"aws_access_key_id": "AKIAE2E", "aws_secret_access_key": "right"} if flags else {}
    s.account = "111122223333" if flags else "123456789012"
    yield s
    s.stop()


def test_endpoint_and_data_api(place):
    w = made(place, "etl", dbName="sales", **ADMIN)
    where = {"host": w["endpoint"]["address"], "port": w["endpoint"]["port"]}
    with psycopg.connect(dbname="sales", user="boss", password="Secret123", autocommit=True, **where) as db:
        db.execute("create table orders (id int)")
        db.execute("insert into orders values (1), (2)")
        db.execute("grant select on orders to public")
        assert db.execute("select current_user, current_database()").fetchone() == ("boss", "sales")
    data = place.client("redshift-data", **place.keys)
    assert run(data, WorkgroupName="etl-wg", Database="sales", Sql="select count(*) from orders") == [[{"longValue": 2}]]
    assert run(data, WorkgroupName=w["workgroupArn"], Database="sales", Sql="select max(id) from orders") == [[{"longValue": 2}]]
    given = place.client("redshift-serverless", **place.keys).get_credentials(workgroupName="etl-wg", dbName="sales")
    with redshift_connector.connect(database="sales", user=given["dbUser"], password=given["dbPassword"], ssl=False, **where) as db, db.cursor() as cursor:
        cursor.execute("select current_user, sum(id) from orders")
        assert tuple(cursor.fetchone()) == (given["dbUser"], 3)
    # The first database of another namespace has the same name: the administrator tells them apart, or the option does.
    made(place, "other", dbName="sales", adminUsername="chief", adminUserPassword="Secret456")
    with psycopg.connect(dbname="sales", user="chief", password="Secret456", options=f"-c cluster={place.account}/us-east-1/other-wg", **where) as db:
        assert db.execute("select count(*) from pg_tables where tablename = 'orders'").fetchone() == (0,)
    with psycopg.connect(dbname="sales", user="boss", password="Secret123", **where) as db:
        assert db.execute("select sum(id) from orders").fetchone() == (3,)
    secrets = place.client("secretsmanager", **place.keys)
    arn = secrets.create_secret(Name="etl", SecretString='{"username": "boss", "password": "Secret123"}')["ARN"]
    assert run(data, WorkgroupName="etl-wg", Database="sales", SecretArn=arn, Sql="select current_user") == [[{"stringValue": "boss"}]]


def test_errors_and_ends(place):
    serverless = place.client("redshift-serverless", **place.keys)
    made(place, "gone", manageAdminPassword=True)
    secret = serverless.get_namespace(namespaceName="gone")["namespace"]["adminPasswordSecretArn"]
    secrets = place.client("secretsmanager", **place.keys)
    assert '"namespaceName":"gone"' in secrets.get_secret_value(SecretId=secret)["SecretString"]
    for call, code in [
        (lambda: serverless.create_namespace(namespaceName="gone"), "ConflictException"),
        (lambda: serverless.create_workgroup(workgroupName="second", namespaceName="gone"), "ConflictException"),
        (lambda: serverless.create_workgroup(workgroupName="second", namespaceName="none"), "ResourceNotFoundException"),
        (lambda: serverless.get_workgroup(workgroupName="none"), "ResourceNotFoundException"),
        (lambda: serverless.delete_namespace(namespaceName="gone"), "ConflictException"),
        (lambda: serverless.create_namespace(namespaceName="Wrong Name"), "ValidationException"),
        (lambda: serverless.create_snapshot(namespaceName="gone", snapshotName="s"), "NotImplemented"),
        (lambda: place.client("redshift-data", **place.keys).execute_statement(WorkgroupName="none", Database="dev", Sql="select 1"), "ValidationException"),
    ]:
        with pytest.raises(ClientError) as caught:
            call()
        assert caught.value.response["Error"]["Code"] == code
    assert [p["namespaces"] for p in serverless.get_paginator("list_namespaces").paginate(PaginationConfig={"PageSize": 1})][0]
    place.stop()
    place.start()  # a restart keeps them
    serverless = place.client("redshift-serverless", **place.keys)
    serverless.delete_workgroup(workgroupName="gone-wg")
    names = lambda: [w["workgroupName"] for w in serverless.list_workgroups()["workgroups"]]
    wait_for("end of the workgroup", lambda: "gone-wg" not in names(), 30)
    serverless.delete_namespace(namespaceName="gone")
    wait_for("end of the namespace", lambda: "gone" not in [n["namespaceName"] for n in serverless.list_namespaces()["namespaces"]], 30)
    with pytest.raises(ClientError):
        place.client("secretsmanager", **place.keys).describe_secret(SecretId=secret)


STACK = """
Resources:
  Secret:
    Type: AWS::SecretsManager::Secret
    Properties:
      Description: of the cluster
      GenerateSecretString:
        SecretStringTemplate: '{"username": "admin"}'
        GenerateStringKey: password
        PasswordLength: 24
        ExcludePunctuation: true
  Subnets:
    Type: AWS::Redshift::ClusterSubnetGroup
    Properties: {Description: d, SubnetIds: [subnet-11111111]}
  Parameters:
    Type: AWS::Redshift::ClusterParameterGroup
    Properties:
      Description: d
      ParameterGroupFamily: redshift-1.0
      Parameters: [{ParameterName: require_ssl, ParameterValue: "true"}]
  Cluster:
    Type: AWS::Redshift::Cluster
    Properties:
      ClusterType: single-node
      NodeType: ra3.large
      DBName: sales
      MasterUsername: !Sub "{{resolve:secretsmanager:${Secret}::username}}"
      MasterUserPassword: !Sub "{{resolve:secretsmanager:${Secret}::password}}"
      ClusterSubnetGroupName: !Ref Subnets
      ClusterParameterGroupName: !Ref Parameters
      IamRoles: [!GetAtt Role.Arn]
      Tags: [{Key: a, Value: b}]
  Attachment:
    Type: AWS::SecretsManager::SecretTargetAttachment
    Properties: {SecretId: !Ref Secret, TargetType: "AWS::Redshift::Cluster", TargetId: !Ref Cluster}
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument: {Version: "2012-10-17", Statement: [{Effect: Allow, Principal: {Service: redshift.amazonaws.com}, Action: "sts:AssumeRole"}]}
  Namespace:
    Type: AWS::RedshiftServerless::Namespace
    Properties: {NamespaceName: cfn-ns, DbName: etl, AdminUsername: boss, AdminUserPassword: Secret123}
  Workgroup:
    Type: AWS::RedshiftServerless::Workgroup
    Properties: {WorkgroupName: cfn-wg, NamespaceName: !Ref Namespace, BaseCapacity: 8}
  Database:
    Type: AWS::Glue::Database
    Properties: {CatalogId: !Ref "AWS::AccountId", DatabaseInput: {Name: cfn_db}}
  Table:
    Type: AWS::Glue::Table
    Properties:
      CatalogId: !Ref "AWS::AccountId"
      DatabaseName: !Ref Database
      TableInput: {Name: t, StorageDescriptor: {Location: "s3://b/t/", Columns: [{Name: id, Type: int}]}, PartitionKeys: [{Name: day, Type: string}]}
  Partition:
    Type: AWS::Glue::Partition
    Properties:
      CatalogId: !Ref "AWS::AccountId"
      DatabaseName: !Ref Database
      TableName: !Ref Table
      PartitionInput: {Values: ["1"], StorageDescriptor: {Location: "s3://b/t/day=1/"}}
  Connection:
    Type: AWS::Glue::Connection
    Properties:
      CatalogId: !Ref "AWS::AccountId"
      ConnectionInput:
        ConnectionType: JDBC
        ConnectionProperties:
          JDBC_CONNECTION_URL: !Sub "jdbc:redshift://${Cluster.Endpoint.Address}:${Cluster.Endpoint.Port}/sales"
          USERNAME: admin
          PASSWORD: !Sub "{{resolve:secretsmanager:${Secret}::password}}"
  Job:
    Type: AWS::Glue::Job
    Properties: {Role: !GetAtt Role.Arn, Command: {Name: pythonshell, ScriptLocation: "s3://b/j.py", PythonVersion: "3.9"}, Connections: {Connections: [!Ref Connection]}}
Outputs:
  Cluster: {Value: !Ref Cluster}
  Port: {Value: !GetAtt Cluster.Endpoint.Port}
  Workgroup: {Value: !GetAtt Workgroup.Workgroup.Endpoint.Address}
  Secret: {Value: !Ref Attachment}
  Job: {Value: !Ref Job}
"""


def test_stack(server):
    """A warehouse from a template: secrets, clusters, workgroups and the catalog; nothing is left of it."""
    stacks = server.client("cloudformation")

    def settled(name):
        return wait_for("stack", lambda: not (s := stacks.describe_stacks(StackName=name)["Stacks"][0])["StackStatus"].endswith("IN_PROGRESS") and s)

    stacks.create_stack(StackName="dw", TemplateBody=STACK, Capabilities=["CAPABILITY_IAM"])
    stack = settled("dw")
    assert stack["StackStatus"] == "CREATE_COMPLETE", stacks.describe_stack_events(StackName="dw")["StackEvents"]
    outputs = {o["OutputKey"]: o["OutputValue"] for o in stack["Outputs"]}
    secret = json.loads(server.client("secretsmanager").get_secret_value(SecretId=outputs["Secret"])["SecretString"])
    assert (secret["dbClusterIdentifier"], secret["username"], secret["port"]) == (outputs["Cluster"], "admin", int(outputs["Port"]))
    where = {"host": secret["host"], "port": secret["port"], "dbname": secret["dbname"]}
    with psycopg.connect(user=secret["username"], password=secret["password"], **where) as db:
        assert db.execute("select current_user, current_database()").fetchone() == ("admin", "sales")
    changed = STACK.replace("NodeType: ra3.large", "NodeType: ra3.xlplus").replace("BaseCapacity: 8", "BaseCapacity: 16").replace("Type: int}", "Type: bigint}")
    stacks.update_stack(StackName="dw", TemplateBody=changed, Capabilities=["CAPABILITY_IAM"])
    assert settled("dw")["StackStatus"] == "UPDATE_COMPLETE"
    cluster = server.client("redshift").describe_clusters(ClusterIdentifier=outputs["Cluster"])["Clusters"][0]
    assert (cluster["NodeType"], cluster["Tags"][-1]) == ("ra3.xlplus", {"Key": "aws:cloudformation:stack-name", "Value": "dw"})
    assert server.client("redshift-serverless").get_workgroup(workgroupName="cfn-wg")["workgroup"]["baseCapacity"] == 16
    assert server.client("glue").get_table(DatabaseName="cfn_db", Name="t")["Table"]["StorageDescriptor"]["Columns"][0]["Type"] == "bigint"
    stacks.delete_stack(StackName="dw")
    assert settled(stack["StackId"])["StackStatus"] == "DELETE_COMPLETE"
    assert outputs["Cluster"] not in [c["ClusterIdentifier"] for c in server.client("redshift").describe_clusters()["Clusters"]]
    assert "cfn-ns" not in [n["namespaceName"] for n in server.client("redshift-serverless").list_namespaces()["namespaces"]]
    assert outputs["Secret"] not in [x["ARN"] for x in server.client("secretsmanager").list_secrets(IncludePlannedDeletion=True)["SecretList"]]
    with pytest.raises(ClientError):
        server.client("glue").get_job(JobName=outputs["Job"])


def test_a_password_opens_its_own_place(place):
    """Two namespaces have an administrator of the same name: neither's password opens the other."""
    if place.account == "123456789012":
        pytest.skip("passwords are not asked for")
    w = made(place, "mine", dbName="minedb", adminUsername="same", adminUserPassword="Secret111")
    made(place, "yours", dbName="yoursdb", adminUsername="same", adminUserPassword="Secret222")
    where = {"host": w["endpoint"]["address"], "port": w["endpoint"]["port"], "user": "same"}
    for database, password in [("minedb", "Secret111"), ("yoursdb", "Secret222")]:
        with psycopg.connect(dbname=database, password=password, **where) as db:
            assert db.execute("select current_database()").fetchone() == (database,)
    for database, password in [("minedb", "Secret222"), ("yoursdb", "Secret111")]:
        with pytest.raises(psycopg.OperationalError, match="does not exist"):
            psycopg.connect(dbname=database, password=password, **where)
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(dbname="minedb", password="wrong", **where)
