package syntax

import (
	"bufio"
	"encoding/json"
	"os"
	"testing"
)

// conformanceFile holds the developer guide's examples; see its README.
const conformanceFile = "../../../../shared/conformance/redshift/cases.jsonl"

// TestGuideParses measures how many of the guide's statements parse.
func TestGuideParses(t *testing.T) {
	f, err := os.Open(conformanceFile)
	if err != nil {
		t.Skip("no conformance data beside the repository: ", err)
	}
	defer f.Close()
	total, failed := 0, 0
	sc := bufio.NewScanner(f)
	sc.Buffer(nil, 1<<24)
	for sc.Scan() {
		var c struct {
			ID    string
			SQL   string
			Setup []string
		}
		if err := json.Unmarshal(sc.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		for _, sql := range append(c.Setup, c.SQL) {
			total++
			if _, err := Parse(sql); err != nil {
				failed++
				t.Logf("%s: %v\n%s", c.ID, err, sql)
			}
			roundTrip(t, sql)
		}
	}
	rate := float64(total-failed) / float64(total)
	t.Logf("parsed %d of %d statements (%.2f %%)", total-failed, total, 100*rate)
	if rate < 0.99 {
		t.Errorf("parse rate %.4f is below 0.99", rate)
	}
}
