package kms

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // RSAES_OAEP_SHA_1
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash"
	"slices"

	api "stepwell/internal/awsapi/kms"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/store"
)

// A ciphertext of a symmetric key is: the format's number, the lengths of
// account and key id with the two, the number of the material, and what
// AES-256-GCM makes of the plaintext: nonce, ciphertext, tag. All that stands
// before the nonce and the encryption context are authenticated.
const format = 1

func header(k *key, material int) []byte {
	b := []byte{format, byte(len(k.Account))}
	b = append(append(b, k.Account...), byte(len(k.ID)))
	return binary.BigEndian.AppendUint16(append(b, k.ID...), uint16(material))
}

// parse splits a ciphertext.
func parse(blob []byte) (account, id string, material int, head, sealed []byte, ok bool) {
	rest, ok := bytes.CutPrefix(blob, []byte{format})
	text := func() string {
		if !ok || len(rest) == 0 || len(rest) <= int(rest[0]) {
			ok = false
			return ""
		}
		n := int(rest[0]) + 1
		s := string(rest[1:n])
		rest = rest[n:]
		return s
	}
	account, id = text(), text()
	if !ok || len(rest) < 2 {
		return "", "", 0, nil, nil, false
	}
	material, rest = int(binary.BigEndian.Uint16(rest)), rest[2:]
	return account, id, material, blob[:len(blob)-len(rest)], rest, true
}

func (s *Service) aead(k *key, material int) (cipher.AEAD, error) {
	secret, err := s.secret(k, material)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(secret)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// authenticated is what a ciphertext is bound to.
func authenticated(head []byte, context map[string]string) []byte {
	b, err := json.Marshal(context) // keys are sorted
	if err != nil || len(context) == 0 {
		return head
	}
	return slices.Concat(head, b)
}

// seal encrypts under a symmetric key.
func (s *Service) seal(ctx context.Context, k *key, plain []byte, context map[string]string) ([]byte, error) {
	k, err := s.rotate(ctx, k)
	if err != nil {
		return nil, err
	}
	n := len(k.Material) - 1
	aead, err := s.aead(k, n)
	if err != nil {
		return nil, err
	}
	head := header(k, n)
	return aead.Seal(head, nil, plain, authenticated(head, context)), nil
}

// ready finds a key that can be used as asked.
func (s *Service) ready(ctx context.Context, id, operation, usage string) (*key, error) {
	k, err := s.look(ctx, id)
	if err != nil {
		return nil, err
	}
	if err := k.usable(); err != nil {
		return nil, err
	}
	if k.Usage != usage {
		return nil, api.InvalidKeyUsageException("%s key usage is %s which is not valid for %s.", k.arn(), k.Usage, operation)
	}
	return k, nil
}

// algorithm checks an encryption algorithm, SYMMETRIC_DEFAULT where none is
// given.
func (k *key) algorithm(given *string, context map[string]string) (string, error) {
	name := api.EncryptionAlgorithmSpecSymmetricDefault
	if given != nil {
		name = *given
	}
	can, _, _, _ := k.algorithms()
	switch {
	case !slices.Contains(can, name):
		return "", api.InvalidKeyUsageException("Algorithm %s is incompatible with key spec %s.", name, k.Spec)
	case len(context) > 0 && k.Spec != api.KeySpecSymmetricDefault:
		return "", invalid("You cannot specify an encryption context with an asymmetric KMS key.")
	}
	return name, nil
}

func oaep(algorithm string) hash.Hash {
	if algorithm == api.EncryptionAlgorithmSpecRsaesOaepSha1 {
		return sha1.New()
	}
	return sha256.New()
}

func (s *Service) encryptWith(ctx context.Context, k *key, plain []byte, context map[string]string, algorithm string) ([]byte, error) {
	if algorithm == api.EncryptionAlgorithmSpecSymmetricDefault {
		return s.seal(ctx, k, plain, context)
	}
	private, err := s.private(k)
	if err != nil {
		return nil, err
	}
	blob, err := rsa.EncryptOAEP(oaep(algorithm), rand.Reader, private.Public().(*rsa.PublicKey), plain, nil)
	if err != nil {
		return nil, invalid("The plaintext is too long for the algorithm %s and the key spec %s", algorithm, k.Spec)
	}
	return blob, nil
}

func (s *Service) encrypt(ctx context.Context, in *api.EncryptInput) (*api.EncryptOutput, error) {
	k, err := s.ready(ctx, *in.KeyId, "Encrypt", api.KeyUsageTypeEncryptDecrypt)
	if err != nil {
		return nil, err
	}
	algorithm, err := k.algorithm(in.EncryptionAlgorithm, in.EncryptionContext)
	if err != nil {
		return nil, err
	}
	if yes(in.DryRun) {
		return nil, dryRun()
	}
	blob, err := s.encryptWith(ctx, k, in.Plaintext, in.EncryptionContext, algorithm)
	if err != nil {
		return nil, err
	}
	return &api.EncryptOutput{CiphertextBlob: blob, KeyId: new(k.arn()), EncryptionAlgorithm: &algorithm}, nil
}

// open decrypts. id names the key; it may be absent where the ciphertext does.
func (s *Service) open(ctx context.Context, operation string, blob []byte, id, given *string, encryptionContext map[string]string) (k *key, plain []byte, algorithm string, err error) {
	symmetric := given == nil || *given == api.EncryptionAlgorithmSpecSymmetricDefault
	if !symmetric {
		if id == nil {
			return nil, nil, "", invalid("KeyId is required with the algorithm %s", *given)
		}
		return s.openRSA(ctx, operation, blob, *id, *given, encryptionContext)
	}
	account, keyID, material, head, sealed, ok := parse(blob)
	if !ok {
		return nil, nil, "", api.InvalidCiphertextException("")
	}
	c := bus.From(ctx)
	err = s.Store.View(ctx, func(tx *store.Tx) (err error) {
		k, err = s.find(tx, bus.Caller{Account: account, Region: c.Region}, keyID)
		return err
	})
	if awserr.From(err) != nil || err == nil && material >= len(k.Material) {
		return nil, nil, "", awserr.New(400, "AccessDeniedException",
			"The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access.")
	}
	if err != nil {
		return nil, nil, "", err
	}
	if id != nil {
		named, err := s.ready(ctx, *id, operation, api.KeyUsageTypeEncryptDecrypt)
		if err != nil {
			return nil, nil, "", err
		}
		if named.arn() != k.arn() {
			return nil, nil, "", api.IncorrectKeyException("The key ID in the request does not identify a CMK that can perform this operation.")
		}
	}
	if err := k.usable(); err != nil {
		return nil, nil, "", err
	}
	aead, err := s.aead(k, material)
	if err != nil {
		return nil, nil, "", err
	}
	if plain, err = aead.Open(nil, nil, sealed, authenticated(head, encryptionContext)); err != nil {
		return nil, nil, "", api.InvalidCiphertextException("")
	}
	return k, plain, api.EncryptionAlgorithmSpecSymmetricDefault, nil
}

func (s *Service) openRSA(ctx context.Context, operation string, blob []byte, id, given string, encryptionContext map[string]string) (k *key, plain []byte, algorithm string, err error) {
	if k, err = s.ready(ctx, id, operation, api.KeyUsageTypeEncryptDecrypt); err != nil {
		return nil, nil, "", err
	}
	if algorithm, err = k.algorithm(&given, encryptionContext); err != nil {
		return nil, nil, "", err
	}
	private, err := s.private(k)
	if err != nil {
		return nil, nil, "", err
	}
	rsaKey, ok := private.(*rsa.PrivateKey)
	if !ok {
		return nil, nil, "", fmt.Errorf("cannot decrypt with %s: its material is %T", k.arn(), private)
	}
	if plain, err = rsa.DecryptOAEP(oaep(algorithm), nil, rsaKey, blob, nil); err != nil {
		return nil, nil, "", api.InvalidCiphertextException("")
	}
	return k, plain, algorithm, nil
}

func noEnclave(r *api.RecipientInfo, operation string) error {
	if r != nil {
		return awserr.NotImplemented("kms:" + operation + " with Recipient")
	}
	return nil
}

func (s *Service) decrypt(ctx context.Context, in *api.DecryptInput) (*api.DecryptOutput, error) {
	if err := noEnclave(in.Recipient, "Decrypt"); err != nil {
		return nil, err
	}
	k, plain, algorithm, err := s.open(ctx, "Decrypt", in.CiphertextBlob, in.KeyId, in.EncryptionAlgorithm, in.EncryptionContext)
	if err != nil {
		return nil, err
	}
	if yes(in.DryRun) {
		return nil, dryRun()
	}
	return &api.DecryptOutput{KeyId: new(k.arn()), Plaintext: plain, EncryptionAlgorithm: &algorithm}, nil
}

func (s *Service) reEncrypt(ctx context.Context, in *api.ReEncryptInput) (*api.ReEncryptOutput, error) {
	from, plain, fromAlgorithm, err := s.open(ctx, "ReEncrypt", in.CiphertextBlob, in.SourceKeyId, in.SourceEncryptionAlgorithm, in.SourceEncryptionContext)
	if err != nil {
		return nil, err
	}
	to, err := s.ready(ctx, *in.DestinationKeyId, "ReEncrypt", api.KeyUsageTypeEncryptDecrypt)
	if err != nil {
		return nil, err
	}
	algorithm, err := to.algorithm(in.DestinationEncryptionAlgorithm, in.DestinationEncryptionContext)
	if err != nil {
		return nil, err
	}
	if yes(in.DryRun) {
		return nil, dryRun()
	}
	blob, err := s.encryptWith(ctx, to, plain, in.DestinationEncryptionContext, algorithm)
	if err != nil {
		return nil, err
	}
	return &api.ReEncryptOutput{CiphertextBlob: blob, SourceKeyId: new(from.arn()), KeyId: new(to.arn()),
		SourceEncryptionAlgorithm: &fromAlgorithm, DestinationEncryptionAlgorithm: &algorithm}, nil
}
