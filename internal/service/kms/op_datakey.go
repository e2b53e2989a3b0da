package kms

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"fmt"

	api "stepwell/internal/awsapi/kms"
)

// symmetric finds a key that data keys can be encrypted with.
func (s *Service) symmetric(ctx context.Context, id, operation string) (*key, error) {
	k, err := s.ready(ctx, id, operation, api.KeyUsageTypeEncryptDecrypt)
	if err == nil && k.Spec != api.KeySpecSymmetricDefault {
		err = api.InvalidKeyUsageException("%s key spec is %s which is not valid for %s.", k.arn(), k.Spec, operation)
	}
	return k, err
}

func (s *Service) generateDataKey(ctx context.Context, in *api.GenerateDataKeyInput) (*api.GenerateDataKeyOutput, error) {
	if err := noEnclave(in.Recipient, "GenerateDataKey"); err != nil {
		return nil, err
	}
	n := 0
	switch {
	case (in.NumberOfBytes == nil) == (in.KeySpec == nil):
		return nil, invalid("Please specify either number of bytes or key spec.")
	case in.NumberOfBytes != nil:
		n = int(*in.NumberOfBytes)
	case *in.KeySpec == api.DataKeySpecAes128:
		n = 16
	default:
		n = 32
	}
	k, err := s.symmetric(ctx, *in.KeyId, "GenerateDataKey")
	if err != nil {
		return nil, err
	}
	if yes(in.DryRun) {
		return nil, dryRun()
	}
	plain := make([]byte, n)
	rand.Read(plain)
	blob, err := s.seal(ctx, k, plain, in.EncryptionContext)
	if err != nil {
		return nil, err
	}
	return &api.GenerateDataKeyOutput{CiphertextBlob: blob, Plaintext: plain, KeyId: new(k.arn())}, nil
}

func (s *Service) generateDataKeyWithoutPlaintext(ctx context.Context, in *api.GenerateDataKeyWithoutPlaintextInput) (*api.GenerateDataKeyWithoutPlaintextOutput, error) {
	out, err := s.generateDataKey(ctx, &api.GenerateDataKeyInput{KeyId: in.KeyId, EncryptionContext: in.EncryptionContext,
		NumberOfBytes: in.NumberOfBytes, KeySpec: in.KeySpec, DryRun: in.DryRun})
	if err != nil {
		return nil, err
	}
	return &api.GenerateDataKeyWithoutPlaintextOutput{CiphertextBlob: out.CiphertextBlob, KeyId: out.KeyId}, nil
}

func (s *Service) generateDataKeyPair(ctx context.Context, in *api.GenerateDataKeyPairInput) (*api.GenerateDataKeyPairOutput, error) {
	if err := noEnclave(in.Recipient, "GenerateDataKeyPair"); err != nil {
		return nil, err
	}
	k, err := s.symmetric(ctx, *in.KeyId, "GenerateDataKeyPair")
	if err != nil {
		return nil, err
	}
	if yes(in.DryRun) {
		return nil, dryRun()
	}
	private, err := newPrivate(*in.KeyPairSpec)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, fmt.Errorf("cannot encode a private key: %w", err)
	}
	public, err := x509.MarshalPKIXPublicKey(private.Public())
	if err != nil {
		return nil, fmt.Errorf("cannot encode a public key: %w", err)
	}
	blob, err := s.seal(ctx, k, der, in.EncryptionContext)
	if err != nil {
		return nil, err
	}
	return &api.GenerateDataKeyPairOutput{PrivateKeyCiphertextBlob: blob, PrivateKeyPlaintext: der, PublicKey: public, KeyId: new(k.arn()), KeyPairSpec: in.KeyPairSpec}, nil
}

func (s *Service) generateDataKeyPairWithoutPlaintext(ctx context.Context, in *api.GenerateDataKeyPairWithoutPlaintextInput) (*api.GenerateDataKeyPairWithoutPlaintextOutput, error) {
	out, err := s.generateDataKeyPair(ctx, &api.GenerateDataKeyPairInput{KeyId: in.KeyId, EncryptionContext: in.EncryptionContext, KeyPairSpec: in.KeyPairSpec, DryRun: in.DryRun})
	if err != nil {
		return nil, err
	}
	return &api.GenerateDataKeyPairWithoutPlaintextOutput{PrivateKeyCiphertextBlob: out.PrivateKeyCiphertextBlob, PublicKey: out.PublicKey,
		KeyId: out.KeyId, KeyPairSpec: out.KeyPairSpec}, nil
}

func (s *Service) generateRandom(_ context.Context, in *api.GenerateRandomInput) (*api.GenerateRandomOutput, error) {
	if err := noEnclave(in.Recipient, "GenerateRandom"); err != nil {
		return nil, err
	}
	if in.NumberOfBytes == nil {
		return nil, invalid("Please specify number of bytes.")
	}
	b := make([]byte, *in.NumberOfBytes)
	rand.Read(b)
	return &api.GenerateRandomOutput{Plaintext: b}, nil
}
