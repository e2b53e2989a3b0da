package server

import (
	"testing"

	"stepwell/internal/bus"
	"stepwell/internal/gateway"
)

// TestKeysOfJobs: a key per principal, with its secret, and no other.
func TestKeysOfJobs(t *testing.T) {
	k, err := (&Options{}).credentials()
	if err != nil {
		t.Fatal(err)
	}
	store := credentialStore{keys: k}
	ids := map[string]bool{}
	for _, c := range []bus.Caller{
		{Account: "123456789012"},
		{Account: "210987654321"},
		{Account: "123456789012", Principal: "arn:aws:sts::123456789012:assumed-role/etl/one"},
		{Account: "123456789012", Principal: "arn:aws:sts::123456789012:assumed-role/etl/two"},
	} {
		id, secret := k.forJob(t.Context(), c)
		again, same := k.forJob(t.Context(), c)
		if id != again || secret != same || secret == "" || len(id) != 20 || ids[id] {
			t.Errorf("%+v: %s %s, then %s %s", c, id, secret, again, same)
		}
		ids[id] = true
		want := gateway.Credential{Secret: secret, Account: c.Account, Principal: c.Principal}
		if got, ok := store.Lookup(t.Context(), id); !ok || got != want {
			t.Errorf("%s: %+v %v, want %+v", id, got, ok, want)
		}
	}
	if _, ok := store.Lookup(t.Context(), jobPrefix+"123456789012"); ok {
		t.Error("a made-up key is known")
	}
}
