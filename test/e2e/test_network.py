"""The network family of EC2, from a template and through boto3."""
import json

import pytest
from botocore.exceptions import ClientError

TEMPLATE = {
    "Resources": {
        "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.7.0.0/16", "EnableDnsHostnames": True}},
        "Igw": {"Type": "AWS::EC2::InternetGateway"},
        "Attachment": {
            "Type": "AWS::EC2::VPCGatewayAttachment",
            "Properties": {"VpcId": {"Ref": "Vpc"}, "InternetGatewayId": {"Ref": "Igw"}},
        },
        "Public": {
            "Type": "AWS::EC2::Subnet",
            "Properties": {
                "VpcId": {"Ref": "Vpc"},
                "CidrBlock": {"Fn::Select": [0, {"Fn::Cidr": [{"Fn::GetAtt": ["Vpc", "CidrBlock"]}, 2, 8]}]},
                "AvailabilityZone": {"Fn::Select": [0, {"Fn::GetAZs": ""}]},
            },
        },
        "Eip": {"Type": "AWS::EC2::EIP", "DependsOn": "Attachment", "Properties": {"Domain": "vpc"}},
        "Nat": {
            "Type": "AWS::EC2::NatGateway",
            "Properties": {"SubnetId": {"Ref": "Public"}, "AllocationId": {"Fn::GetAtt": ["Eip", "AllocationId"]}},
        },
        "Table": {"Type": "AWS::EC2::RouteTable", "Properties": {"VpcId": {"Ref": "Vpc"}}},
        "Route": {
            "Type": "AWS::EC2::Route",
            "DependsOn": "Attachment",
            "Properties": {"RouteTableId": {"Ref": "Table"}, "DestinationCidrBlock": "0.0.0.0/0", "GatewayId": {"Ref": "Igw"}},
        },
        "Association": {
            "Type": "AWS::EC2::SubnetRouteTableAssociation",
            "Properties": {"RouteTableId": {"Ref": "Table"}, "SubnetId": {"Ref": "Public"}},
        },
        "Web": {
            "Type": "AWS::EC2::SecurityGroup",
            "Properties": {
                "GroupDescription": "web",
                "VpcId": {"Ref": "Vpc"},
                "SecurityGroupIngress": [{"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "CidrIp": "0.0.0.0/0"}],
            },
        },
        "Inside": {
            "Type": "AWS::EC2::SecurityGroupIngress",
            "Properties": {"GroupId": {"Ref": "Web"}, "IpProtocol": "-1", "SourceSecurityGroupId": {"Ref": "Web"}},
        },
        "S3": {
            "Type": "AWS::EC2::VPCEndpoint",
            "Properties": {
                "VpcId": {"Ref": "Vpc"},
                "ServiceName": {"Fn::Sub": "com.amazonaws.${AWS::Region}.s3"},
                "RouteTableIds": [{"Ref": "Table"}],
            },
        },
    },
    "Outputs": {"Vpc": {"Value": {"Ref": "Vpc"}}, "Address": {"Value": {"Ref": "Eip"}}},
}


def test_stack(server):
    cfn, ec2 = server.client("cloudformation"), server.client("ec2")
    cfn.create_stack(StackName="network", TemplateBody=json.dumps(TEMPLATE))
    cfn.get_waiter("stack_create_complete").wait(StackName="network", WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    made = {o["OutputKey"]: o["OutputValue"] for o in cfn.describe_stacks(StackName="network")["Stacks"][0]["Outputs"]}
    of = [{"Name": "vpc-id", "Values": [made["Vpc"]]}]
    tags = {t["Key"]: t["Value"] for t in ec2.describe_vpcs(VpcIds=[made["Vpc"]])["Vpcs"][0]["Tags"]}
    assert tags["aws:cloudformation:stack-name"] == "network"
    subnet = ec2.describe_subnets(Filters=of)["Subnets"][0]
    assert (subnet["CidrBlock"], subnet["AvailabilityZone"]) == ("10.7.0.0/24", "us-east-1a")
    nat = ec2.describe_nat_gateways(Filters=of)["NatGateways"][0]
    assert (nat["State"], nat["NatGatewayAddresses"][0]["PublicIp"]) == ("available", made["Address"])
    routes = ec2.describe_route_tables(Filters=[*of, {"Name": "association.subnet-id", "Values": [subnet["SubnetId"]]}])
    assert [r["DestinationCidrBlock"] for r in routes["RouteTables"][0]["Routes"]] == ["10.7.0.0/16", "0.0.0.0/0"]
    with pytest.raises(ClientError, match="DependencyViolation"):
        ec2.delete_vpc(VpcId=made["Vpc"])
    cfn.delete_stack(StackName="network")
    cfn.get_waiter("stack_delete_complete").wait(StackName="network", WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    with pytest.raises(ClientError, match="InvalidVpcID.NotFound"):
        ec2.describe_vpcs(VpcIds=[made["Vpc"]])


def test_default_vpc(server):
    ec2 = server.client("ec2", region_name="eu-west-1")
    vpc = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"][0]
    assert vpc["CidrBlock"] == "172.31.0.0/16"
    pages = ec2.get_paginator("describe_subnets").paginate(PaginationConfig={"PageSize": 5})
    assert len([s for page in pages for s in page["Subnets"]]) == 3
    with pytest.raises(ClientError, match="not implemented: ec2:RunInstances"):
        ec2.run_instances(MinCount=1, MaxCount=1)
