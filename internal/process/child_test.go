package process

import (
	"strings"
	"testing"
)

func TestTalk(t *testing.T) {
	for _, test := range []struct{ script, say, hear, fault string }{
		{`read x; echo "got $x"`, "a", "got a", ""},
		{`read x; echo broken >&2; exit 3`, "a", "", "broken"},
	} {
		c, err := Talk(Spec{Path: "/bin/sh", Args: []string{"-c", test.script}, Env: Inherit("PATH")})
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Say(test.say); err != nil {
			t.Error(test.script, err)
		}
		got, err := c.Hear()
		if got != test.hear || test.fault == "" && err != nil || test.fault != "" && (err == nil || !strings.Contains(err.Error(), test.fault)) {
			t.Errorf("%s: %q, %v", test.script, got, err)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
}
