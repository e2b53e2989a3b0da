package secretsmanager

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Sealer protects secret values. The context is bound to the sealed value:
// Open fails with any other.
type Sealer interface {
	Seal(plain []byte, context string) ([]byte, error)
	Open(sealed []byte, context string) ([]byte, error)
}

const keySize = 32

type gcm struct{ aead cipher.AEAD }

// NewSealer returns an AES-256-GCM sealer whose key is the file at path, which
// is made, readable by its owner only, where it does not exist.
func NewSealer(path string) (Sealer, error) {
	key, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		key, err = newKey(path)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the key of the secrets: %w", err)
	}
	if len(key) != keySize {
		return nil, fmt.Errorf("cannot read the key of the secrets: %s has %d bytes, not %d", path, len(key), keySize)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, err
	}
	return gcm{aead}, nil
}

// newKey writes a key that appears at path whole or not at all. A key that
// another process put there first wins.
func newKey(path string) ([]byte, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".key-*") // mode 0600
	if err != nil {
		return nil, err
	}
	defer os.Remove(f.Name())
	key := make([]byte, keySize)
	rand.Read(key)
	_, err = f.Write(key)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, err
	}
	if err := os.Link(f.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	return os.ReadFile(path)
}

func (g gcm) Seal(plain []byte, context string) ([]byte, error) {
	return g.aead.Seal(nil, nil, plain, []byte(context)), nil
}

func (g gcm) Open(sealed []byte, context string) ([]byte, error) {
	plain, err := g.aead.Open(nil, nil, sealed, []byte(context))
	if err != nil {
		return nil, errors.New("cannot open a sealed value: the key is not the one it was sealed with")
	}
	return plain, nil
}
