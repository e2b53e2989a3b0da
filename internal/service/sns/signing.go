package sns

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// CertificatePath begins the path of every SigningCertURL.
const CertificatePath = "/SimpleNotificationService-"

// sign returns the signature of text in a version of SNS's scheme ("Verifying
// the signatures of Amazon SNS messages") and the path of its certificate.
func (s *Service) sign(text, version string) (signature, path string, err error) {
	g, err := s.signing()
	if err != nil {
		return "", "", err
	}
	hash, digest := crypto.SHA1, []byte(nil)
	if version == "2" {
		sum := sha256.Sum256([]byte(text))
		hash, digest = crypto.SHA256, sum[:]
	} else {
		sum := sha1.Sum([]byte(text))
		digest = sum[:]
	}
	b, err := rsa.SignPKCS1v15(nil, g.key, hash, digest)
	if err != nil {
		return "", "", fmt.Errorf("cannot sign message: %w", err)
	}
	return base64.StdEncoding.EncodeToString(b), g.path, nil
}

// signing returns the key and certificate, made at the first need.
func (s *Service) signing() (*signer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.signer != nil {
		return s.signer, nil
	}
	file := filepath.Join(s.Dir, "sns-signing.pem")
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		data, err = newSigner(file, s.Clock.Now())
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the key that signs messages: %w", err)
	}
	if s.signer, err = readSigner(data); err != nil {
		return nil, fmt.Errorf("cannot read the key that signs messages: %w", err)
	}
	return s.signer, nil
}

func readSigner(data []byte) (*signer, error) {
	certificate, rest := pem.Decode(data)
	private, _ := pem.Decode(rest)
	if certificate == nil || private == nil {
		return nil, errors.New("the file does not hold a certificate and a key")
	}
	key, err := x509.ParsePKCS1PrivateKey(private.Bytes)
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(certificate.Bytes)
	return &signer{key: key, cert: pem.EncodeToMemory(certificate), path: CertificatePath + hex.EncodeToString(sum[:16]) + ".pem"}, nil
}

// newSigner makes a key and a self-signed certificate and writes them to a file
// that appears whole or not at all.
func newSigner(file string, now time.Time) ([]byte, error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{SerialNumber: serial, Subject: pkix.Name{CommonName: "sns.amazonaws.com"},
		NotBefore: now.Add(-24 * time.Hour), NotAfter: now.AddDate(20, 0, 0), KeyUsage: x509.KeyUsageDigitalSignature}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	data := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})...)
	return data, writeWhole(file, data)
}

// writeWhole writes a file, readable by its owner only, under a temporary name
// and renames it.
func writeWhole(file string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(file), ".new-*")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), file)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// ServeHTTP answers for the SigningCertURL of messages.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g, err := s.signing()
	if err != nil {
		s.Log.Error("cannot serve the signing certificate", "error", err)
		http.Error(w, "Internal Server Error", http.StatusInternalServerError)
		return
	}
	if r.URL.Path != g.path {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/x-pem-file")
	w.Write(g.cert) // a client that has gone away is no fault
}
