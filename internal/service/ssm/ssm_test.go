package ssm

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"

	api "stepwell/internal/awsapi/ssm"
	"stepwell/internal/bus"
	"stepwell/internal/clock"
	"stepwell/internal/store"
	"stepwell/test/opscript"
)

func TestScripts(t *testing.T) {
	opscript.Suite{Service: "ssm", Build: func(_ *testing.T, p opscript.Parts) {
		p.Bus.Register(New(Deps{Store: p.Store, Clock: p.Clock, Bus: p.Bus, Seal: opscript.Seal, Unseal: opscript.Unseal}).Table())
	}}.Run(t)
}

// TestSealed: the value of a SecureString stands nowhere in the store's files.
func TestSealed(t *testing.T) {
	dir := t.TempDir()
	db, err := store.Open(filepath.Join(dir, "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	b := bus.New()
	b.Register(New(Deps{Store: db, Clock: clock.New(1), Bus: b, Seal: opscript.Seal, Unseal: opscript.Unseal}).Table())
	for name, kind := range map[string]string{"/plain": "String", "/secret": "SecureString"} {
		in := &api.PutParameterInput{Name: &name, Type: &kind, Value: new("the value of " + name)}
		if _, err := b.Invoke(t.Context(), "ssm", "PutParameter", in); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	all := ""
	files, _ := filepath.Glob(filepath.Join(dir, "*"))
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		all += string(text)
	}
	plain, secret := base64.StdEncoding.EncodeToString([]byte("the value of /plain")), base64.StdEncoding.EncodeToString([]byte("the value of /secret"))
	if !strings.Contains(all, plain) || strings.Contains(all, secret) || strings.Contains(all, "the value of /secret") {
		t.Error("a plain value is not found, or a secret one is")
	}
}
