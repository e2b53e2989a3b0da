// Package kms is AWS Key Management Service: symmetric, RSA, elliptic curve and
// HMAC keys with aliases, policies, grants and tags, after the KMS API reference
// and the KMS cryptographic details.
//
// Key material never leaves the service and is sealed at rest. Ciphertexts are
// AES-256-GCM with the encryption context authenticated; they name their key and
// are readable by this server only. Policies, grants and grant tokens are kept,
// not enforced. A key that rotates automatically has its new material when it is
// first used to encrypt after that is due. A key whose waiting period has passed is gone for every caller at
// that moment.
//
// Refused by name: imported material, custom key stores, replicas in other
// regions, Nitro enclaves, SM2 and secp256k1.
//
// Only the composition root imports this package; others reach it over the bus.
package kms
