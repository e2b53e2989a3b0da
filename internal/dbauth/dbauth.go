// Package dbauth is what the services of Redshift share about who logs in to a
// database: master passwords at rest, the temporary passwords that
// GetClusterCredentials and GetCredentials hand out, and the database users that
// IAM identities become.
//
// It opens no connection and answers no operation. The services of Redshift
// import it.
package dbauth

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"time"

	"stepwell/internal/bus"
	"stepwell/internal/store"
)

// Password is a master password at rest.
type Password struct{ Salt, Hash []byte }

const rounds = 20_000

// NewPassword hashes a password.
func NewPassword(text string) Password {
	salt := make([]byte, 16)
	rand.Read(salt)
	return Password{Salt: salt, Hash: derive(text, salt)}
}

func derive(text string, salt []byte) []byte {
	key, err := pbkdf2.Key(sha256.New, text, salt, rounds, 32)
	if err != nil {
		panic(err) // only for lengths FIPS mode forbids
	}
	return key
}

// Fits says that text is the password. There is none that fits where none is set.
func (p Password) Fits(text string) bool {
	return len(p.Hash) > 0 && hmac.Equal(p.Hash, derive(text, p.Salt))
}

// Generate is a new master password, of the characters and kinds of characters
// Redshift demands.
func Generate() string {
	return strings.NewReplacer("/", "-", "+", "_", "=", "").Replace(secret(24)) + "aA1"
}

// Place is a cluster, or a namespace of Redshift Serverless.
type Place struct{ Account, Region, ID string }

// Credential is a temporary password.
type Credential struct {
	Place      Place
	Login      string // user name to log in with: "IAM:name"
	User       string // database user it stands for
	Database   string `json:",omitempty"` // "" means any
	Groups     []string
	AutoCreate bool `json:",omitempty"`
	Expires    time.Time
	Digest     string // of the password
}

// credentials are kept by account, region, place and digest.
var credentials = store.NewTable[Credential]("redshift_credentials")

// Opens says that the credential is for a database and user name.
func (c *Credential) Opens(database, login string) bool {
	return c.Login == login && (c.Database == "" || c.Database == database)
}

// Issue keeps a credential for the time and returns its password. Those of the
// same place that have expired go.
func Issue(tx *store.Tx, c *Credential, now time.Time, life time.Duration) (password string, err error) {
	password = secret(120)
	c.Expires, c.Digest = now.Add(life), digest(password)
	old, err := Issued(tx, c.Place.Account, c.Place.Region, c.Place.ID)
	if err != nil {
		return "", err
	}
	for _, o := range old {
		if now.Before(o.Expires) {
			continue
		}
		if _, err := credentials.Delete(tx, c.Place.Account, c.Place.Region, c.Place.ID, o.Digest); err != nil {
			return "", err
		}
	}
	return password, credentials.Put(tx, *c, c.Place.Account, c.Place.Region, c.Place.ID, c.Digest)
}

// Issued lists the credentials below a prefix of account, region and place.
func Issued(tx *store.Tx, prefix ...string) ([]Credential, error) {
	return credentials.List(tx, prefix...)
}

// Find is the credential of a place with the password.
func Find(tx *store.Tx, p Place, password string) (Credential, bool, error) {
	return credentials.Get(tx, p.Account, p.Region, p.ID, digest(password))
}

// Withdraw removes the credentials of a place.
func Withdraw(tx *store.Tx, p Place) error {
	return credentials.DeleteAll(tx, p.Account, p.Region, p.ID)
}

// IAMUser is the database user of an identity: IAM:user, IAMR:role.
func IAMUser(principal string) string {
	arn, _ := bus.ParseARN(principal)
	kind, name, found := strings.Cut(arn.Resource, "/")
	switch {
	case !found:
		return "IAM:root"
	case kind == "assumed-role":
		role, _, _ := strings.Cut(name, "/")
		return "IAMR:" + role
	case kind == "role":
		return "IAMR:" + name[strings.LastIndexByte(name, '/')+1:]
	}
	return "IAM:" + name[strings.LastIndexByte(name, '/')+1:]
}

// secret is a random text of n bytes' strength, and digest what is kept of it.
func secret(n int) string {
	b := make([]byte, n)
	rand.Read(b)
	return base64.StdEncoding.EncodeToString(b)
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
