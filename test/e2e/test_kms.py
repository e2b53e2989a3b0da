"""KMS through boto3."""
import pytest

from conftest import Server


def test_encryption(server):
    kms = server.client("kms")
    key = kms.create_key(Description="e2e")["KeyMetadata"]
    kms.create_alias(AliasName="alias/e2e", TargetKeyId=key["KeyId"])
    context = {"table": "orders"}
    blob = kms.encrypt(KeyId="alias/e2e", Plaintext=b"secret", EncryptionContext=context)["CiphertextBlob"]
    opened = kms.decrypt(CiphertextBlob=blob, EncryptionContext=context)
    assert (opened["Plaintext"], opened["KeyId"]) == (b"secret", key["Arn"])
    with pytest.raises(kms.exceptions.InvalidCiphertextException):
        kms.decrypt(CiphertextBlob=blob)
    data = kms.generate_data_key(KeyId="alias/e2e", KeySpec="AES_256")
    assert kms.decrypt(CiphertextBlob=data["CiphertextBlob"])["Plaintext"] == data["Plaintext"]
    names = [a["AliasName"] for page in kms.get_paginator("list_aliases").paginate() for a in page["Aliases"]]
    assert "alias/e2e" in names and "alias/aws/s3" in names


def test_ciphertexts_outlive_the_server(tmp_path):
    server = Server(tmp_path)
    kms = server.client("kms")
    key = kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyId"]
    secret = kms.create_key()["KeyMetadata"]["KeyId"]
    blob = kms.encrypt(KeyId=secret, Plaintext=b"kept")["CiphertextBlob"]
    signature = kms.sign(KeyId=key, Message=b"m", SigningAlgorithm="ECDSA_SHA_256")["Signature"]
    server.stop()
    server.start()
    kms = server.client("kms")
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"kept"
    assert kms.verify(KeyId=key, Message=b"m", Signature=signature, SigningAlgorithm="ECDSA_SHA_256")["SignatureValid"]
    server.stop()
