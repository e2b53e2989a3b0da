package dbauth

import (
	"path/filepath"
	"testing"
	"time"

	"stepwell/internal/store"
)

func TestIAMUser(t *testing.T) {
	for principal, want := range map[string]string{
		"arn:aws:iam::1:user/foo":                      "IAM:foo",
		"arn:aws:iam::1:user/team/foo":                 "IAM:foo",
		"arn:aws:iam::1:root":                          "IAM:root",
		"arn:aws:sts::1:assumed-role/etl-role/session": "IAMR:etl-role",
		"arn:aws:iam::1:role/service-role/etl":         "IAMR:etl",
	} {
		if got := IAMUser(principal); got != want {
			t.Errorf("%s: %s", principal, got)
		}
	}
}

func TestPassword(t *testing.T) {
	p := NewPassword("Secret1")
	for text, want := range map[string]bool{"Secret1": true, "secret1": false, "": false} {
		if p.Fits(text) != want {
			t.Errorf("%q fits: %v", text, !want)
		}
	}
	if (Password{}).Fits("") {
		t.Error("a place without a password opens")
	}
}

func TestCredentials(t *testing.T) {
	st, err := store.Open(filepath.Join(t.TempDir(), "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	p := Place{"111122223333", "us-east-1", "a"}
	err = st.Update(t.Context(), func(tx *store.Tx) error {
		issue := func(at time.Time) string {
			password, err := Issue(tx, &Credential{Place: p, Login: "IAM:ann", User: "ann", Database: "dev"}, at, time.Minute)
			if err != nil {
				t.Fatal(err)
			}
			return password
		}
		first := issue(now)
		second := issue(now.Add(time.Hour)) // the first has expired and goes
		if _, ok, err := Find(tx, p, first); ok || err != nil {
			t.Errorf("the expired credential is there: %v", err)
		}
		c, ok, err := Find(tx, p, second)
		if !ok || err != nil || !c.Opens("dev", "IAM:ann") || c.Opens("prod", "IAM:ann") || c.Opens("dev", "ann") {
			t.Errorf("%+v, %v", c, err)
		}
		if err := Withdraw(tx, p); err != nil {
			return err
		}
		left, err := Issued(tx, p.Account)
		if len(left) > 0 {
			t.Errorf("left: %v", left)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
