package server

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// Redshift drivers ask for TLS and verify it against the certificates of the
// system, so a server without a certificate of its own makes an authority and
// one certificate in its data folder, and a bundle of the system's authorities
// and its own that SSL_CERT_FILE can name.
const (
	authorityFile = "authority.pem" // certificate and key
	serverFile    = "server.pem"    // certificate and key
	bundleFile    = "ca-bundle.pem" // certificates only
	certificateIs = 10 * 365 * 24 * time.Hour
)

// systemBundles are where Linux distributions and macOS keep the authorities
// they trust, as one file; the first that exists counts.
var systemBundles = [...]string{
	"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem",
	"/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", "/etc/ssl/cert.pem",
}

// localTLS returns the server's own certificate and the bundle to verify it
// with, made when the folder has none.
func localTLS(dir string) (certificate tls.Certificate, bundle string, err error) {
	fail := func(err error) (tls.Certificate, string, error) {
		return tls.Certificate{}, "", fmt.Errorf("cannot make the server's certificate: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fail(err)
	}
	authority, err := loadOrMake(filepath.Join(dir, authorityFile), nil)
	if err != nil {
		return fail(err)
	}
	if certificate, err = loadOrMake(filepath.Join(dir, serverFile), &authority); err != nil {
		return fail(err)
	}
	bundle = filepath.Join(dir, bundleFile)
	var all bytes.Buffer
	for _, name := range systemBundles {
		if data, err := os.ReadFile(name); err == nil {
			all.Write(append(data, '\n'))
			break
		}
	}
	all.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: authority.Certificate[0]}))
	if err := replaceFile(bundle, all.Bytes(), 0o644); err != nil {
		return fail(err)
	}
	return certificate, bundle, nil
}

// loadOrMake reads a certificate with its key, or makes one: an authority when
// issuer is nil, else a server's that the issuer signs.
func loadOrMake(file string, issuer *tls.Certificate) (tls.Certificate, error) {
	c, err := tls.LoadX509KeyPair(file, file)
	if !errors.Is(err, fs.ErrNotExist) {
		return c, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return c, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return c, err
	}
	template := &x509.Certificate{
		SerialNumber: serial, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(certificateIs),
		BasicConstraintsValid: true,
	}
	parent, signer := template, any(key)
	if issuer == nil {
		template.Subject = pkix.Name{CommonName: "Stepwell local authority"}
		template.IsCA, template.KeyUsage = true, x509.KeyUsageCertSign|x509.KeyUsageCRLSign
	} else {
		template.Subject = pkix.Name{CommonName: "localhost"}
		template.DNSNames = []string{"localhost"}
		template.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}
		template.KeyUsage = x509.KeyUsageDigitalSignature
		template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		parent, signer = issuer.Leaf, issuer.PrivateKey
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		return c, err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return c, err
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	text = append(text, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})...)
	if err := replaceFile(file, text, 0o600); err != nil {
		return c, err
	}
	return tls.LoadX509KeyPair(file, file)
}

// replaceFile writes a file that a reader sees whole or not at all.
func replaceFile(name string, data []byte, mode os.FileMode) error {
	if err := os.WriteFile(name+".new", data, mode); err != nil {
		return err
	}
	return os.Rename(name+".new", name)
}
