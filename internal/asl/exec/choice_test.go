package exec

import (
	"fmt"
	"strings"
	"testing"

	"stepwell/internal/asl/internal/datatest"
)

// TestChoice tries one choice rule on several values of $.v; $.w is "other".
func TestChoice(t *testing.T) {
	datatest.Run(t, "testdata/choice/*.txt", func(t *testing.T, c *datatest.Case) string {
		rule := strings.TrimSuffix(c.Args["rule"], "}") + `,"Next":"Yes"}`
		m, problems := Compile(`{"StartAt":"C","States":{"C":{"Type":"Choice","Choices":[`+rule+`],"Default":"No"},
			"Yes":{"Type":"Pass","Result":"yes","End":true},"No":{"Type":"Pass","Result":"no","End":true}}}`, Options{})
		if m == nil {
			return refusal(problems)
		}
		other := c.Args["other"]
		if other == "" {
			other = "null"
		}
		var b strings.Builder
		for _, v := range strings.Split(c.Args["values"], "\n") {
			v = strings.TrimSpace(v)
			_, x, err := play(m, recordedInfo(`{"v":`+v+`,"w":`+other+`}`, benchTime), benchTime)
			if err != nil {
				t.Fatal(err)
			}
			text := printResult(x.Result())
			text = strings.TrimSuffix(strings.TrimPrefix(text, `SUCCEEDED "`), `"`)
			fmt.Fprintf(&b, "%s: %s\n", v, text)
		}
		return b.String()
	})
}
