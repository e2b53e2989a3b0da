package bus

import (
	"crypto/rand"
	"encoding/hex"

	"github.com/google/uuid"
)

// IDs makes the identifiers of new resources, so that a test can make them predictable.
type IDs interface {
	UUID() string         // random, e.g. "2f0c…-…": the form AWS uses for execution names, statement ids
	Hex(bytes int) string // random, lower case hexadecimal
}

// RandomIDs is the IDs of a real server.
type RandomIDs struct{}

func (RandomIDs) UUID() string { return uuid.NewString() }

func (RandomIDs) Hex(bytes int) string {
	b := make([]byte, bytes)
	rand.Read(b) // never fails: crypto/rand documents it
	return hex.EncodeToString(b)
}
