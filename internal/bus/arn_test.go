package bus

import "testing"

func TestAssumedRole(t *testing.T) {
	for role, want := range map[string]string{
		"arn:aws:iam::123456789012:role/etl":            "arn:aws:sts::123456789012:assumed-role/etl/me",
		"arn:aws-cn:iam::123456789012:role/a/b/etl":     "arn:aws-cn:sts::123456789012:assumed-role/etl/me",
		"arn:aws:iam::123456789012:user/etl":            "",
		"arn:aws:iam:::role/etl":                        "",
		"arn:aws:iam::123456789012:root":                "",
		"etl":                                           "",
		"arn:aws:sts::123456789012:assumed-role/etl/me": "",
	} {
		if got, ok := AssumedRole(role, "me"); got != want || ok != (want != "") {
			t.Errorf("%s: %q %v, want %q", role, got, ok, want)
		}
	}
}
