package kms

import (
	"slices"
	"strings"

	api "stepwell/internal/awsapi/kms"
	"stepwell/internal/bus"
)

// Table returns the operation table.
func (s *Service) Table() *bus.Service {
	const kept, enclave = "kept, not enforced", "not for Nitro enclaves"
	rows := slices.Concat([]bus.Operation{
		bus.Op("CancelKeyDeletion", s.cancelKeyDeletion),
		bus.Op("CreateAlias", s.createAlias),
		bus.PartialOp("CreateGrant", kept, s.createGrant),
		bus.PartialOp("CreateKey", "no imported material, custom key stores, SM2 or secp256k1", s.createKey),
		bus.PartialOp("Decrypt", enclave, s.decrypt),
		bus.Op("DeleteAlias", s.deleteAlias),
		bus.PartialOp("DeriveSharedSecret", enclave, s.deriveSharedSecret),
		bus.Op("DescribeKey", s.describeKey),
		bus.Op("DisableKey", s.disableKey),
		bus.Op("DisableKeyRotation", s.disableKeyRotation),
		bus.Op("EnableKey", s.enableKey),
		bus.Op("EnableKeyRotation", s.enableKeyRotation),
		bus.Op("Encrypt", s.encrypt),
		bus.PartialOp("GenerateDataKey", enclave, s.generateDataKey),
		bus.PartialOp("GenerateDataKeyPair", enclave+"; no SM2 or secp256k1", s.generateDataKeyPair),
		bus.PartialOp("GenerateDataKeyPairWithoutPlaintext", "no SM2 or secp256k1", s.generateDataKeyPairWithoutPlaintext),
		bus.Op("GenerateDataKeyWithoutPlaintext", s.generateDataKeyWithoutPlaintext),
		bus.Op("GenerateMac", s.generateMac),
		bus.PartialOp("GenerateRandom", enclave, s.generateRandom),
		bus.Op("GetKeyPolicy", s.getKeyPolicy),
		bus.Op("GetKeyRotationStatus", s.getKeyRotationStatus),
		bus.Op("GetPublicKey", s.getPublicKey),
		bus.Op("ListAliases", s.listAliases),
		bus.Op("ListGrants", s.listGrants),
		bus.Op("ListKeyPolicies", s.listKeyPolicies),
		bus.Op("ListKeyRotations", s.listKeyRotations),
		bus.Op("ListKeys", s.listKeys),
		bus.Op("ListResourceTags", s.listResourceTags),
		bus.Op("ListRetirableGrants", s.listRetirableGrants),
		bus.PartialOp("PutKeyPolicy", kept, s.putKeyPolicy),
		bus.Op("ReEncrypt", s.reEncrypt),
		bus.Op("RetireGrant", s.retireGrant),
		bus.Op("RevokeGrant", s.revokeGrant),
		bus.Op("RotateKeyOnDemand", s.rotateKeyOnDemand),
		bus.Op("ScheduleKeyDeletion", s.scheduleKeyDeletion),
		bus.Op("Sign", s.sign),
		bus.Op("TagResource", s.tagResource),
		bus.Op("UntagResource", s.untagResource),
		bus.Op("UpdateAlias", s.updateAlias),
		bus.Op("UpdateKeyDescription", s.updateKeyDescription),
		bus.Op("Verify", s.verify),
		bus.Op("VerifyMac", s.verifyMac),
	},
		bus.Missing("keys have material of KMS's own", "DeleteImportedKeyMaterial", "GetParametersForImport", "ImportKeyMaterial"),
		bus.Missing("there are no custom key stores", "ConnectCustomKeyStore", "CreateCustomKeyStore", "DeleteCustomKeyStore",
			"DescribeCustomKeyStores", "DisconnectCustomKeyStore", "UpdateCustomKeyStore"),
		bus.Missing("keys are not replicated to other regions", "ReplicateKey", "UpdatePrimaryRegion"),
	)
	slices.SortFunc(rows, func(a, b bus.Operation) int { return strings.Compare(a.Name, b.Name) })
	return &bus.Service{Name: "kms", Model: api.Model, Operations: rows}
}
