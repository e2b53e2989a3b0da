"""IAM as boto3 sees it: what is kept is linked and returned, and the credentials it hands out are good."""
import json

import pytest
from botocore.exceptions import ClientError
from conftest import Server

KEY = {"aws_access_key_id": "AKIAE2E", "aws_secret_access_key": "right"}
ALLOW = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}


def trust(**principal):
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}]})


@pytest.fixture(scope="module")
def locked(tmp_path_factory):
    s = Server(tmp_path_factory.mktemp("iam"), "--auth", "--credentials", "AKIAE2E:right:111122223333")
    yield s
    s.stop()


def code(call, **arguments):
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return caught.value.response["Error"]["Code"]


def test_access_keys_work(locked):
    iam = locked.client("iam", **KEY)
    user = iam.create_user(UserName="ann", Path="/dev/")["User"]
    given = iam.create_access_key(UserName="ann")["AccessKey"]
    keys = {"aws_access_key_id": given["AccessKeyId"], "aws_secret_access_key": given["SecretAccessKey"]}
    me = locked.client("sts", **keys).get_caller_identity()
    assert (me["Arn"], me["UserId"], me["Account"]) == ("arn:aws:iam::111122223333:user/dev/ann", user["UserId"], "111122223333")
    assert locked.client("sts", **keys).get_access_key_info(AccessKeyId=given["AccessKeyId"])["Account"] == "111122223333"
    assert locked.client("iam", **keys).get_user()["User"]["UserName"] == "ann"
    locked.client("s3", **keys).create_bucket(Bucket="ann-bucket")
    locked.stop()
    locked.start()  # keys survive a restart
    iam = locked.client("iam", **KEY)
    assert locked.client("s3", **keys).list_buckets()["Buckets"]
    iam.update_access_key(UserName="ann", AccessKeyId=given["AccessKeyId"], Status="Inactive")
    assert code(locked.client("sts", **keys).get_caller_identity) == "InvalidClientTokenId"
    iam.update_access_key(UserName="ann", AccessKeyId=given["AccessKeyId"], Status="Active")
    assert locked.client("sts", **keys).get_caller_identity()["Arn"].endswith("ann")
    assert code(iam.delete_user, UserName="ann") == "DeleteConflict"
    iam.delete_access_key(UserName="ann", AccessKeyId=given["AccessKeyId"])
    assert code(locked.client("sts", **keys).get_caller_identity) == "InvalidClientTokenId"
    iam.delete_user(UserName="ann")


def test_trust(locked):
    iam = locked.client("iam", **KEY)
    iam.create_role(RoleName="open", AssumeRolePolicyDocument=trust(AWS="arn:aws:iam::111122223333:root"), MaxSessionDuration=7200)
    iam.create_role(RoleName="service", AssumeRolePolicyDocument=trust(Service="states.amazonaws.com"))
    sts = locked.client("sts", **KEY)
    given = sts.assume_role(RoleArn="arn:aws:iam::111122223333:role/open", RoleSessionName="me")["Credentials"]
    role = {"aws_access_key_id": given["AccessKeyId"], "aws_secret_access_key": given["SecretAccessKey"], "aws_session_token": given["SessionToken"]}
    assert locked.client("sts", **role).get_caller_identity()["Arn"] == "arn:aws:sts::111122223333:assumed-role/open/me"
    assert code(locked.client("iam", **role).get_user) == "ValidationError"
    assert code(sts.assume_role, RoleArn="arn:aws:iam::111122223333:role/service", RoleSessionName="me") == "AccessDenied"
    iam.update_assume_role_policy(RoleName="service", PolicyDocument=trust(AWS="111122223333"))
    assert sts.assume_role(RoleArn="arn:aws:iam::111122223333:role/service", RoleSessionName="me")["AssumedRoleUser"]["AssumedRoleId"].startswith("AROA")


def test_what_is_kept_is_returned(server):
    iam = server.client("iam")
    arn = iam.create_policy(PolicyName="kept", PolicyDocument=json.dumps(ALLOW))["Policy"]["Arn"]
    iam.create_policy_version(PolicyArn=arn, PolicyDocument=json.dumps(ALLOW), SetAsDefault=True)
    assert iam.get_policy_version(PolicyArn=arn, VersionId="v2")["PolicyVersion"]["Document"] == ALLOW  # botocore decodes it
    role = iam.create_role(RoleName="kept", AssumeRolePolicyDocument=trust(Service="glue.amazonaws.com"), PermissionsBoundary=arn)["Role"]
    assert role["AssumeRolePolicyDocument"]["Statement"][0]["Principal"] == {"Service": "glue.amazonaws.com"}
    iam.put_role_policy(RoleName="kept", PolicyName="inline", PolicyDocument=json.dumps(ALLOW))
    iam.attach_role_policy(RoleName="kept", PolicyArn=arn)
    iam.attach_role_policy(RoleName="kept", PolicyArn="arn:aws:iam::aws:policy/service-role/AWSGlueServiceRole")
    iam.create_instance_profile(InstanceProfileName="kept")
    iam.add_role_to_instance_profile(InstanceProfileName="kept", RoleName="kept")
    iam.get_waiter("instance_profile_exists").wait(InstanceProfileName="kept")
    details = [r for p in iam.get_paginator("get_account_authorization_details").paginate() for r in p["RoleDetailList"] if r["RoleName"] == "kept"][0]
    assert details["RolePolicyList"] == [{"PolicyName": "inline", "PolicyDocument": ALLOW}]
    assert [p["PolicyName"] for p in details["AttachedManagedPolicies"]] == ["kept", "AWSGlueServiceRole"]
    assert details["InstanceProfileList"][0]["InstanceProfileName"] == "kept"
    assert details["PermissionsBoundary"]["PermissionsBoundaryArn"] == arn
    assert iam.get_policy(PolicyArn="arn:aws:iam::aws:policy/service-role/AWSGlueServiceRole")["Policy"]["AttachmentCount"] == 1
    for i in range(12):
        iam.create_group(GroupName=f"group{i:02}")
    pages = [[g["GroupName"] for g in p["Groups"]] for p in iam.get_paginator("list_groups").paginate(PaginationConfig={"PageSize": 5})]
    assert [len(p) for p in pages] == [5, 5, 2] and sum(pages, []) == [f"group{i:02}" for i in range(12)]
    assert iam.get_account_summary()["SummaryMap"]["Groups"] == 12
    assert code(iam.simulate_principal_policy, PolicySourceArn=role["Arn"], ActionNames=["s3:GetObject"]) == "NotImplemented"
    assert code(iam.delete_role, RoleName="kept") == "DeleteConflict"
    iam.remove_role_from_instance_profile(InstanceProfileName="kept", RoleName="kept")
    for policy in iam.list_attached_role_policies(RoleName="kept")["AttachedPolicies"]:
        iam.detach_role_policy(RoleName="kept", PolicyArn=policy["PolicyArn"])
    iam.delete_role_policy(RoleName="kept", PolicyName="inline")
    iam.delete_role(RoleName="kept")
    iam.delete_instance_profile(InstanceProfileName="kept")
    iam.delete_policy_version(PolicyArn=arn, VersionId="v1")
    iam.delete_policy(PolicyArn=arn)
