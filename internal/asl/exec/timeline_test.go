package exec

import (
	"fmt"
	"strings"
	"testing"
)

func TestTimeline(t *testing.T) {
	m := mustCompile(t, `{"StartAt":"T","States":{
		"T":{"Type":"Task","Resource":"arn:aws:states:::x:y","Retry":[{"ErrorEquals":["Flaky"],"IntervalSeconds":2}],"ResultPath":null,"Next":"W"},
		"W":{"Type":"Wait","Seconds":30,"Next":"M"},
		"M":{"Type":"Map","MaxConcurrency":1,"ItemsPath":"$.l","ItemProcessor":{"StartAt":"I","States":{"I":{"Type":"Task","Resource":"arn:aws:states:::x:y","End":true}}},
			"Catch":[{"ErrorEquals":["Bad"],"Next":"F"}],"End":true},
		"F":{"Type":"Fail","Error":"E"}}}`)
	p := &player{at: benchTime, answers: []string{"fail Flaky x", "ok 1", "ok 2", "fail Bad why"}}
	p.run(New(m, recordedInfo(`{"l":[1,2]}`, benchTime), Env{}))
	line := &Timeline{}
	for _, e := range p.events { // one at a time, as they come
		line.Add(e)
	}
	var b strings.Builder
	for _, r := range line.Runs() {
		e := "-"
		if r.Error != nil {
			e = *r.Error
		}
		fmt.Fprintf(&b, "%s %s in %d[%d] %v attempts=%d failed=%v %s\n", r.Type, r.Name, r.Parent, r.Index, r.Duration(p.at), r.Attempts, r.Failed, e)
	}
	want := `Task T in 0[-1] 2s attempts=2 failed=false -
Wait W in 0[-1] 30s attempts=0 failed=false -
Map M in 0[-1] 0s attempts=1 failed=true Bad
Task I in 12[0] 0s attempts=1 failed=false -
Task I in 12[1] 0s attempts=1 failed=true Bad
Fail F in 0[-1] 0s attempts=0 failed=true E
`
	if b.String() != want {
		t.Errorf("got:\n%s\nwant:\n%s", b.String(), want)
	}
}
