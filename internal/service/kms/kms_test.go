package kms

import (
	"bytes"
	"context"
	"crypto/sha256"
	"path/filepath"
	"testing"
	"time"

	api "stepwell/internal/awsapi/kms"
	"stepwell/internal/awserr"
	"stepwell/internal/bus"
	"stepwell/internal/clock"
	"stepwell/internal/store"
	"stepwell/test/opscript"
)

func TestScripts(t *testing.T) {
	opscript.Suite{Service: "kms", Build: func(_ *testing.T, p opscript.Parts) {
		p.Bus.Register(New(Deps{Store: p.Store, Clock: p.Clock, IDs: p.IDs, Seal: opscript.Seal, Unseal: opscript.Unseal}).Table())
	}}.Run(t)
}

type world struct {
	*Service
	bus *bus.Bus
	ctx context.Context
}

func newWorld(t *testing.T) *world {
	db, err := store.Open(filepath.Join(t.TempDir(), "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	w := &world{bus: bus.New(), ctx: context.Background()}
	w.Service = New(Deps{Store: db, Clock: clock.NewManual(time.Unix(1_700_000_000, 0)), IDs: bus.RandomIDs{}, Seal: opscript.Seal, Unseal: opscript.Unseal})
	w.bus.Register(w.Table())
	return w
}

func call[Out any](t *testing.T, w *world, operation string, in any) *Out {
	t.Helper()
	out, err := bus.Invoke[Out](w.ctx, w.bus, "kms", operation, in)
	if err != nil {
		t.Fatalf("%s: %v", operation, err)
	}
	return out
}

func (w *world) fails(t *testing.T, operation string, in any, code string) {
	t.Helper()
	_, err := w.bus.Invoke(w.ctx, "kms", operation, in)
	if e := awserr.From(err); e == nil || e.Code != code {
		t.Errorf("%s: %v, want %s", operation, err, code)
	}
}

func TestMaterialIsSealed(t *testing.T) {
	w := newWorld(t)
	var opened [][]byte
	w.Unseal = func(b []byte) ([]byte, error) {
		plain, err := opscript.Unseal(b)
		opened = append(opened, plain)
		return plain, err
	}
	call[api.EncryptOutput](t, w, "Encrypt", &api.EncryptInput{KeyId: w.key(t, "SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT"), Plaintext: []byte("x")})
	var all []key
	err := w.Store.View(w.ctx, func(tx *store.Tx) (err error) {
		all, err = keys.List(tx)
		return err
	})
	if err != nil || len(opened) != 1 || len(opened[0]) != 32 || bytes.Contains(all[0].Material[0], opened[0]) {
		t.Errorf("material %x of %x, %v", all[0].Material, opened, err)
	}
}

func (w *world) key(t *testing.T, spec, usage string) *string {
	t.Helper()
	return call[api.CreateKeyOutput](t, w, "CreateKey", &api.CreateKeyInput{KeySpec: &spec, KeyUsage: &usage}).KeyMetadata.KeyId
}

func TestEncryption(t *testing.T) {
	w := newWorld(t)
	id := w.key(t, "SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT")
	other := w.key(t, "SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT")
	bound := map[string]string{"table": "orders", "app": "x"}
	blob := call[api.EncryptOutput](t, w, "Encrypt", &api.EncryptInput{KeyId: id, Plaintext: []byte("secret"), EncryptionContext: bound}).CiphertextBlob
	call[api.RotateKeyOnDemandOutput](t, w, "RotateKeyOnDemand", &api.RotateKeyOnDemandInput{KeyId: id})
	call[api.EnableKeyRotationOutput](t, w, "EnableKeyRotation", &api.EnableKeyRotationInput{KeyId: id, RotationPeriodInDays: new(int64(90))})
	w.Clock.(*clock.Manual).Advance(200 * 24 * time.Hour)
	call[api.EncryptOutput](t, w, "Encrypt", &api.EncryptInput{KeyId: id, Plaintext: []byte("x")})
	rotations := call[api.ListKeyRotationsOutput](t, w, "ListKeyRotations", &api.ListKeyRotationsInput{KeyId: id}).Rotations
	if len(rotations) != 2 || *rotations[1].RotationType != "AUTOMATIC" || rotations[1].RotationDate.Sub(*rotations[0].RotationDate) != 180*24*time.Hour {
		t.Errorf("rotations %v", rotations)
	}
	if out := call[api.DecryptOutput](t, w, "Decrypt", &api.DecryptInput{CiphertextBlob: blob, EncryptionContext: bound}); string(out.Plaintext) != "secret" {
		t.Errorf("decrypted %q", out.Plaintext)
	}
	moved := call[api.ReEncryptOutput](t, w, "ReEncrypt", &api.ReEncryptInput{CiphertextBlob: blob, SourceEncryptionContext: bound, DestinationKeyId: other}).CiphertextBlob
	if out := call[api.DecryptOutput](t, w, "Decrypt", &api.DecryptInput{CiphertextBlob: moved, KeyId: other}); string(out.Plaintext) != "secret" {
		t.Errorf("decrypted %q", out.Plaintext)
	}
	data := call[api.GenerateDataKeyOutput](t, w, "GenerateDataKey", &api.GenerateDataKeyInput{KeyId: id, KeySpec: new("AES_256")})
	if out := call[api.DecryptOutput](t, w, "Decrypt", &api.DecryptInput{CiphertextBlob: data.CiphertextBlob}); len(data.Plaintext) != 32 || string(out.Plaintext) != string(data.Plaintext) {
		t.Error("the data key is not what it was")
	}
	for i := range blob {
		changed := append([]byte{}, blob...)
		changed[i] ^= 1
		if _, err := w.bus.Invoke(w.ctx, "kms", "Decrypt", &api.DecryptInput{CiphertextBlob: changed, EncryptionContext: bound}); awserr.From(err) == nil {
			t.Errorf("a ciphertext with byte %d changed: %v", i, err)
		}
		if _, err := w.bus.Invoke(w.ctx, "kms", "Decrypt", &api.DecryptInput{CiphertextBlob: blob[:i+1], EncryptionContext: bound}); i < len(blob)-1 && awserr.From(err) == nil {
			t.Errorf("%d bytes of a ciphertext: %v", i+1, err)
		}
	}
	w.fails(t, "Decrypt", &api.DecryptInput{CiphertextBlob: blob}, "InvalidCiphertextException")
	w.fails(t, "Decrypt", &api.DecryptInput{CiphertextBlob: blob, EncryptionContext: bound, KeyId: other}, "IncorrectKeyException")
	call[api.DisableKeyOutput](t, w, "DisableKey", &api.DisableKeyInput{KeyId: id})
	w.fails(t, "Decrypt", &api.DecryptInput{CiphertextBlob: blob, EncryptionContext: bound}, "DisabledException")
	w.ctx = bus.With(w.ctx, bus.Caller{Region: "eu-west-1"})
	w.fails(t, "Decrypt", &api.DecryptInput{CiphertextBlob: moved}, "AccessDeniedException")
}

func TestAsymmetricEncryption(t *testing.T) {
	w := newWorld(t)
	id := w.key(t, "RSA_2048", "ENCRYPT_DECRYPT")
	for _, a := range []string{"RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"} {
		blob := call[api.EncryptOutput](t, w, "Encrypt", &api.EncryptInput{KeyId: id, Plaintext: []byte(a), EncryptionAlgorithm: &a}).CiphertextBlob
		if out := call[api.DecryptOutput](t, w, "Decrypt", &api.DecryptInput{KeyId: id, CiphertextBlob: blob, EncryptionAlgorithm: &a}); string(out.Plaintext) != a {
			t.Errorf("decrypted %q", out.Plaintext)
		}
	}
	w.fails(t, "Encrypt", &api.EncryptInput{KeyId: id, Plaintext: make([]byte, 300), EncryptionAlgorithm: new("RSAES_OAEP_SHA_1")}, "ValidationException")
	w.fails(t, "GenerateDataKey", &api.GenerateDataKeyInput{KeyId: id, KeySpec: new("AES_256")}, "InvalidKeyUsageException")
	w.fails(t, "Sign", &api.SignInput{KeyId: id, Message: []byte("m"), SigningAlgorithm: new("RSASSA_PSS_SHA_256")}, "InvalidKeyUsageException")
}

func TestSignatures(t *testing.T) {
	w := newWorld(t)
	digest := sha256.Sum256([]byte("message"))
	for spec, algorithms := range map[string][]string{
		"RSA_2048": {"RSASSA_PKCS1_V1_5_SHA_256", "RSASSA_PKCS1_V1_5_SHA_384", "RSASSA_PKCS1_V1_5_SHA_512",
			"RSASSA_PSS_SHA_256", "RSASSA_PSS_SHA_384", "RSASSA_PSS_SHA_512"},
		"ECC_NIST_P256": {"ECDSA_SHA_256"}, "ECC_NIST_P384": {"ECDSA_SHA_384"}, "ECC_NIST_P521": {"ECDSA_SHA_512"},
	} {
		id := w.key(t, spec, "SIGN_VERIFY")
		for _, a := range algorithms {
			signature := call[api.SignOutput](t, w, "Sign", &api.SignInput{KeyId: id, Message: []byte("message"), SigningAlgorithm: &a}).Signature
			call[api.VerifyOutput](t, w, "Verify", &api.VerifyInput{KeyId: id, Message: []byte("message"), Signature: signature, SigningAlgorithm: &a})
			w.fails(t, "Verify", &api.VerifyInput{KeyId: id, Message: []byte("massage"), Signature: signature, SigningAlgorithm: &a}, "KMSInvalidSignatureException")
			if hashOf(a).Size() == len(digest) {
				call[api.VerifyOutput](t, w, "Verify", &api.VerifyInput{KeyId: id, Message: digest[:], MessageType: new("DIGEST"), Signature: signature, SigningAlgorithm: &a})
			} else {
				w.fails(t, "Sign", &api.SignInput{KeyId: id, Message: digest[:], MessageType: new("DIGEST"), SigningAlgorithm: &a}, "ValidationException")
			}
		}
		call[api.GetPublicKeyOutput](t, w, "GetPublicKey", &api.GetPublicKeyInput{KeyId: id})
		w.fails(t, "Encrypt", &api.EncryptInput{KeyId: id, Plaintext: []byte("x")}, "InvalidKeyUsageException")
	}
}

func TestMacsAndAgreement(t *testing.T) {
	w := newWorld(t)
	for _, bits := range []string{"224", "256", "384", "512"} {
		id, a := w.key(t, "HMAC_"+bits, "GENERATE_VERIFY_MAC"), "HMAC_SHA_"+bits
		mac := call[api.GenerateMacOutput](t, w, "GenerateMac", &api.GenerateMacInput{KeyId: id, Message: []byte("m"), MacAlgorithm: &a}).Mac
		call[api.VerifyMacOutput](t, w, "VerifyMac", &api.VerifyMacInput{KeyId: id, Message: []byte("m"), Mac: mac, MacAlgorithm: &a})
		w.fails(t, "VerifyMac", &api.VerifyMacInput{KeyId: id, Message: []byte("n"), Mac: mac, MacAlgorithm: &a}, "KMSInvalidMacException")
	}
	var public [2][]byte
	ids := [2]*string{w.key(t, "ECC_NIST_P256", "KEY_AGREEMENT"), w.key(t, "ECC_NIST_P256", "KEY_AGREEMENT")}
	for i, id := range ids {
		public[i] = call[api.GetPublicKeyOutput](t, w, "GetPublicKey", &api.GetPublicKeyInput{KeyId: id}).PublicKey
	}
	one := call[api.DeriveSharedSecretOutput](t, w, "DeriveSharedSecret", &api.DeriveSharedSecretInput{KeyId: ids[0], KeyAgreementAlgorithm: new("ECDH"), PublicKey: public[1]})
	two := call[api.DeriveSharedSecretOutput](t, w, "DeriveSharedSecret", &api.DeriveSharedSecretInput{KeyId: ids[1], KeyAgreementAlgorithm: new("ECDH"), PublicKey: public[0]})
	if string(one.SharedSecret) != string(two.SharedSecret) || len(one.SharedSecret) != 32 {
		t.Error("the secrets differ")
	}
}
