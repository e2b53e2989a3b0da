package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"slices"
)

// The types of api-2.json, the form in which AWS publishes its service models
// with its SDKs. Only what the generator reads is listed.

type apiModel struct {
	Metadata   apiMetadata              `json:"metadata"`
	Operations map[string]*apiOperation `json:"operations"`
	Shapes     map[string]*apiShape     `json:"shapes"`
}

type apiMetadata struct {
	APIVersion          string    `json:"apiVersion"`
	EndpointPrefix      string    `json:"endpointPrefix"`
	GlobalEndpoint      string    `json:"globalEndpoint"`
	JSONVersion         string    `json:"jsonVersion"`
	Protocol            string    `json:"protocol"`
	Protocols           []string  `json:"protocols"`
	ServiceAbbreviation string    `json:"serviceAbbreviation"`
	ServiceFullName     string    `json:"serviceFullName"`
	ServiceID           string    `json:"serviceId"`
	SigningName         string    `json:"signingName"`
	TargetPrefix        string    `json:"targetPrefix"`
	XMLNamespace        string    `json:"xmlNamespace"`
	AWSQueryCompatible  *struct{} `json:"awsQueryCompatible"`
}

type apiOperation struct {
	Name string `json:"name"`
	HTTP struct {
		Method       string `json:"method"`
		RequestURI   string `json:"requestUri"`
		ResponseCode int    `json:"responseCode"`
	} `json:"http"`
	Input           *apiRef  `json:"input"`
	Output          *apiRef  `json:"output"`
	Errors          []apiRef `json:"errors"`
	AuthType        string   `json:"authtype"`
	UnsignedPayload bool     `json:"unsignedPayload"`
	HTTPChecksum    *struct {
		Required bool `json:"requestChecksumRequired"`
	} `json:"httpChecksum"`
}

type apiNamespace struct {
	URI    string `json:"uri"`
	Prefix string `json:"prefix"`
}

// UnmarshalJSON accepts both spellings: an object and a bare URI.
func (n *apiNamespace) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		return json.Unmarshal(b, &n.URI)
	}
	type plain apiNamespace
	return json.Unmarshal(b, (*plain)(n))
}

type apiRef struct {
	Shape            string        `json:"shape"`
	LocationName     string        `json:"locationName"`
	Location         string        `json:"location"`
	QueryName        string        `json:"queryName"`
	ResultWrapper    string        `json:"resultWrapper"`
	TimestampFormat  string        `json:"timestampFormat"`
	XMLNamespace     *apiNamespace `json:"xmlNamespace"`
	XMLAttribute     bool          `json:"xmlAttribute"`
	Flattened        bool          `json:"flattened"`
	Streaming        bool          `json:"streaming"`
	IdempotencyToken bool          `json:"idempotencyToken"`
	HostLabel        bool          `json:"hostLabel"`
	JSONValue        bool          `json:"jsonvalue"`
	EventPayload     bool          `json:"eventpayload"`
}

type apiShape struct {
	Type            string        `json:"type"`
	Members         members       `json:"members"`
	Member          *apiRef       `json:"member"`
	Key             *apiRef       `json:"key"`
	Value           *apiRef       `json:"value"`
	Required        []string      `json:"required"`
	Enum            []string      `json:"enum"`
	Min             *float64      `json:"min"`
	Max             *float64      `json:"max"`
	Pattern         string        `json:"pattern"`
	Payload         string        `json:"payload"`
	Flattened       bool          `json:"flattened"`
	Streaming       bool          `json:"streaming"`
	Sensitive       bool          `json:"sensitive"`
	Union           bool          `json:"union"`
	EventStream     bool          `json:"eventstream"`
	Document        bool          `json:"document"`
	TimestampFormat string        `json:"timestampFormat"`
	XMLNamespace    *apiNamespace `json:"xmlNamespace"`
	Exception       bool          `json:"exception"`
	Fault           bool          `json:"fault"`
	Error           *struct {
		Code           string `json:"code"`
		HTTPStatusCode int    `json:"httpStatusCode"`
		SenderFault    bool   `json:"senderFault"`
	} `json:"error"`
}

type apiMember struct {
	Name string
	apiRef
}

// members keeps the order in which the model lists them: XML and struct fields
// follow it.
type members []apiMember

func (ms *members) UnmarshalJSON(b []byte) error {
	d := json.NewDecoder(bytes.NewReader(b))
	if _, err := d.Token(); err != nil {
		return err
	}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return err
		}
		m := apiMember{Name: t.(string)}
		if err := d.Decode(&m.apiRef); err != nil {
			return err
		}
		*ms = append(*ms, m)
	}
	return nil
}

func readModel(path string) (*apiModel, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the model: %w", err)
	}
	m := new(apiModel)
	if err := json.Unmarshal(b, m); err != nil {
		return nil, fmt.Errorf("cannot parse %s: %w", path, err)
	}
	return m, nil
}

// overlay adds what AWS published after the models of the SDK: new operations
// (one without an HTTP binding only gives an old one its authtype), new shapes, and for existing shapes new members and enum values; required
// replaces the list of required members, and a limit replaces a limit; so do the
// elements, keys and values of lists and maps, errors, the XML namespace, and
// the protocol with what belongs to it (a service that answered query first).
func (m *apiModel) overlay(o *apiModel) {
	if o.Metadata.XMLNamespace != "" {
		m.Metadata.XMLNamespace = o.Metadata.XMLNamespace
	}
	if o.Metadata.Protocol != "" {
		m.Metadata.Protocol, m.Metadata.JSONVersion = o.Metadata.Protocol, o.Metadata.JSONVersion
		m.Metadata.TargetPrefix, m.Metadata.AWSQueryCompatible = o.Metadata.TargetPrefix, o.Metadata.AWSQueryCompatible
	}
	for name, op := range o.Operations {
		if old := m.Operations[name]; old != nil && op.HTTP.Method == "" {
			old.AuthType = op.AuthType
			continue
		}
		m.Operations[name] = op
	}
	for name, s := range o.Shapes {
		old := m.Shapes[name]
		if old == nil {
			m.Shapes[name] = s
			continue
		}
		for _, mb := range s.Members {
			i := slices.IndexFunc(old.Members, func(x apiMember) bool { return x.Name == mb.Name })
			if i < 0 {
				old.Members = append(old.Members, mb)
			} else {
				old.Members[i] = mb
			}
		}
		for _, e := range s.Enum {
			if !slices.Contains(old.Enum, e) {
				old.Enum = append(old.Enum, e)
			}
		}
		if s.Key != nil {
			old.Key = s.Key
		}
		if s.Value != nil {
			old.Value = s.Value
		}
		if s.Member != nil {
			old.Member = s.Member
		}
		if s.Required != nil {
			old.Required = s.Required
		}
		if s.Min != nil {
			old.Min = s.Min
		}
		if s.Max != nil {
			old.Max = s.Max
		}
		if s.Pattern != "" {
			old.Pattern = s.Pattern
		}
		if s.Error != nil {
			old.Error = s.Error
		}
	}
}
