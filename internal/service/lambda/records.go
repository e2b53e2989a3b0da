package lambda

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	api "stepwell/internal/awsapi/lambda"
	"stepwell/internal/paging"
	"stepwell/internal/store"
)

// Keys begin with account and region. A version is $LATEST or a number, as
// versionKey writes it.
var (
	functions    = store.NewTable[function]("lambda_functions")                          // ..., name, version
	settings     = store.NewTable[setting]("lambda_settings")                            // ..., name
	aliases      = store.NewTable[api.AliasConfiguration]("lambda_aliases")              // ..., name, alias
	policies     = store.NewTable[policy]("lambda_policies")                             // ARN
	eventConfigs = store.NewTable[api.FunctionEventInvokeConfig]("lambda_event_configs") // ..., name, qualifier
	mappings     = store.NewTable[mapping]("lambda_event_source_mappings")               // account, region, uuid
	layers       = store.NewTable[layer]("lambda_layers")                                // ..., name, version
	urls         = store.NewTable[functionURL]("lambda_urls")                            // ..., name, qualifier
	urlsByID     = store.NewTable[[]string]("lambda_urls_by_id")                         // id
	layerCounts  = store.NewTable[int64]("lambda_layer_versions")                        // ..., name: the last version given
)

// latest is the version that can be changed.
const latest = "$LATEST"

// function is a version of a function.
type function struct {
	Config      api.FunctionConfiguration // without Environment
	Environment []byte                    `json:",omitzero"` // map[string]string, sealed
	Code        string                    // name of its zip file: hexadecimal SHA-256
	Layers      []string                  `json:",omitzero"` // the same of its layers, in their order
	Of          string                    `json:",omitzero"` // revision of $LATEST that it was published from
}

// setting is what all versions of a function share.
type setting struct {
	Versions int64             // the last version given
	Reserved *int64            `json:",omitzero"` // concurrent executions
	Tags     map[string]string `json:",omitzero"`
}

// layer is a version of a layer.
type layer struct {
	Output api.GetLayerVersionOutput
	Code   string // name of its zip file
}

// scope is the account and region that hold what a call is about.
type scope struct{ Account, Region string }

func (s scope) key(parts ...string) []string {
	return append([]string{s.Account, s.Region}, parts...)
}

func (s scope) arn(resource string) string {
	return "arn:aws:lambda:" + s.Region + ":" + s.Account + ":" + resource
}

// versionKey sorts $LATEST first and numbers as numbers.
func versionKey(version string) string {
	if n, err := strconv.ParseInt(version, 10, 64); err == nil {
		return fmt.Sprintf("%019d", n)
	}
	return version
}

// variables are the function's environment variables.
func (s *Service) variables(f *function) (map[string]string, error) {
	if len(f.Environment) == 0 {
		return nil, nil
	}
	plain, err := s.Unseal(f.Environment)
	if err != nil {
		return nil, fmt.Errorf("cannot read environment variables: %w", err)
	}
	var all map[string]string
	if err := json.Unmarshal(plain, &all); err != nil {
		return nil, fmt.Errorf("cannot read environment variables: %w", err)
	}
	return all, nil
}

// setVariables keeps the environment variables of a function.
func (s *Service) setVariables(f *function, all map[string]string) error {
	f.Environment = nil
	if all == nil {
		return nil
	}
	text, err := json.Marshal(all)
	if err != nil {
		return err
	}
	f.Environment, err = s.Seal(text)
	return err
}

// page reads one page of a table.
func page[T any](tx *store.Tx, t store.Table[T], marker *string, limit *int64, most int, prefix ...string) (list []T, next *string, err error) {
	list, next, err = paging.Read(func(after string, n int) ([]T, string, error) { return t.Page(tx, after, n, prefix...) },
		nil, marker, min(paging.Size(limit, most), most))
	return list, next, asMarker(err)
}

// asMarker words a marker that was made up.
func asMarker(err error) error {
	if errors.Is(err, paging.ErrToken) {
		return invalid("Invalid marker")
	}
	return err
}

// value is what p points to, or the zero value.
func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

// prefer sets *p to what is given.
func prefer[T any](p **T, given *T) {
	if given != nil {
		*p = given
	}
}
