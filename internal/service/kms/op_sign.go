package kms

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"fmt"
	"slices"
	"strings"

	api "stepwell/internal/awsapi/kms"
)

// hashOf is the hash function that the name of an algorithm ends with.
func hashOf(algorithm string) crypto.Hash {
	switch algorithm[strings.LastIndexByte(algorithm, '_')+1:] {
	case "224":
		return crypto.SHA224
	case "384":
		return crypto.SHA384
	case "512":
		return crypto.SHA512
	}
	return crypto.SHA256
}

// digest is what is signed of a message.
func (k *key) digest(message []byte, kind *string, algorithm string) ([]byte, crypto.SignerOpts, error) {
	_, can, _, _ := k.algorithms()
	if !slices.Contains(can, algorithm) {
		return nil, nil, api.InvalidKeyUsageException("Algorithm %s is incompatible with key spec %s.", algorithm, k.Spec)
	}
	h := hashOf(algorithm)
	if text(kind) != api.MessageTypeDigest {
		d := h.New()
		d.Write(message)
		message = d.Sum(nil)
	} else if len(message) != h.Size() {
		return nil, nil, invalid("Digest is invalid length for algorithm %s.", algorithm)
	}
	if strings.Contains(algorithm, "PSS") {
		return message, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: h}, nil
	}
	return message, h, nil
}

func (s *Service) sign(ctx context.Context, in *api.SignInput) (*api.SignOutput, error) {
	k, err := s.ready(ctx, *in.KeyId, "Sign", api.KeyUsageTypeSignVerify)
	if err != nil {
		return nil, err
	}
	digest, options, err := k.digest(in.Message, in.MessageType, *in.SigningAlgorithm)
	if err != nil {
		return nil, err
	}
	if yes(in.DryRun) {
		return nil, dryRun()
	}
	private, err := s.private(k)
	if err != nil {
		return nil, err
	}
	signature, err := private.Sign(rand.Reader, digest, options)
	if err != nil {
		return nil, fmt.Errorf("cannot sign with %s: %w", k.arn(), err)
	}
	return &api.SignOutput{KeyId: new(k.arn()), Signature: signature, SigningAlgorithm: in.SigningAlgorithm}, nil
}

func (s *Service) verify(ctx context.Context, in *api.VerifyInput) (*api.VerifyOutput, error) {
	k, err := s.ready(ctx, *in.KeyId, "Verify", api.KeyUsageTypeSignVerify)
	if err != nil {
		return nil, err
	}
	digest, options, err := k.digest(in.Message, in.MessageType, *in.SigningAlgorithm)
	if err != nil {
		return nil, err
	}
	private, err := s.private(k)
	if err != nil {
		return nil, err
	}
	valid := false
	switch public := private.Public().(type) {
	case *ecdsa.PublicKey:
		valid = ecdsa.VerifyASN1(public, digest, in.Signature)
	case *rsa.PublicKey:
		if pss, ok := options.(*rsa.PSSOptions); ok {
			valid = rsa.VerifyPSS(public, pss.Hash, digest, in.Signature, pss) == nil
		} else {
			valid = rsa.VerifyPKCS1v15(public, options.HashFunc(), digest, in.Signature) == nil
		}
	}
	switch {
	case !valid:
		return nil, api.KMSInvalidSignatureException("")
	case yes(in.DryRun):
		return nil, dryRun()
	}
	return &api.VerifyOutput{KeyId: new(k.arn()), SignatureValid: new(true), SigningAlgorithm: in.SigningAlgorithm}, nil
}

func (s *Service) getPublicKey(ctx context.Context, in *api.GetPublicKeyInput) (*api.GetPublicKeyOutput, error) {
	k, err := s.look(ctx, *in.KeyId)
	if err != nil {
		return nil, err
	}
	if err := k.usable(); err != nil {
		return nil, err
	}
	if _, secret := secrets[k.Spec]; secret {
		return nil, api.UnsupportedOperationException("%s key spec is %s which is not valid for GetPublicKey.", k.arn(), k.Spec)
	}
	private, err := s.private(k)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKIXPublicKey(private.Public())
	if err != nil {
		return nil, fmt.Errorf("cannot encode a public key: %w", err)
	}
	out := &api.GetPublicKeyOutput{KeyId: new(k.arn()), PublicKey: der, CustomerMasterKeySpec: &k.Spec, KeySpec: &k.Spec, KeyUsage: &k.Usage}
	out.EncryptionAlgorithms, out.SigningAlgorithms, out.KeyAgreementAlgorithms, _ = k.algorithms()
	return out, nil
}

func (s *Service) deriveSharedSecret(ctx context.Context, in *api.DeriveSharedSecretInput) (*api.DeriveSharedSecretOutput, error) {
	if err := noEnclave(in.Recipient, "DeriveSharedSecret"); err != nil {
		return nil, err
	}
	k, err := s.ready(ctx, *in.KeyId, "DeriveSharedSecret", api.KeyUsageTypeKeyAgreement)
	if err != nil {
		return nil, err
	}
	peer, err := x509.ParsePKIXPublicKey(in.PublicKey)
	if err != nil {
		return nil, invalid("The public key is not a valid DER-encoded X.509 public key.")
	}
	private, err := s.private(k)
	if err != nil {
		return nil, err
	}
	own, err := private.(*ecdsa.PrivateKey).ECDH()
	if err != nil {
		return nil, fmt.Errorf("cannot use the material of %s: %w", k.arn(), err)
	}
	other, ok := peer.(*ecdsa.PublicKey)
	if !ok || other.Curve != private.(*ecdsa.PrivateKey).Curve {
		return nil, invalid("The public key is not on the curve of the key spec %s.", k.Spec)
	}
	point, err := other.ECDH()
	if err != nil {
		return nil, invalid("The public key is not on the curve of the key spec %s.", k.Spec)
	}
	if yes(in.DryRun) {
		return nil, dryRun()
	}
	secret, err := own.ECDH(point)
	if err != nil {
		return nil, fmt.Errorf("cannot agree on a secret: %w", err)
	}
	return &api.DeriveSharedSecretOutput{KeyId: new(k.arn()), SharedSecret: secret, KeyAgreementAlgorithm: in.KeyAgreementAlgorithm, KeyOrigin: new(api.OriginTypeAwsKms)}, nil
}

func (s *Service) mac(ctx context.Context, id, operation, algorithm string, message []byte) (*key, []byte, error) {
	k, err := s.ready(ctx, id, operation, api.KeyUsageTypeGenerateVerifyMac)
	if err != nil {
		return nil, nil, err
	}
	if _, _, _, can := k.algorithms(); !slices.Contains(can, algorithm) {
		return nil, nil, api.InvalidKeyUsageException("Algorithm %s is incompatible with key spec %s.", algorithm, k.Spec)
	}
	secret, err := s.secret(k, 0)
	if err != nil {
		return nil, nil, err
	}
	h := hmac.New(hashOf(algorithm).New, secret)
	h.Write(message)
	return k, h.Sum(nil), nil
}

func (s *Service) generateMac(ctx context.Context, in *api.GenerateMacInput) (*api.GenerateMacOutput, error) {
	k, mac, err := s.mac(ctx, *in.KeyId, "GenerateMac", *in.MacAlgorithm, in.Message)
	if err == nil && yes(in.DryRun) {
		err = dryRun()
	}
	if err != nil {
		return nil, err
	}
	return &api.GenerateMacOutput{Mac: mac, MacAlgorithm: in.MacAlgorithm, KeyId: new(k.arn())}, nil
}

func (s *Service) verifyMac(ctx context.Context, in *api.VerifyMacInput) (*api.VerifyMacOutput, error) {
	k, mac, err := s.mac(ctx, *in.KeyId, "VerifyMac", *in.MacAlgorithm, in.Message)
	switch {
	case err != nil:
		return nil, err
	case !hmac.Equal(mac, in.Mac):
		return nil, api.KMSInvalidMacException("")
	case yes(in.DryRun):
		return nil, dryRun()
	}
	return &api.VerifyMacOutput{KeyId: new(k.arn()), MacValid: new(true), MacAlgorithm: in.MacAlgorithm}, nil
}
