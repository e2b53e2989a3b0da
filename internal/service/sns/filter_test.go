package sns

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestFilter(t *testing.T) {
	const message = `{"s":"apple","n":5,"list":["red","green"],"b":true,"z":null,"ip":"10.1.2.3","o":{"k":{"x":"y"},"arr":[{"id":1},{"id":2}]}}`
	for _, c := range []struct {
		policy string
		want   bool
	}{
		{`{"s":["apple"]}`, true},
		{`{"s":["pear","apple"]}`, true},
		{`{"s":["Apple"]}`, false},
		{`{"s":["apple"],"n":[6]}`, false},
		{`{"n":[5.0]}`, true},
		{`{"n":["5"]}`, false},
		{`{"b":[true]}`, true},
		{`{"z":[null]}`, true},
		{`{"list":["green"]}`, true},
		{`{"list":["blue"]}`, false},
		{`{"s":[{"prefix":"ap"}]}`, true},
		{`{"s":[{"suffix":"ple"}]}`, true},
		{`{"s":[{"equals-ignore-case":"APPLE"}]}`, true},
		{`{"s":[{"anything-but":"pear"}]}`, true},
		{`{"s":[{"anything-but":["pear","apple"]}]}`, false},
		{`{"s":[{"anything-but":{"prefix":"ap"}}]}`, false},
		{`{"s":[{"anything-but":{"suffix":["x","y"]}}]}`, true},
		{`{"missing":[{"anything-but":"x"}]}`, false},
		{`{"n":[{"anything-but":5}]}`, false},
		{`{"n":[{"numeric":["=",5]}]}`, true},
		{`{"n":[{"numeric":[">",0,"<=",5]}]}`, true},
		{`{"n":[{"numeric":[">",5]}]}`, false},
		{`{"s":[{"numeric":[">",0]}]}`, false},
		{`{"s":[{"exists":true}]}`, true},
		{`{"missing":[{"exists":false}]}`, true},
		{`{"s":[{"exists":false}]}`, false},
		{`{"ip":[{"cidr":"10.0.0.0/8"}]}`, true},
		{`{"ip":[{"cidr":"11.0.0.0/8"}]}`, false},
		{`{"o":{"k":{"x":["y"]}}}`, true},
		{`{"o":{"k":{"x":["z"]}}}`, false},
		{`{"o":{"arr":{"id":[2]}}}`, true},
		{`{"q":{"k":[{"exists":false}]}}`, true},
		{`{"$or":[{"s":["pear"]},{"n":[5]}]}`, true},
		{`{"$or":[{"s":["pear"]},{"n":[6]}]}`, false},
		{`{"b":[true],"$or":[{"s":["apple"]},{"n":[6]}]}`, true},
		{`{}`, true},
	} {
		f, err := parseFilter(c.policy, true)
		if err != nil {
			t.Errorf("%s: %v", c.policy, err)
			continue
		}
		var object map[string]any
		json.Unmarshal([]byte(message), &object)
		if f.matches(object) != c.want {
			t.Errorf("%s: %v", c.policy, !c.want)
		}
	}
	for policy, want := range map[string]string{
		`[]`:                              "failed to parse JSON.",
		`{"a":"x"}`:                       `"a" must be an object or an array`,
		`{"a":[]}`:                        "Empty arrays are not allowed",
		`{"a":[["x"]]}`:                   "Match value must be String, number, true, false, or null",
		`{"a":[{"like":"x"}]}`:            "Unrecognized match type like",
		`{"a":[{"prefix":1}]}`:            "prefix match pattern must be a string",
		`{"a":[{"numeric":["<>",1]}]}`:    "Unrecognized numeric range operator: <>",
		`{"a":[{"numeric":["<"]}]}`:       "Invalid member in numeric match: ]",
		`{"a":[{"cidr":"10.0.0.0"}]}`:     "Malformed CIDR, one '/' required",
		`{"a":[{"exists":"yes"}]}`:        "exists match pattern must be either true or false.",
		`{"a":[{"anything-but":[true]}]}`: "Inside anything but list, number|start|null|boolean is not supported.",
		`{"a":{"b":["x"]}}`:               "Filter policy scope MessageAttributes does not support nested filter policy",
		`{"a":[1],"b":[1],"c":[1],"d":[1],"e":[1],"f":[1]}`: "Filter policy can not have more than 5 keys",
	} {
		if _, err := parseFilter(policy, false); err == nil || !strings.HasSuffix(err.Error(), "FilterPolicy: "+want) {
			t.Errorf("%s: %v", policy, err)
		}
	}
}

func TestFilterableAttributes(t *testing.T) {
	x := &subscription{Attributes: map[string]string{"FilterPolicy": `{"n":[{"numeric":[">",1]}],"a":["x"],"s":["t"]}`}}
	attributes := map[string]Attribute{"n": {"Number.int", "2"}, "a": {"String.Array", `["x","y"]`}, "s": {"String", "t"}}
	if !x.passes("", attributes) {
		t.Error("does not match")
	}
	attributes["s"] = Attribute{"Binary", "dA=="}
	if x.passes("", attributes) {
		t.Error("a binary attribute matches")
	}
	x.Attributes["FilterPolicyScope"] = "MessageBody"
	if x.passes("not json", nil) || !x.passes(`{"n":2,"a":"x","s":"t"}`, nil) {
		t.Error("body scope")
	}
}

func FuzzFilter(f *testing.F) {
	f.Add(`{"a":[{"numeric":[">",0]},{"anything-but":["x"]}],"$or":[{"b":{"c":["d"]}},{"e":[null]}]}`, `{"a":[1,["x"]],"b":[{"c":"d"}]}`)
	f.Fuzz(func(t *testing.T, policy, message string) {
		var object map[string]any
		json.Unmarshal([]byte(message), &object)
		for _, body := range []bool{true, false} {
			if f, err := parseFilter(policy, body); err == nil {
				f.matches(object)
			}
		}
	})
}
