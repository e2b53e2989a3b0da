package kms

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"fmt"

	api "stepwell/internal/awsapi/kms"
	"stepwell/internal/awserr"
)

// usages says what keys of a spec can be for; the first is the default where
// there is only one.
var usages = map[string][]string{
	api.KeySpecSymmetricDefault: {api.KeyUsageTypeEncryptDecrypt},
	api.KeySpecRsa2048:          {api.KeyUsageTypeEncryptDecrypt, api.KeyUsageTypeSignVerify},
	api.KeySpecRsa3072:          {api.KeyUsageTypeEncryptDecrypt, api.KeyUsageTypeSignVerify},
	api.KeySpecRsa4096:          {api.KeyUsageTypeEncryptDecrypt, api.KeyUsageTypeSignVerify},
	api.KeySpecEccNistP256:      {api.KeyUsageTypeSignVerify, api.KeyUsageTypeKeyAgreement},
	api.KeySpecEccNistP384:      {api.KeyUsageTypeSignVerify, api.KeyUsageTypeKeyAgreement},
	api.KeySpecEccNistP521:      {api.KeyUsageTypeSignVerify, api.KeyUsageTypeKeyAgreement},
	api.KeySpecHmac224:          {api.KeyUsageTypeGenerateVerifyMac},
	api.KeySpecHmac256:          {api.KeyUsageTypeGenerateVerifyMac},
	api.KeySpecHmac384:          {api.KeyUsageTypeGenerateVerifyMac},
	api.KeySpecHmac512:          {api.KeyUsageTypeGenerateVerifyMac},
}

// secrets are the lengths in bytes of keys that are random bytes.
var secrets = map[string]int{
	api.KeySpecSymmetricDefault: 32, api.KeySpecHmac224: 28, api.KeySpecHmac256: 32, api.KeySpecHmac384: 48, api.KeySpecHmac512: 64,
}

// material makes sealed key material.
func (s *Service) material(spec string) ([]byte, error) {
	if n, ok := secrets[spec]; ok {
		b := make([]byte, n)
		rand.Read(b)
		return s.Seal(b)
	}
	private, err := newPrivate(spec)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, fmt.Errorf("cannot encode a private key: %w", err)
	}
	return s.Seal(der)
}

func newPrivate(spec string) (crypto.Signer, error) {
	switch spec {
	case api.KeySpecRsa2048:
		return rsa.GenerateKey(rand.Reader, 2048)
	case api.KeySpecRsa3072:
		return rsa.GenerateKey(rand.Reader, 3072)
	case api.KeySpecRsa4096:
		return rsa.GenerateKey(rand.Reader, 4096)
	case api.KeySpecEccNistP256:
		return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case api.KeySpecEccNistP384:
		return ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case api.KeySpecEccNistP521:
		return ecdsa.GenerateKey(elliptic.P521(), rand.Reader)
	}
	return nil, awserr.NotImplemented("kms keys of the spec " + spec)
}

// secret opens material n of a symmetric or MAC key.
func (s *Service) secret(k *key, n int) ([]byte, error) {
	b, err := s.Unseal(k.Material[n])
	if err != nil {
		return nil, fmt.Errorf("cannot open the material of %s: %w", k.arn(), err)
	}
	return b, nil
}

// private opens the private key of an asymmetric key.
func (s *Service) private(k *key) (crypto.Signer, error) {
	der, err := s.secret(k, 0)
	if err != nil {
		return nil, err
	}
	private, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, fmt.Errorf("cannot read the material of %s: %w", k.arn(), err)
	}
	return private.(crypto.Signer), nil
}

// algorithms are those of a key, by what they are for.
func (k *key) algorithms() (encryption, signing, agreement, mac []string) {
	switch k.Usage {
	case api.KeyUsageTypeEncryptDecrypt:
		if k.Spec == api.KeySpecSymmetricDefault {
			return []string{api.EncryptionAlgorithmSpecSymmetricDefault}, nil, nil, nil
		}
		return []string{api.EncryptionAlgorithmSpecRsaesOaepSha1, api.EncryptionAlgorithmSpecRsaesOaepSha256}, nil, nil, nil
	case api.KeyUsageTypeKeyAgreement:
		return nil, nil, []string{api.KeyAgreementAlgorithmSpecEcdh}, nil
	case api.KeyUsageTypeGenerateVerifyMac:
		return nil, nil, nil, []string{map[string]string{
			api.KeySpecHmac224: api.MacAlgorithmSpecHmacSha224, api.KeySpecHmac256: api.MacAlgorithmSpecHmacSha256,
			api.KeySpecHmac384: api.MacAlgorithmSpecHmacSha384, api.KeySpecHmac512: api.MacAlgorithmSpecHmacSha512,
		}[k.Spec]}
	}
	switch k.Spec {
	case api.KeySpecEccNistP256:
		return nil, []string{api.SigningAlgorithmSpecEcdsaSha256}, nil, nil
	case api.KeySpecEccNistP384:
		return nil, []string{api.SigningAlgorithmSpecEcdsaSha384}, nil, nil
	case api.KeySpecEccNistP521:
		return nil, []string{api.SigningAlgorithmSpecEcdsaSha512}, nil, nil
	}
	return nil, []string{
		api.SigningAlgorithmSpecRsassaPkcs1V15Sha256, api.SigningAlgorithmSpecRsassaPkcs1V15Sha384, api.SigningAlgorithmSpecRsassaPkcs1V15Sha512,
		api.SigningAlgorithmSpecRsassaPssSha256, api.SigningAlgorithmSpecRsassaPssSha384, api.SigningAlgorithmSpecRsassaPssSha512,
	}, nil, nil
}
